"""The directory of a run."""

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huddle.errors import HuddleError, LocalError, ProgramError
from huddle.running import output_files as results
from huddle.running.snapshot import Snapshot


def test_the_files_are_there_and_then_gone(tmp_path: Path) -> None:
    private = tmp_path / "mine.csv"
    private.write_text("private")
    with Snapshot({"prog.py": b"1", "data/deep/x.bin": b"\0"}, [("own/m.csv", private)]) as snapshot:
        place = snapshot.directory
        assert stat.S_IMODE(place.stat().st_mode) == 0o700
        assert (place / "prog.py").read_bytes() == b"1"
        assert stat.S_IMODE((place / "prog.py").stat().st_mode) == 0o600
        assert (place / "data/deep/x.bin").read_bytes() == b"\0"
        assert (place / "own/m.csv").read_text() == "private"
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
        Snapshot({"data.csv": b""}, [("DATA.csv", tmp_path / "x")])
    with pytest.raises(LocalError):
        Snapshot({"data": b""}, [("data/x", tmp_path / "x")])
    with pytest.raises(LocalError):
        Snapshot({}, [("data", tmp_path), ("data/x", tmp_path / "x")])
    with pytest.raises(LocalError):
        Snapshot({}, [("../x", tmp_path / "x")])
    with pytest.raises(LocalError):
        Snapshot({"data/x": b""}, [("data", tmp_path / "data")])


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


def test_empty_folders_are_there() -> None:
    with Snapshot({"a.py": b""}, folders=("results/deep",)) as snapshot:
        assert (snapshot.directory / "results" / "deep").is_dir()
    with pytest.raises(ProgramError):
        Snapshot({"a.py": b""}, folders=("../x",))
    with pytest.raises(ProgramError):
        Snapshot({"a": b""}, folders=("A",))


def test_what_a_run_made_is_named_and_carried_to_the_next(tmp_path: Path) -> None:
    files = {"a.py": b"1", "seed.txt": b"1"}
    with Snapshot(files, [("mine.csv", tmp_path / "mine.csv")]) as first:
        assert first.results(["mine.csv"]) == ()
        (first.directory / "seed.txt").write_bytes(b"2")
        (first.directory / "shares").mkdir()
        (first.directory / "shares" / "x.bin").write_bytes(b"share")
        (first.directory / "__pycache__").mkdir()
        (first.directory / "__pycache__" / "a.pyc").write_bytes(b"")
        (first.directory / "link").symlink_to("/etc/passwd")
        os.mkfifo(first.directory / "pipe")
        made = first.results(["mine.csv"])
        assert [(one.path, one.size) for one in made] == [("seed.txt", 1), ("shares/x.bin", 5)]
        results.carry(first.directory, made, tmp_path)
    with Snapshot(files, carried=tmp_path) as second:
        assert (second.directory / "shares" / "x.bin").read_bytes() == b"share"
        assert (second.directory / "seed.txt").read_bytes() == b"2"
        assert second.results() == ()
        (second.directory / "shares" / "x.bin").write_bytes(b"SHARE")
        assert [one.path for one in second.results()] == ["shares/x.bin"]
