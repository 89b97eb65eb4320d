"""What `huddle doctor` looks at: this machine, a real rendezvous, and the traces of a crash."""

import os
import sys
import tempfile
from pathlib import Path

import pytest

from huddle.cli import checks, leftovers
from huddle.networks.reach import child_server
from huddle.rendezvous.server.server import RendezvousServer, ServerConfig


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory for temporary files that only this test uses."""
    path = tmp_path / "tmp"
    path.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(path))
    monkeypatch.setattr(child_server, "_SHORT", str(path))
    return path


async def test_a_rendezvous_that_works() -> None:
    async with RendezvousServer(ServerConfig()) as server:
        found = await checks.rendezvous(f"http://127.0.0.1:{server.port}")
    assert found[0].state == "ok", found
    assert [check.state for check in found if check.name == "Clock"] in ([], ["ok"])


async def test_a_rendezvous_that_is_not_there() -> None:
    async with RendezvousServer(ServerConfig()) as server:
        port = server.port
    (check,) = await checks.rendezvous(f"http://127.0.0.1:{port}")
    assert check.state == "bad" and check.advice


@pytest.mark.parametrize("url", ["", None])
async def test_no_rendezvous_is_no_fault(url: str | None) -> None:
    (check,) = await checks.rendezvous(url)
    assert check.state == "ok"


async def test_a_url_that_is_none() -> None:
    (check,) = await checks.rendezvous("nonsense")
    assert check.state == "bad" and check.advice


def test_a_clock_that_is_off() -> None:
    assert checks.clock(1_900_000_000, 1_900_000_003).state == "ok"
    off = checks.clock(1_900_000_000, 1_900_000_900)
    assert off.state == "warn" and "900 s" in off.found and off.advice
    assert checks.clock(1_000_000_000).state == "warn"


def test_what_a_crash_left_is_told_with_what_deletes_it(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leftovers, "orphans", lambda: iter(()))  # of sessions outside of this test
    assert checks.leftovers().state == "ok"
    left = temporary / "huddle-run-abc"
    left.mkdir()
    os.utime(left, (0, 0))
    check = checks.leftovers()
    assert check.state == "warn" and str(left) in check.found and "forget leftovers" in check.advice
    assert "process" not in check.advice


async def test_an_interpreter_without_mpyc_is_explained(temporary: Path) -> None:
    bare = temporary / "bare"
    bare.write_text(f'#!/bin/sh\nexec {sys.executable} -S -I "$@"\n')
    bare.chmod(0o755)
    (check,) = await checks.program_interpreter(str(bare))
    assert check.state == "bad" and "MPyC" in check.found and "pip install mpyc" in check.advice
