"""Overlays under a run, for real: each comes up between three machines, carries MPyC, and leaves nothing."""

import contextlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from huddle_lab.runs import rows
from huddle_lab.runs.overlaid import overlaid
from huddle_lab.sites.base import RunFailed
from huddle_lab.sites.local import NamespaceMachine
from huddle_lab.sites.netns import Net, NetworkNamespace
from huddle_lab.sites.tun import inside
from huddle_lab.underlays.base import is_here
from huddle_lab.underlays.registry import UNDERLAYS
from tests import wireguard_go
from tests.plugins import installed

pytestmark = pytest.mark.timeout(180)


class Machines:
    """A site without a study: three parties' machines, and one for the rendezvous."""

    def __init__(self, machines: Sequence[NetworkNamespace], folder: Path) -> None:
        *self.machines, self.rendezvous = (NamespaceMachine(one, str(folder)) for one in machines)
        self._folder = folder

    def put(self, files: Mapping[str, bytes]) -> None:
        for name, content in files.items():
            (self._folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self._folder / name).write_bytes(content)

    def begun(self) -> None:
        pass

    def columns(self) -> dict[str, Any]:
        return {}


@pytest.fixture(scope="module")
def net() -> Iterator[Net]:
    if os.geteuid() != 0:
        if os.environ.get("CI") == "true":
            pytest.fail("only root can make network namespaces")
        pytest.skip("only root can make network namespaces")
    with Net(7) as one:
        yield one


@pytest.fixture(autouse=True)
def tools(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests' own wireguard-go is on PATH."""
    wireguard_go.on_path(monkeypatch)


def needs(name: str) -> None:
    for command, package in UNDERLAYS[name].commands.items():
        if not is_here(command):
            if os.environ.get("CI") == "true":
                pytest.fail(f"there is no {command}; scripts/setup installs {package}")
            pytest.skip(f"there is no {command}, which {package} has")


def state(net: Net) -> list[str]:
    """Devices, rules, routes and processes of all machines."""
    found = []
    for machine in net.machines:
        for command in (
            ["ip", "-o", "-br", "address"],
            ["ip", "rule"],
            ["ip", "route", "show", "table", "all"],
        ):
            found.append(_said(machine.command(command)))
        found.append(_said(["ip", "netns", "pids", machine.name]))
    return found


def _said(command: Sequence[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("name", UNDERLAYS)
def test_it_joins_three_machines_and_leaves_nothing(name: str, net: Net, tmp_path: Path) -> None:
    needs(name)
    before = state(net)
    with overlaid(Machines(net.machines[:4], tmp_path), name) as over:
        assert over.seconds > 0
        one, other = over.machines[0], over.machines[-1]
        assert one.address != one.machine.address and one.via == one.address
        family = socket.AF_INET6 if ":" in one.address else socket.AF_INET
        with inside(net.machines[2].name):
            listener = socket.create_server((other.address, 0), family=family)
        listener.settimeout(10)
        with inside(net.machines[0].name):
            calling = socket.socket(family)
        with listener, calling:
            calling.settimeout(10)
            calling.bind((one.address, 0))
            calling.connect(listener.getsockname()[:2])
            taken, address = listener.accept()
            with taken:
                assert address[0] == one.address
                calling.sendall(b"x" * 100_000)
                calling.shutdown(socket.SHUT_WR)
                with taken.makefile("rb") as file:
                    assert len(file.read()) == 100_000
    assert state(net) == before


@pytest.mark.parametrize("name", UNDERLAYS)
def test_two_labs_of_one_computer_do_not_meet(name: str, net: Net, tmp_path: Path) -> None:
    """Machines share what is no network, such as a daemon's directory for sockets."""
    needs(name)
    before = state(net)
    one, other = Machines(net.machines[:4], tmp_path / "one"), Machines(net.machines[4:], tmp_path / "other")
    with overlaid(one, name), overlaid(other, name):
        pass  # each machine reached all others of its lab
    assert state(net) == before


def test_what_does_not_come_up_is_said_and_taken_away(
    net: Net, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs("tinc")
    before = state(net)
    monkeypatch.setattr("huddle_lab.runs.overlaid.PATIENCE", 2.0)
    with contextlib.suppress(OSError), pytest.raises(RunFailed, match="tinc: party 0 can't reach"):
        with inside(net.machines[1].name), socket.create_server(("10.77.0.2", 5200)):  # tinc's port there
            with overlaid(Machines(net.machines[:4], tmp_path), "tinc"):
                pass
    assert state(net) == before


STUDY = """
networks = NETWORKS
scenarios = ["near"]
parties = [3]
repetitions = 1
attempts = 1
timeout = 60
[scenario.near]
rtt_ms = 20
[[demos]]
program = "total.py"
"""


def ran(folder: Path, *networks: str) -> dict[str, dict[str, Any]]:
    """The rows of a study over these, each of which came to its end, by network."""
    (folder / "total.py").write_bytes((Path(__file__).parents[1] / "programs" / "total.py").read_bytes())
    (folder / "study.toml").write_text(STUDY.replace("NETWORKS", json.dumps(networks)))
    results = folder / "results.jsonl"
    study = [str(folder / "study.toml"), "--results", str(results)]
    subprocess.run([sys.executable, "-m", "huddle", "lab", "run", *study], check=True, capture_output=True)
    found = {row["network"]: row for row in rows.read(results)}
    assert set(found) == set(networks)
    for name, row in found.items():
        assert row["outcome"] == "finished", row["error"]
        assert "underlay" in row["setup"], name
    return found


def test_studies_run_over_it(net: Net, tmp_path: Path) -> None:
    for name in ("openvpn", "yggdrasil"):
        needs(name)
    found = ran(tmp_path, "plain+openvpn-hub", "tls+openvpn", "plain+yggdrasil")
    assert found["tls+openvpn"]["paths"] == ["tls direct"]


def test_studies_run_over_an_overlay_that_was_added(
    net: Net, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(installed.OVERLAY))
    before = state(net)
    assert ran(tmp_path, "plain+postman", "tls+postman")["tls+postman"]["paths"] == ["tls direct"]
    assert state(net) == before
