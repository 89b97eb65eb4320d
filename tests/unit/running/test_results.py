"""What a program wrote comes out of its sandbox, but for what is no plain file, or too much."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from huddle.running import sandbox
from huddle.running.results import Place, bring_out
from huddle.running.spec import RunnerExit
from tests.unit.running.support import lay

confined = pytest.mark.skipif(bool(sandbox.problem()), reason=sandbox.problem())


@contextmanager
def opened(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def taken(tmp_path: Path, most: int = 1 << 20, known: tuple[str, ...] = ()) -> tuple[str, ...]:
    (tmp_path / "out").mkdir(exist_ok=True)
    with opened(tmp_path / "in") as place:
        return bring_out(place, tmp_path / "out", known, most)


def tree(path: Path) -> dict[str, bytes]:
    return {str(each.relative_to(path)): each.read_bytes() for each in path.rglob("*") if each.is_file()}


def test_plain_files_come_out_for_this_account_alone(tmp_path: Path) -> None:
    source = tmp_path / "in"
    (source / "deep" / "er").mkdir(parents=True)
    (source / "a.txt").write_text("a")
    (source / "deep" / "er" / "b.txt").write_text("b")
    (source / "a.txt").chmod(0o6777)
    assert taken(tmp_path) == ()
    assert tree(tmp_path / "out") == {"a.txt": b"a", "deep/er/b.txt": b"b"}
    assert (tmp_path / "out" / "a.txt").stat().st_mode & 0o7777 == 0o600


def test_links_pipes_and_sockets_stay_behind(tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    (tmp_path / "secret").write_text("secret")
    (source / "link").symlink_to(tmp_path / "secret")
    (source / "folder").symlink_to(tmp_path)
    os.mkfifo(source / "fifo")
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(source / "socket"))
        assert set(taken(tmp_path)) == {"link", "folder", "fifo", "socket"}
    assert tree(tmp_path / "out") == {}


def test_a_link_that_lies_where_a_file_goes_is_replaced_not_followed(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "in" / "a").write_text("new")
    (tmp_path / "victim").write_text("old")
    (tmp_path / "out" / "a").symlink_to(tmp_path / "victim")
    taken(tmp_path)
    assert (tmp_path / "victim").read_text() == "old"
    assert tree(tmp_path / "out") == {"a": b"new"}


def test_no_more_comes_out_than_may(tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    for name in ("a", "b"):
        (source / name).write_bytes(bytes(600))
    with (source / "sparse").open("wb") as file:
        file.truncate(1 << 40)
    assert taken(tmp_path, most=1000) == ("b", "sparse")
    assert sorted(tree(tmp_path / "out")) == ["a"]


def test_what_has_not_changed_and_what_is_no_result_does_not_come(tmp_path: Path) -> None:
    for folder in ("in", "out"):
        (tmp_path / folder).mkdir()
        for name in ("same", "mine.csv"):
            (tmp_path / folder / name).write_text(folder.ljust(3))
            os.utime(tmp_path / folder / name, ns=(0, 1000 if name == "same" else len(folder)))
    assert taken(tmp_path, known=("mine.csv",)) == ()
    assert tree(tmp_path / "out") == {"same": b"out", "mine.csv": b"out"}


def test_deep_folders_end_somewhere(tmp_path: Path) -> None:
    deep = tmp_path / "in"
    for _ in range(60):
        deep /= "d"
    deep.mkdir(parents=True)
    (deep / "file").write_text("x")
    (left,) = taken(tmp_path)
    assert left == "/".join(["d"] * 33)
    assert tree(tmp_path / "out") == {}


def test_a_place_that_never_came_has_nothing(tmp_path: Path) -> None:
    ours, theirs = socket.socketpair()
    place = Place(ours)
    assert place.descriptor() == -1
    theirs.close()
    assert place.bring_out(tmp_path, (), 1000) == ()
    assert place.written() == (0, 0)
    place.close()


@confined
async def test_what_a_program_wrote_is_there_after_its_sandbox_is_gone(tmp_path: Path) -> None:
    mine = tmp_path / "mine.csv"
    mine.write_text("1,2")
    source = """
import os, pathlib, sys
assert open("mine.csv").read() == "1,2"
pathlib.Path("out").mkdir()
pathlib.Path("out/result.txt").write_text("42")
pathlib.Path("program.py").write_text("changed")
os.symlink("/etc/passwd", "passwd")
os.kill(os.getpid(), 9)
"""
    table = await lay(tmp_path, source, parties=1, sandboxed=True, inputs=((mine.name, mine),))
    assert (await table.finish())[0].signal == 9
    assert tree(tmp_path / "party0") == {"out/result.txt": b"42", "program.py": b"changed"}
    assert mine.read_text() == "1,2"


@confined
async def test_while_a_program_runs_nothing_of_it_is_on_the_disk(tmp_path: Path) -> None:
    source = """
import pathlib
pathlib.Path("result.txt").write_text("42")
print("written", flush=True)
input()
"""
    table = await lay(tmp_path, source, parties=1, sandboxed=True)
    await table.screens[0].until("written")
    assert os.listdir(tmp_path / "party0") == ["program.py"]
    table.runs[0].send_line("")
    assert await table.finish() == [RunnerExit(0)]
    assert sorted(os.listdir(tmp_path / "party0")) == ["program.py", "result.txt"]
