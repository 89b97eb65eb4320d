"""The directory of a run, and which files belong to a program."""

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huddle.errors import HuddleError, LocalError, ProgramError
from huddle.running.snapshot import Snapshot, collect, left_behind


def test_the_files_are_there_and_then_gone(tmp_path: Path) -> None:
    private = tmp_path / "mine.csv"
    private.write_text("private")
    with Snapshot({"prog.py": b"1", "data/deep/x.bin": b"\0"}, [private]) as snapshot:
        place = snapshot.directory
        assert stat.S_IMODE(place.stat().st_mode) == 0o700
        assert (place / "prog.py").read_bytes() == b"1"
        assert stat.S_IMODE((place / "prog.py").stat().st_mode) == 0o600
        assert (place / "data/deep/x.bin").read_bytes() == b"\0"
        assert (place / "mine.csv").read_text() == "private"
    assert not place.exists()
    assert private.read_text() == "private"


@pytest.mark.parametrize(
    "path",
    [
        "",
        ".",
        "..",
        "/etc/x",
        "../x",
        "a/../../x",
        "a//b",
        "a/",
        "./a",
        "a\\b",
        "c:x",
        "a\0b",
        "a\nb",
        "e\u0301.py",
    ],
)
def test_hostile_paths_are_refused(path: str) -> None:
    with pytest.raises(ProgramError):
        Snapshot({path: b""})


@pytest.mark.parametrize("path", ["x" * 256, "a/" + "ä" * 128, "\u202egnp.py", "\ud800", "~", "nul"])
def test_paths_that_some_systems_misread_are_refused(path: str) -> None:
    with pytest.raises(ProgramError):
        Snapshot({path: b""})


@pytest.mark.parametrize("paths", [("a.py", "A.py"), ("a", "a/b"), ("a/b", "a"), ("a/b", "A"), ("ß", "SS")])
def test_paths_that_collide_are_refused(paths: tuple[str, str]) -> None:
    with pytest.raises(ProgramError):
        Snapshot(dict.fromkeys(paths, b""))


def test_a_directory_may_hold_two_files() -> None:
    with Snapshot({"a/b": b"", "a/c": b"", "a/d/e": b""}) as snapshot:
        assert sorted(os.listdir(snapshot.directory / "a")) == ["b", "c", "d"]


def test_an_input_with_the_name_of_a_program_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LocalError):
        Snapshot({"data.csv": b""}, [tmp_path / "DATA.csv"])
    with pytest.raises(LocalError):
        Snapshot({"data/x": b""}, [tmp_path / "data"])


@given(st.text(alphabet=st.sampled_from("a./\\\0~\ud800é:A"), max_size=8))
def test_nothing_is_ever_written_elsewhere(path: str) -> None:
    try:
        snapshot = Snapshot({path: b"x"})
    except HuddleError:
        return
    try:
        (found,) = (file for file in snapshot.directory.rglob("*") if file.is_file())
        assert found.resolve().is_relative_to(snapshot.directory)
        assert found.relative_to(snapshot.directory).as_posix() == path
    finally:
        snapshot.remove()


def test_what_a_program_locked_is_removed_too(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("kept")
    snapshot = Snapshot({"a/b/c": b""})
    (snapshot.directory / "out").symlink_to(outside)
    (snapshot.directory / "a" / "b").chmod(0)
    (snapshot.directory / "a").chmod(0o500)
    snapshot.directory.chmod(0o500)
    snapshot.remove()
    assert not snapshot.directory.exists()
    assert (outside / "kept").read_text() == "kept"


LISTING = (
    "prog.py",
    "helper.py",
    "data/a.csv",
    "data/sub/b.csv",
    "notes.txt",
    "pack/__init__.py",
    "pack/part.py",
)


@pytest.mark.parametrize(
    ("globs", "found"),
    [
        ((), ()),
        (("*.py",), ("helper.py",)),
        (("data/*",), ("data/a.csv",)),
        (("data/**",), ("data/a.csv", "data/sub/b.csv")),
        (("**/*.csv",), ("data/a.csv", "data/sub/b.csv")),
        (("n?tes.txt", "pack/*.py"), ("notes.txt", "pack/__init__.py", "pack/part.py")),
    ],
)
def test_globs_choose_files(globs: tuple[str, ...], found: tuple[str, ...]) -> None:
    assert collect("prog.py", LISTING, globs) == ("prog.py", *found)


def test_a_glob_that_matches_nothing_is_an_error() -> None:
    with pytest.raises(LocalError, match=r"\*\.json"):
        collect("prog.py", LISTING, ["*.json"])


def test_modules_beside_the_program_that_do_not_travel_are_named() -> None:
    source = b"import helper, os\ndef f():\n    from pack.part import x\nimport prog"
    assert left_behind(source, "prog.py", LISTING, ["prog.py"]) == (
        "helper.py",
        "pack/__init__.py",
        "pack/part.py",
    )
    assert left_behind(source, "prog.py", LISTING, LISTING) == ()
    assert left_behind(b"import helper", "sub/prog.py", ("helper.py", "sub/helper.py"), ()) == (
        "sub/helper.py",
    )
    assert left_behind(b"not python", "prog.py", LISTING, ()) == ()
