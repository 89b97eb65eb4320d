"""A program on a disk: what travels is the entry, what was named, and what was chosen."""

import json
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

import pytest

from huddle.cli import program_files
from huddle.cli.program_files import Source, load
from huddle.errors import LocalError
from huddle.session.belongings import Belongings
from huddle.session.program import Program
from huddle.session.samples import sample


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder / "a.py"


def nothing(found: Belongings) -> Iterable[str]:
    return ()


def everything(found: Belongings) -> Iterable[str]:
    return found.all


def files(path: Path, *include: str, choose: program_files.Choose = nothing, **more: object) -> set[str]:
    return set(load(Source(path, include, **more), (), choose).files)  # type: ignore[arg-type]


def test_only_the_entry_travels_unless_its_person_chooses_more(tmp_path: Path) -> None:
    entry = write(
        tmp_path, a_py="import b, os\nfrom c import d\nopen('t.csv')\n", b_py="", c__d_py="", t_csv="1"
    )
    seen: list[Belongings] = []

    def look(found: Belongings) -> Iterable[str]:
        seen.append(found)
        return ()

    program = load(Source(entry), ("-n", "3"), look)
    assert (program.entry, set(program.files), program.args) == ("a.py", {"a.py"}, ("-n", "3"))
    assert seen == [Belongings(("b.py", "c/d.py"), ("t.csv",))]
    assert program.optional == {"b.py", "c/d.py", "t.csv"}
    assert files(entry, choose=everything) == {"a.py", "b.py", "c/d.py", "t.csv"}


def test_what_python_cannot_read_is_said_before_anybody_is_invited(tmp_path: Path) -> None:
    entry = write(tmp_path, a_py="import b\n\ndef f(:\n", b_py="x = (\n", c_py="y = (\n")
    with pytest.raises(LocalError, match=r"can't read a\.py, line 3: invalid syntax\."):
        load(Source(entry), (), nothing)
    entry.write_text("import b\n")
    assert files(entry) == {"a.py"}  # another one's b.py may do
    with pytest.raises(LocalError, match=r"can't read b\.py, line 1"):
        load(Source(entry), (), everything)
    assert files(entry, "c.py") == {"a.py", "c.py"}  # nothing says that it is ever imported


def test_globs_name_what_travels_and_what_does_not(tmp_path: Path) -> None:
    entry = write(tmp_path, a_py="import b\n", b_py="B", data__t_csv="1", data__deep__u_csv="2", x_txt="")
    assert files(entry, "*.py", "data/**") == {"a.py", "b.py", "data/t.csv", "data/deep/u.csv"}
    assert files(entry, "**", exclude=("data/**", "b.py"), choose=everything) == {"a.py", "x.txt"}


def test_a_root_above_the_program_and_where_it_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, tools__box_py="", demos__a_py="import tools.box\n")
    entry = tmp_path / "demos" / "a.py"

    def start(folder: Path) -> Program:
        monkeypatch.chdir(folder)
        return load(Source(entry, root=tmp_path), (), everything)

    assert (start(tmp_path).entry, start(tmp_path).workdir) == ("demos/a.py", "")
    assert start(tmp_path / "demos").workdir == "demos"
    assert start(tmp_path.parent).workdir == ""
    assert set(start(tmp_path).files) == {"demos/a.py", "tools/box.py"}
    with pytest.raises(LocalError, match="is not in"):
        load(Source(entry, root=tmp_path / "tools"), (), nothing)


def test_empty_folders_travel(tmp_path: Path) -> None:
    entry = write(tmp_path, a_py="open('results/' + 'x', 'w')\nimport os\nos.listdir('results')\n")
    (tmp_path / "results").mkdir()
    assert load(Source(entry), (), everything).folders == ("results",)
    assert load(Source(entry, ("res*",)), (), nothing).folders == ("results",)


