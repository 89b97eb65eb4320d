"""The lab on real machines: what its emulator does to packets, a study from run to report, nothing left."""

import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from huddle.errors import LocalError
from huddle_lab.runs import browser, rows
from huddle_lab.runs.run import run_study
from huddle_lab.sites import netem, netns, own
from huddle_lab.sites.calibrate import one_way, throughput
from huddle_lab.sites.netns import Net
from huddle_lab.sites.tun import NAMESPACES
from huddle_lab.study.shape import Shape
from huddle_lab.study.study import load
from tests.e2e.chaos import wait_until
from tests.e2e.harness import alive

STUDY = """
networks = ["plain", "plain-ssl", "tls"]
scenarios = ["near"]
parties = [2]
repetitions = 1
attempts = 1

[scenario.near]
rtt_ms = 20

[[demos]]
program = "total.py"
"""


@pytest.fixture
def root() -> None:
    if os.geteuid() != 0:
        if os.environ.get("CI") == "true":
            pytest.fail("only root can make network namespaces")
        pytest.skip("only root can make network namespaces")


@pytest.fixture
def pair(root: None) -> Iterator[Net]:
    with Net(3) as net:
        yield net


def median_ms(net: Net, probes: int = 30) -> float:
    return statistics.median(one_way(net.machines[0], net.machines[1], probes)) * 1000


def left_by(pid: int) -> list[Path]:
    """What a lab has made and not removed; other labs, of other tests, make and remove theirs meanwhile."""
    mark = f"{netns.PREFIX}-{pid}-*"
    return [*NAMESPACES.glob(mark), *Path(tempfile.gettempdir()).glob(mark)]


def running(processes: dict[str, int]) -> dict[str, int]:
    """Those of these processes, by what they are, that still run."""
    return {name: pid for name, pid in processes.items() if alive([pid])}


def lab(*args: str) -> str:
    """What a lab says that ends well and leaves nothing."""
    command = [sys.executable, "-m", "huddle", "lab", *args]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        said, errors = process.communicate()
    assert process.returncode == 0, said + errors
    assert not left_by(process.pid)
    return said


def test_a_delay_is_what_was_asked_for_and_can_change(pair: Net) -> None:
    without = median_ms(pair)
    pair.shape({(0, 1): Shape(delay=0.04)})
    assert 40 <= median_ms(pair) <= 45 + without
    pair.shape({(1, 0): Shape(delay=0.01)})
    assert 10 <= median_ms(pair) <= 15 + without
    assert pair.stats()["late_p50_ms"] is not None


def test_every_machine_sends_by_linux_s_default_whatever_this_computer_prefers(pair: Net) -> None:
    assert pair.congestion == "cubic"
    home = pair.home(pair.machines[1], "home")
    try:
        command = home.command(["sysctl", "-n", "net.ipv4.tcp_congestion_control"])
        assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "cubic\n"
    finally:
        pair.no_home(pair.machines[1])


def test_a_pulled_cable_passes_nothing_and_concerns_no_other(pair: Net) -> None:
    pair.shape({(0, 1): Shape(up=False)})
    first, second, third = pair.machines
    assert one_way(first, second, 5, patience=0.3) == []
    assert len(one_way(first, third, 5)) == 5
    pair.shape({(0, 1): Shape()})
    assert len(one_way(first, second, 5)) == 5


def test_packets_are_lost_as_asked(pair: Net) -> None:
    pair.shape({(0, 1): Shape(loss=0.5)})
    assert 20 <= len(one_way(pair.machines[0], pair.machines[1], 100, patience=0.3)) <= 80


def test_a_rate_is_a_limit_and_without_one_much_goes_through(pair: Net) -> None:
    first, second, _ = pair.machines
    free = throughput(first, second, 0.5)
    pair.shape({(0, 1): Shape(rate=20e6, delay=0.005)})
    limited = throughput(first, second, 1.0)
    # Less goes through a busy computer, but not as little as if bits were taken for bytes.
    assert 5e6 < limited < 22e6 < free


