"""The lab on hosts behind real sshds: slow and lost hosts concern only their own cells, and nothing stays."""

import json
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from huddle_lab.runs import rows
from huddle_lab.sites import bundle
from tests import wireguard_go
from tests.netlab.net import Net
from tests.netlab.ssh import Sshd
from tests.tailnet.running import environment, headscale

PROGRAMS = Path(__file__).parents[1] / "programs"
pytestmark = pytest.mark.timeout(300)

STUDY = """
networks = {networks}
scenarios = {scenarios}
parties = [2]
repetitions = 1
attempts = 1
timeout = 90
[[demos]]
program = "{program}"
"""


class Lab:
    """A computer with the lab, and hosts around it."""

    def __init__(self, net: Net, folder: Path) -> None:
        self.net, self.folder = net, folder
        self.node = net.node("10.77.0.1/24")
        self.hosts: list[Sshd] = []
        self.entries: list[str] = []
        self.processes: list[subprocess.Popen[str]] = []

    def host(self, name: str, region: str, **more: str) -> Sshd:
        """A host with its sshd."""
        node = self.net.node(f"10.77.0.{len(self.hosts) + 2}/24")
        one = Sshd(node, self.folder / name)
        self.hosts.append(one)
        self.entries.append(one.entry(name, region=region, **more))
        return one

    def study(
        self, networks: list[str], scenarios: dict[str, list[str]], program: str, *, hosts: str = ""
    ) -> list[str]:
        """The command line that runs it; `hosts` begins the hosts file."""
        (self.folder / program).write_bytes((PROGRAMS / program).read_bytes())
        text = STUDY.format(
            networks=json.dumps(networks),
            scenarios=json.dumps(list(scenarios)),
            program=program,
        )
        for name, regions in scenarios.items():
            text += f"[scenario.{name}]\nregions = {json.dumps(regions)}\n"
        (self.folder / "study.toml").write_text(text)
        known = "".join((one.folder / "known_hosts").read_text() for one in self.hosts)
        (self.folder / "known_hosts").write_text(known)
        (self.folder / "hosts.toml").write_text(
            'known_hosts = "known_hosts"\n' + hosts + "\n".join(self.entries)
        )
        return [
            sys.executable, "-m", "huddle", "lab", "run", str(self.folder / "study.toml"),
            "--hosts", str(self.folder / "hosts.toml"), "--results", str(self.results),
        ]  # fmt: skip

    @property
    def results(self) -> Path:
        """The rows."""
        return self.folder / "results.jsonl"

    def start(self, command: list[str]) -> subprocess.Popen[str]:
        """Run it on the lab's computer."""
        with self.node.inside():
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.processes.append(process)
        return process

    def run(self, command: list[str]) -> str:
        """Run it to its end."""
        out, _ = self.start(command).communicate(timeout=240)
        assert self.processes[-1].returncode == 0, out
        return out

    def rows(self) -> dict[tuple[str, str], dict[str, Any]]:
        """By scenario and network."""
        return {(row["scenario"]["name"], row["network"]): row for row in rows.read(self.results)}

    def close(self) -> None:
        """End what may be left of a test that failed."""
        for process in self.processes:
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()
        for one in self.hosts:
            one.close()


@pytest.fixture
def lab(net: Net, tmp_path: Path) -> Iterator[Lab]:
    if shutil.which("sshd", path="/usr/sbin") is None:
        pytest.skip("there is no sshd")
    here = {
        "architecture": platform.machine(), "system": "Linux", "libc": list(platform.libc_ver()),
        "python": list(sys.version_info[:3]), "executable": sys.executable,
    }  # fmt: skip
    bundle.dependencies(bundle.platform_of(here), bundle.python_of(here))  # there is no registry in there
    one = Lab(net, tmp_path)
    try:
        yield one
    finally:
        one.close()


def until(what: Callable[[], object], process: "subprocess.Popen[str]") -> None:
    """Wait for it, as long as the lab runs."""
    while not what():
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.1)


@pytest.mark.long
def test_a_study_runs_on_hosts_and_a_slow_or_lost_one_concerns_only_its_own(lab: Lab) -> None:
    slow = lab.folder / "slow-python"
    slow.write_text(f'#!/bin/sh\nsleep 5\nexec {sys.executable} "$@"\n')
    slow.chmod(0o755)
    for name, region, python in (
        ("a", "near", sys.executable), ("b", "near", sys.executable),
        ("c", "slow", str(slow)), ("d", "slow", sys.executable), ("e", "dead", sys.executable),
    ):  # fmt: skip
        lab.host(name, region, python=python)
    lab.hosts[-1].node.down()
    scenarios = {"sleepy": ["slow"], "near": ["near"], "broken": ["near", "dead"]}
    said = lab.run(lab.study(["plain", "plain-ssl", "tls"], scenarios, "total.py"))
    by = lab.rows()
    for (scenario, _), row in by.items():
        if scenario == "broken":
            assert row["outcome"] == "failed" and "the host e is lost" in row["error"]
        else:
            assert row["outcome"] == "finished", row["error"]
            assert row["calibration"]["backend"] == "hosts"
    assert len(by) == 9
    # The slow host is first in the study, yet nobody waited for it. What begins is told by its title alone.
    began = [line.rpartition(", ")[2] for line in said.splitlines() if line.startswith("total, ")]
    assert began.index("near") < began.index("sleepy"), said
    session = by["near", "tls"]
    assert [one["name"] for one in session["hosts"]] == ["a", "b"] and session["hosts"][0]["cores"] >= 1
    assert session["rounds"] and session["paths"] == ["tls direct"] and session["one_way_ms"] > 0
    assert session["setup"]["total"] > 0 and session["cpu_s"] > 0 and session["foreign"] is not None
    for one in lab.hosts[:-1]:
        assert one.clean(), (one.left(), one.running())
    # A host that is back: only its own cells are run again.
    again = lab.run(lab.study(["plain", "plain-ssl", "tls"], scenarios, "total.py"))
    assert "are done already" in again


