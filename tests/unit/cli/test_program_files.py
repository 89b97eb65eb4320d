"""A program on a disk: what travels is the entry and what was named, and no file can hang it."""

import os
from pathlib import Path

import pytest

from huddle.cli import program_files
from huddle.cli.program_files import load
from huddle.errors import LocalError


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder / "a.py"


def test_only_the_entry_travels_and_what_it_imports_is_named(tmp_path: Path) -> None:
    entry = write(tmp_path, a_py="import b, os\nfrom c import d\n", b_py="", c__d_py="", x_py="")
    program, missing = load(entry, (), ("-n", "3"))
    assert (program.entry, set(program.files), program.args) == ("a.py", {"a.py"}, ("-n", "3"))
    assert missing == ("b.py",)


def test_globs_name_what_travels_too(tmp_path: Path) -> None:
    entry = write(tmp_path, a_py="import b\n", b_py="B", data__t_csv="1", data__deep__u_csv="2", x_txt="")
    program, missing = load(entry, ("*.py", "data/**"), ())
    assert dict(program.files) == {
        "a.py": b"import b\n", "b.py": b"B", "data/t.csv": b"1", "data/deep/u.csv": b"2",
    }  # fmt: skip
    assert missing == ()


def test_hidden_directories_and_caches_do_not_travel(tmp_path: Path) -> None:
    entry = write(tmp_path, a_py="", x_txt="x")
    for folder in (".git", "__pycache__"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "secret.txt").write_text("s")
    assert set(load(entry, ("**",), ())[0].files) == {"a.py", "x.txt"}


def test_a_glob_that_matches_nothing_is_said(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match=r"\*\.csv"):
        load(write(tmp_path, a_py=""), ("*.csv",), ())


def test_what_is_no_file_is_left_out(tmp_path: Path) -> None:
    entry = write(tmp_path, a_py="")
    os.mkfifo(tmp_path / "pipe.txt")
    (tmp_path / "gone.txt").symlink_to(tmp_path / "nowhere")
    (tmp_path / "is.txt").write_text("x")
    assert set(load(entry, ("*.txt",), ())[0].files) == {"a.py", "is.txt"}


def test_a_missing_program_is_an_error_with_a_name(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match=r"none\.py"):
        load(tmp_path / "none.py", (), ())
    with pytest.raises(LocalError, match="nowhere"):
        load(tmp_path / "nowhere" / "a.py", (), ())


def test_too_many_or_too_large_files_are_refused_before_they_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = write(tmp_path, a_py="", b_txt="bb", c_txt="cc")
    monkeypatch.setattr(program_files, "MAX_TOTAL", 3)
    with pytest.raises(LocalError, match="4 B"):
        load(entry, ("*.txt",), ())
    monkeypatch.setattr(program_files, "MAX_LISTED", 2)
    with pytest.raises(LocalError, match="over 2 files"):
        load(entry, ("*.txt",), ())


def test_names_travel_in_one_form(tmp_path: Path) -> None:
    entry = write(tmp_path, a_py="")
    (tmp_path / "cafe\u0301.txt").write_text("x")
    assert set(load(entry, ("*.txt",), ())[0].files) == {"a.py", "caf\u00e9.txt"}
