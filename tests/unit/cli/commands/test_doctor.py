"""`huddle doctor`, as it is typed, on this machine."""

import json
import tempfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from huddle.cli.commands.doctor import doctor_command
from huddle.networks.reach import child_server
from huddle.running import sandbox


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(child_server, "_SHORT", str(tmp_path))


def test_doctor_on_this_machine() -> None:
    result = CliRunner().invoke(doctor_command, ["--json"])
    rows = {row["name"]: row for row in json.loads(result.stdout)}
    assert result.exit_code == 0
    assert {"Python", "uvloop", "Programs' Python", "Sandbox", "IPv4", "IPv6", "Listening", "Rendezvous",
            "Tailscale", "Clock", "Leftovers"} <= set(rows)  # fmt: skip
    assert rows["Programs' Python"]["state"] == "ok" and "MPyC" in rows["Programs' Python"]["found"]
    assert rows["Sandbox"]["state"] == ("warn" if sandbox.problem() else "ok")
    assert all(row["advice"] for row in rows.values() if row["state"] != "ok")


def test_doctor_for_people_says_what_to_do() -> None:
    result = CliRunner().invoke(doctor_command, ["--python", "/no/such/python"])
    assert result.exit_code == 1
    assert "bad" in result.stdout and "--python" in result.stdout