@pytest.mark.timeout(900)  # on a fresh machine Tailscale and wireguard-go are built first
def test_what_a_network_needs_is_sent_to_hosts_and_goes_with_the_lab(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of it is on the hosts' PATH, which is that of sshd; the lab's computer has some of it."""
    wireguard_go.on_path(monkeypatch)
    for name in ("a", "b", "control"):
        lab.host(name, "one", python=sys.executable)
    lab.run(lab.study(["tailscale"], {"one": ["one"]}, "total.py"))
    failed = lab.rows()["one", "tailscale"]
    assert failed["outcome"] == "failed" and "tailscale can't run on the host a" in failed["error"]
    assert "it has no tailscaled" in failed["error"]
    monkeypatch.setenv("PATH", environment(headscale())["PATH"])
    both = ["wireguard", "headscale"]
    lab.run(lab.study(both, {"one": ["one"]}, "total.py", hosts='control = "control"\n'))
    by = lab.rows()
    for network in both:
        assert by["one", network]["outcome"] == "finished", by["one", network]["error"]
    assert by["one", "wireguard"]["paths"] == ["wireguard direct"]
    (path,) = by["one", "headscale"]["paths"]
    assert path.startswith("headscale "), path  # a direct way may be found when so short a run is over
    for one in lab.hosts:
        assert one.clean(), (one.left(), one.running())
        interfaces = subprocess.run(
            ["ip", "-n", one.node.name, "-br", "link"], check=True, capture_output=True, text=True
        ).stdout.split()
        assert not [name for name in interfaces if name.startswith(("hw", "tailscale"))], interfaces


@pytest.mark.long
def test_a_host_that_dies_in_mid_run_fails_its_cells_only(lab: Lab) -> None:
    for name, region in (("a", "one"), ("b", "one"), ("c", "other"), ("d", "other")):
        lab.host(name, region, python=sys.executable)
    process = lab.start(lab.study(["tls"], {"one": ["one"], "other": ["other"]}, "lingers.py"))
    until(lambda: any("join" in line for line in lab.hosts[1].running()), process)
    lab.hosts[1].kill()
    out, _ = process.communicate(timeout=200)
    assert process.returncode == 0, out
    by = lab.rows()
    assert by["one", "tls"]["outcome"] == "failed" and "the host b is lost" in by["one", "tls"]["error"]
    assert by["other", "tls"]["outcome"] == "finished", by["other", "tls"]["error"]
    for one in (lab.hosts[0], *lab.hosts[2:]):
        assert one.clean(), (one.left(), one.running())


def test_a_lab_that_is_killed_leaves_nothing_on_hosts(lab: Lab) -> None:
    for name in ("a", "b"):
        lab.host(name, "one", python=sys.executable)
    process = lab.start(lab.study(["tls"], {"one": ["one"]}, "lingers.py"))
    until(lambda: any("join" in line for line in lab.hosts[1].running()), process)
    process.kill()
    for one in lab.hosts:
        assert one.clean(), (one.left(), one.running())


def test_a_command_runs_on_all_hosts_and_each_failure_is_named(lab: Lab) -> None:
    first, second = lab.host("one", "here"), lab.host("two", "here")
    lab.study(["plain"], {"near": ["here"]}, "total.py")  # which writes the hosts file
    hosts = str(lab.folder / "hosts.toml")

    def run(*args: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "huddle", "lab", "exec", hosts, *args]
        with lab.node.inside():
            return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    done = run("--", "printf", "%s\\n", "$HOME", "two words")
    assert done.returncode == 0, done.stderr
    assert sorted(done.stdout.splitlines()) == [
        "one  $HOME", "one  two words", "two  $HOME", "two  two words",
    ]  # fmt: skip
    done = run("--on", "two", "echo a | tr a b; exit 3")
    assert (done.returncode, done.stdout, done.stderr) == (1, "two  b\n", "two: ended with code 3\n")
    done = run("--on", "one", "--timeout", "1", "--", "sleep", "60")
    assert done.returncode == 1 and done.stderr == "one: not at its end after 1 s\n"
    first.kill()
    done = run("echo here")
    assert done.returncode == 1 and done.stdout == "two  here\n" and "one: not reached" in done.stderr
    assert first.clean() and second.clean()
    assert run("--on", "three", "true").returncode != 0