def test_a_notebook_is_the_program_of_its_code_cells(tmp_path: Path) -> None:
    def notebook(*cells: str) -> Path:
        path = tmp_path / "n.ipynb"
        made = [{"cell_type": "code", "source": cell.splitlines(keepends=True)} for cell in cells]
        path.write_text(
            json.dumps({"nbformat": 4, "cells": [{"cell_type": "markdown", "source": "# %x"}, *made]})
        )
        return path

    program = load(Source(notebook("x = 1\n", "", "print(x)")), (), nothing)
    assert (program.entry, program.files) == ("n.py", {"n.py": b"x = 1\n\n\nprint(x)\n"})
    for cell in ("%matplotlib inline", "!pip install x", "await f()", "print("):
        with pytest.raises(LocalError, match="cell 2") as caught:
            load(Source(notebook("x = 1", cell)), (), nothing)
        assert "nbconvert" in caught.value.hint
    (tmp_path / "n.ipynb").write_text("{}")
    with pytest.raises(LocalError, match="no notebook"):
        load(Source(tmp_path / "n.ipynb"), (), nothing)


def test_hidden_directories_and_caches_do_not_travel(tmp_path: Path) -> None:
    entry = write(tmp_path, a_py="", x_txt="x", venv__pyvenv_cfg="")
    for folder in (".git", "__pycache__"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "secret.txt").write_text("s")
    assert files(entry, "**") == {"a.py", "x.txt"}


def test_a_glob_that_matches_nothing_is_said(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match=r"--include \*\.csv"):
        files(write(tmp_path, a_py=""), "*.csv")
    with pytest.raises(LocalError, match=r"--exclude \*\.csv"):
        files(tmp_path / "a.py", exclude=("*.csv",))


def test_what_is_no_file_is_left_out(tmp_path: Path) -> None:
    entry = write(tmp_path, a_py="")
    os.mkfifo(tmp_path / "pipe.txt")
    (tmp_path / "gone.txt").symlink_to(tmp_path / "nowhere")
    (tmp_path / "is.txt").write_text("x")
    assert files(entry, "*.txt") == {"a.py", "is.txt"}


def test_a_missing_program_is_an_error_with_a_name(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match=r"none\.py"):
        files(tmp_path / "none.py")


def test_too_many_or_too_large_files_are_refused_before_they_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = write(tmp_path, a_py="", b_txt="bb", c_txt="cc")
    monkeypatch.setattr(program_files, "MAX_TOTAL", 3)
    with pytest.raises(LocalError, match="4 B"):
        files(entry, "*.txt")
    monkeypatch.setattr(program_files, "MAX_LISTED", 2)
    with pytest.raises(LocalError, match="over 2 files"):
        files(entry, "*.txt")


def test_names_travel_in_one_form(tmp_path: Path) -> None:
    entry = write(tmp_path, a_py="")
    (tmp_path / "cafe\u0301.txt").write_text("x")
    assert files(entry, "*.txt") == {"a.py", "caf\u00e9.txt"}


def block(*names: str) -> str:
    return f"# /// script\n# [tool.huddle]\n# files = {list(names)!r}\n# ///\n"


def test_what_the_author_says_belongs_to_it_is_proposed_and_must_be_there(tmp_path: Path) -> None:
    entry = write(tmp_path, a_py=block("t.csv", "d/u.bin"), t_csv="1", d__u_bin="2", x_csv="")
    seen: list[Belongings] = []

    def look(found: Belongings) -> Iterable[str]:
        seen.append(found)
        return ()

    assert set(load(Source(entry), (), look).files) == {"a.py"}  # never unasked
    assert seen == [Belongings((), ("d/u.bin", "t.csv"))]
    (tmp_path / "t.csv").unlink()
    with pytest.raises(LocalError, match=r"t\.csv belongs to it, which is not there"):
        files(entry)


def test_what_a_program_of_the_installation_needs_travels_with_it() -> None:
    program = load(Source(sample("cnn_mnist.py")), (), nothing)
    assert set(program.files) == {"cnn_mnist.py", "cnn_mnist.json"}


def test_a_folder_that_one_may_not_enter_is_no_obstacle() -> None:
    with tempfile.TemporaryDirectory() as name:  # not below pytest's, which only root may enter
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "prog.py").write_text("print(1)\n")
        (folder / "closed").mkdir()
        (folder / "closed" / "secret.txt").write_text("mine")
        (folder / "closed").chmod(0o700 if os.geteuid() == 0 else 0)
        before = os.geteuid()
        if before == 0:
            os.seteuid(65534)
        try:
            found = load(Source(folder / "prog.py"), (), lambda found: ())
            assert set(found.files) == {"prog.py"}
            found = load(Source(folder / "prog.py", include=("*.py",)), (), lambda found: ())
            assert set(found.files) == {"prog.py"}
        finally:
            os.seteuid(before)
            (folder / "closed").chmod(0o700)