def test_what_a_killed_lab_left_is_removed_by_the_next(tmp_path: Path, pair: Net) -> None:
    work = """
import subprocess, sys
from huddle_lab.sites.netns import Net
with Net(2) as net:
    folder = net.folder()
    sleeper = subprocess.Popen(net.machines[0].command(["sleep", "600"]))
    print(net.emulator, sleeper.pid, folder, flush=True)
    sys.stdin.read()
"""
    process = subprocess.Popen(
        [sys.executable, "-c", work], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stdin is not None
    emulator, sleeper, folder = process.stdout.readline().split()
    assert len(left_by(process.pid)) == 3  # two machines, a folder; once it is dead anybody removes them
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    process.stdin.close()
    process.stdout.close()
    netns.sweep()
    assert not left_by(process.pid) and not Path(folder).exists()
    processes = {"emulator": int(emulator), "sleeper": int(sleeper)}
    assert wait_until(lambda: not running(processes), 10), running(processes)
    # Those of a lab that lives are left alone.
    assert len(one_way(pair.machines[0], pair.machines[1], 3)) == 3


@pytest.mark.usefixtures("root")
def test_who_enters_while_a_machine_is_removed_does_not_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    late: dict[str, subprocess.Popen[bytes]] = {}
    run = subprocess.run

    def enter_first(command: list[str], **options: Any) -> Any:
        if command[:3] == ["ip", "netns", "delete"]:
            path = NAMESPACES / command[3]
            late["inside"] = subprocess.Popen(["nsenter", f"--net={path}", "sleep", "600"])
            while os.readlink(f"/proc/{late['inside'].pid}/ns/net") == os.readlink("/proc/self/ns/net"):
                time.sleep(0.01)
            waits = "import time; time.sleep(600)"
            late["on its way"] = subprocess.Popen([sys.executable, "-c", waits, f"--net={path}"])
        return run(command, **options)

    with Net(1):
        monkeypatch.setattr(subprocess, "run", enter_first)
    try:
        processes = {name: process.pid for name, process in late.items()}
        assert wait_until(lambda: not running(processes), 10), running(processes)
    finally:
        for process in late.values():
            process.kill()
            process.wait()


@pytest.mark.timeout(600)
def test_a_study_runs_resumes_and_is_reported(tmp_path: Path, pair: Net) -> None:
    pair.close()
    program = Path(__file__).parents[1] / "programs" / "total.py"
    (tmp_path / "total.py").write_bytes(program.read_bytes())
    (tmp_path / "study.toml").write_text(STUDY)
    results = tmp_path / "results.jsonl"
    lab("run", str(tmp_path / "study.toml"), "--results", str(results))
    found = rows.read(results)
    assert [(row["scenario"]["name"], row["network"]) for row in found] == [
        ("near", "tls"), ("near", "plain"), ("near", "plain-ssl"),
    ]  # fmt: skip
    for row in found:
        assert row["outcome"] == "finished", row["error"]
        assert row["commit"] and row["calibration"]["delays"]
    session, plain, _ = found
    assert session["rounds"] and session["paths"] == ["tls direct"] and session["rtt_ms"] >= 20
    assert session["setup"]["total"] > 0 and session["memory_mb"] > plain["memory_mb"]
    assert plain["seconds"] >= 0.01

    # Interrupted after two cells: the others are run, those are not.
    results.write_text("".join(results.read_text().splitlines(keepends=True)[:2]))
    said = lab("run", str(tmp_path / "study.toml"), "--results", str(results))
    assert "2 of 3 cells are done already" in said
    assert len(rows.read(results)) == 3

    lab("report", str(results))
    page = results.with_suffix(".html").read_text()
    assert "total, 2 parties" in page and "<svg" in page and "plain-ssl" in page
    assert len(results.with_suffix(".csv").read_text().splitlines()) == 4
    compared = json.loads(lab("compare", "--json", str(results), str(results)))
    assert len(compared["changes"]) == 3


PLACES = """
networks = ["plain-dns", "webrtc"]
scenarios = ["near", "routers", "moves"]
parties = [2]
repetitions = 1
attempts = 1
timeout = {timeout}
[scenario.near]
rtt_ms = 10
[scenario.routers]
rtt_ms = 10
nat = ["home", "home"]
[scenario.moves]
rtt_ms = 10
changes = [
  {{ at = 1, machine = 1, up = false }},
  {{ at = 3, machine = 1, up = true }},
  {{ at = 4, machine = 1, address = true }},
]
[[demos]]
program = "lingers.py"
"""


@pytest.mark.long
@pytest.mark.timeout(600)
def test_names_routers_and_changes_in_mid_run(tmp_path: Path, pair: Net) -> None:
    pair.close()
    program = Path(__file__).parents[1] / "programs" / "lingers.py"
    (tmp_path / "lingers.py").write_bytes(program.read_bytes())
    study, results = tmp_path / "study.toml", tmp_path / "results.jsonl"
    study.write_text(PLACES.format(timeout=40))
    # This one ends with its time alone: its connection is lost, and nothing makes it anew.
    lost = ("--only", "network=plain-dns", "--only", "scenario=moves")
    lab("run", str(study), "--results", str(results), *lost)
    study.write_text(PLACES.format(timeout=200))
    said = lab("run", str(study), "--results", str(results))
    found = {(row["scenario"]["name"], row["network"]): row for row in rows.read(results)}
    assert found["near", "plain-dns"]["outcome"] == "finished"
    assert ("routers", "plain-dns") not in found and "behind a router" in said
    routers = found["routers", "webrtc"]
    assert routers["outcome"] == "finished" and routers["scenario"]["nat"] == ["home", "home"]
    # The link survives both; TCP by itself does not survive another address.
    assert found["moves", "webrtc"]["outcome"] == "finished", found["moves", "webrtc"]["error"]
    assert found["moves", "plain-dns"]["outcome"] == "failed"


BROWSERS = """
networks = ["plain", "mixed", "headscale"]
scenarios = ["near"]
parties = [2]
repetitions = 1
attempts = 1
timeout = 200
[network.mixed]
network = "webrtc"
browsers = 1
[scenario.near]
rtt_ms = 20
[[demos]]
program = "links.py"
"""


@pytest.mark.timeout(600)
def test_a_party_in_a_browser_and_a_network_that_is_not_here(
    tmp_path: Path, pair: Net, monkeypatch: pytest.MonkeyPatch
) -> None:
    try:
        browser.check()
    except LocalError as error:
        pytest.skip(error.message)
    pair.close()
    program = Path(__file__).parents[2] / "studies" / "links.py"
    (tmp_path / "links.py").write_bytes(program.read_bytes())
    (tmp_path / "study.toml").write_text(BROWSERS)
    results = tmp_path / "results.jsonl"
    monkeypatch.setattr(shutil, "which", lambda name: None if name == "headscale" else name)
    left_out = run_study(load(tmp_path / "study.toml", Path), results, lambda told: None)
    assert "there is no headscale here" in [one.why for one in left_out]
    found = {row["network"]: row for row in rows.read(results)}
    assert found["headscale"]["outcome"] == "not run" and found["headscale"]["error"]
    mixed, plain = found["mixed"], found["plain"]
    assert mixed["outcome"] == "finished", mixed["error"]
    (link,) = mixed["links"]
    assert (link["network"], link["from"], link["to"]) == ("webrtc", 0, 1)
    assert link["trip_ms"] >= 20 and link["mbit"] > 0 and link["rtt_ms"] >= 20
    assert plain["links"][0]["mbit"] > 0 and mixed["bytes"] == plain["bytes"]
    assert mixed["setup"]["page"] > 0 and mixed["program_cpu_s"] is None and mixed["cpu_s"] > plain["cpu_s"]
    assert mixed["memory_mb"] > 100 and mixed["seconds"] > 0.02
    assert not left_by(os.getpid())


def test_where_the_kernel_has_netem_it_delays_too(pair: Net) -> None:
    if not netem.available():
        pytest.skip("this kernel has no netem")
    pair.close()
    with Net(2, backend="netem") as net:
        net.shape({(0, 1): Shape(delay=0.04)})
        assert 40 <= median_ms(net) <= 45


BURNS = """
import time
from mpyc.runtime import mpc
mpc.run(mpc.start())
while time.process_time() < 3:
    pass
mpc.run(mpc.shutdown())
"""
BURNING = """
networks = ["plain", "tls", "open"]
scenarios = ["near"]
parties = [2]
repetitions = 1
attempts = 1

[network.open]
network = "tls"
options = ["--no-sandbox"]

[scenario.near]
rtt_ms = 20

[[demos]]
program = "burns.py"
"""


@pytest.mark.timeout(900)
def test_two_parties_that_burn_three_seconds_each_are_counted_as_ours(tmp_path: Path, pair: Net) -> None:
    pair.close()
    (tmp_path / "burns.py").write_text(BURNS)
    (tmp_path / "study.toml").write_text(BURNING)
    results = tmp_path / "results.jsonl"
    before = own.seconds()
    run_study(load(tmp_path / "study.toml", Path), results, lambda _: None)
    ours = own.seconds() - before
    found = rows.read(results)
    assert {row["network"] for row in found} == {"plain", "tls", "open"}
    for row in found:
        assert row["outcome"] == "finished", row["error"]
        assert row["program_cpu_s"] >= 6 and row["cpu_s"] >= row["program_cpu_s"], row["network"]
    assert ours >= sum(row["cpu_s"] for row in found)  # so that none of it is taken for others'
