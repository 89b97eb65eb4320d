"""What dead sessions leave: found by its name, removed, and nothing of anybody alive."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from huddle.networks.wireguard import keys, uapi
from huddle.networks.wireguard import leftovers as remains
from huddle.networks.wireguard.keys import Owner, interface


@pytest.fixture(autouse=True)
def apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """The names that these tests give are foreign to other tests, which would remove what is of the dead."""
    here = keys._namespace()
    monkeypatch.setattr(keys, "_namespace", lambda: (here + 1 + os.getpid() % 1000) % 32768)


@pytest.fixture
def sockets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "sockets"
    folder.mkdir()
    monkeypatch.setattr(uapi, "SOCKETS", folder)
    return folder


def dead() -> Owner:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    owner = Owner.of(process.pid)
    process.kill()
    process.communicate()
    assert owner is not None
    return owner


def alive() -> Owner:
    owner = Owner.of(os.getpid())
    assert owner is not None
    return owner


def test_only_what_is_of_the_dead_is_removed(sockets: Path) -> None:
    gone, mine = dead(), alive()
    foreign = Owner(gone.pid, gone.start, (gone.namespace + 1) % 32768)
    left = interface(gone, 3)
    kept = [interface(mine, 0), interface(foreign, 0), "wg0", "tailscale0"]
    for name in (left, *kept):
        (sockets / f"{name}.sock").touch()
    assert left in remains.find().names
    said = asyncio.run(remains.remove())
    assert left in said and str(gone.pid) in said
    assert sorted(path.stem for path in sockets.iterdir()) == sorted(kept)
    assert left not in asyncio.run(remains.remove())


def test_a_wireguard_go_of_the_dead_is_ended(sockets: Path, tmp_path: Path) -> None:
    """A process that only looks like one: what counts is its command line."""
    name = interface(dead(), 0)
    program = tmp_path / "wireguard-go"
    program.symlink_to("/bin/sh")
    names = (name, interface(alive(), 0))
    for script in names:
        (tmp_path / script).write_text("read line\n")
    process, mine = (
        subprocess.Popen([program, "-f", script], cwd=tmp_path, stdin=subprocess.PIPE) for script in names
    )
    try:
        assert name in remains.find().names
        assert name in asyncio.run(remains.remove())
        assert process.wait(10) is not None  # whoever of the two waited first has its code
        assert mine.poll() is None
    finally:
        for one in (process, mine):
            one.kill()
            one.communicate()
