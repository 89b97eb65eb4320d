"""A directory is its maker's alone, is seen to be held, and goes with all that a program locked in it."""

import os
import stat
import tempfile
from pathlib import Path

import pytest

from huddle.running.scratch import Scratch, held, remove


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def test_it_is_held_until_it_is_removed() -> None:
    with Scratch("huddle-x-") as path:
        assert stat.S_IMODE(path.stat().st_mode) == 0o700 and path.name.startswith("huddle-x-")
        assert held(path) and held(path), "to look at it changes nothing"
    assert not path.exists() and not held(path)


def test_it_can_be_removed_twice_and_by_others() -> None:
    scratch = Scratch("huddle-x-")
    assert remove(scratch.path) and scratch.remove() and scratch.remove()


def test_what_a_program_locked_goes_too() -> None:
    scratch = Scratch("huddle-x-")
    inner = scratch.path / "locked"
    inner.mkdir()
    (inner / "file").write_text("x")
    os.chmod(inner, 0)
    assert scratch.remove()


def test_no_descriptor_stays() -> None:
    before = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else 0
    for _ in range(5):
        with Scratch("huddle-x-") as path:
            held(path)
    assert (len(os.listdir("/proc/self/fd")) if before else 0) == before
