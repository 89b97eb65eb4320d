"""`huddle doctor` against this machine, a real rendezvous, and the traces of a crash."""

import json
import os
import sys
import tempfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from huddle.cli import checks, leftovers
from huddle.cli.doctor import doctor_command
from huddle.engine import sandbox
from huddle.rendezvous.server import RendezvousServer, ServerConfig


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory for temporary files that only this test uses."""
    path = tmp_path / "tmp"
    path.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(path))
    return path


def test_doctor_on_this_machine() -> None:
    result = CliRunner().invoke(doctor_command, ["--json"])
    rows = {row["name"]: row for row in json.loads(result.stdout)}
    assert result.exit_code == 0
    assert {"Python", "uvloop", "Programs' Python", "Sandbox", "IPv4", "IPv6", "Listening", "Rendezvous",
            "Clock", "Leftovers"} <= set(rows)  # fmt: skip
    assert rows["Programs' Python"]["state"] == "ok" and "MPyC" in rows["Programs' Python"]["found"]
    assert rows["Sandbox"]["state"] == ("warn" if sandbox.problem() else "ok")
    assert all(row["advice"] for row in rows.values() if row["state"] != "ok")


def test_doctor_for_people_says_what_to_do() -> None:
    result = CliRunner().invoke(doctor_command, ["--python", "/no/such/python"])
    assert result.exit_code == 1
    assert "bad" in result.stdout and "--python" in result.stdout


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
