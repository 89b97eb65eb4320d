"""The program as it lies on the disk now: what has changed is named, and nothing new is sent unasked."""

from pathlib import Path

import pytest

from huddle.cli.program_files import Source, load
from huddle.cli.program_source import ProgramSource
from huddle.errors import LocalError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "prog.py").write_text("import helper\nopen('secret.txt')\n")
    (tmp_path / "helper.py").write_text("x = 1\n")
    (tmp_path / "secret.txt").write_text("mine")
    (tmp_path / "other.py").write_text("print(2)\n")
    return tmp_path


def source(folder: Path) -> ProgramSource:
    where = Source(folder / "prog.py")
    return ProgramSource(where, load(where, ("-n", "3"), lambda found: ("helper.py",)))


def test_what_was_edited_is_read_again_and_named(folder: Path) -> None:
    one = source(folder)
    assert one.take(one.again()) == ""
    (folder / "helper.py").write_text("x = 2\n")
    assert one.take(one.again()) == "helper.py changed"
    assert one.program.files["helper.py"] == b"x = 2\n" and one.program.args == ("-n", "3")
    assert one.take(one.again()) == ""


def test_what_stayed_here_at_first_still_stays_here(folder: Path) -> None:
    one = source(folder)
    (folder / "prog.py").write_text("import helper, other\nopen('secret.txt')\n")
    one.take(one.again())
    assert set(one.program.files) == {"prog.py", "helper.py"}


def test_another_program_is_that_file_alone_and_its_arguments(folder: Path) -> None:
    one = source(folder)
    said = one.take(one.other(f"{folder / 'other.py'} -n 'four five'"))
    assert said.startswith("other.py in place of prog.py")
    assert set(one.program.files) == {"other.py"} and one.program.args == ("-n", "four five")
    (folder / "other.py").write_text("print(3)\n")
    assert one.take(one.again()) == "other.py changed"


def test_a_program_is_named_from_where_the_person_began(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    one = source(folder)
    monkeypatch.chdir("/")  # as one that root started is afterwards
    one.take(one.other("other.py"))
    assert one.take(one.again()) == "" and set(one.program.files) == {"other.py"}


def test_other_arguments(folder: Path) -> None:
    one = source(folder)
    assert one.take(one.with_arguments("-n 4")) == "arguments now -n 4"
    assert one.take(one.with_arguments("")) == "arguments now none"


@pytest.mark.parametrize("line", ["nothing.py", "'open", "other.py '"])
def test_what_can_t_be_read_changes_nothing(folder: Path, line: str) -> None:
    one = source(folder)
    with pytest.raises(LocalError):
        one.other(line)
    assert one.take(one.again()) == ""
