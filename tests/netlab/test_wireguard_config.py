"""WireGuard by hand, exactly as `huddle wireguard-config` says: wg-quick, and plain MPyC without Huddle."""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests import wireguard_go
from tests.netlab.nat import Home
from tests.netlab.net import Net

ROOT = Path(__file__).parents[2]


@pytest.mark.timeout(600)
def test_three_people_do_what_it_says(net: Net, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wireguard_go.on_path(monkeypatch)
    if shutil.which("wg-quick") is None:
        pytest.skip("wireguard-tools is not installed")
    here, there = (net.node(f"10.77.0.{number}/24") for number in (1, 2))
    home = Home(net, "10.77.0.3/24", "192.168.1").node
    hosts, folder = tmp_path / "hosts", tmp_path / "made"
    hosts.write_text(f"{here.addresses[0]}\n{there.addresses[0]}:4000\n-\n")
    program = ROOT / "tests" / "programs" / "total.py"
    made = subprocess.run(
        [
            sys.executable, "-m", "huddle", "wireguard-config", str(hosts),
            "--output", str(folder), "--program", str(program),
        ],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    nodes = (here, there, home)
    lines = [line for line in made.splitlines() if " -P " in line]
    up: list[int] = []
    try:
        for pid, node in enumerate(nodes):
            with node.inside():
                quick("up", folder / f"huddle{pid}.conf")
            up.append(pid)
        parties = []
        for node, line in zip(nodes, lines, strict=True):
            words = shlex.split(line.partition(". ")[2])
            assert words[0] == "python"
            with node.inside():
                parties.append(
                    subprocess.Popen([sys.executable, *words[1:]], stdout=subprocess.PIPE, text=True)
                )
        try:
            for party in parties:
                said, _ = party.communicate(timeout=60)
                assert party.returncode == 0 and "total: 3" in said, said
        finally:
            for party in parties:
                party.kill()
                party.communicate()
    finally:
        for pid in up:
            with nodes[pid].inside():
                quick("down", folder / f"huddle{pid}.conf")
    assert not [path for path in Path("/var/run/wireguard").glob("huddle?.sock")]


def quick(what: str, config: Path) -> None:
    done = subprocess.run(
        ["wg-quick", what, str(config)],
        env=os.environ | {"WG_QUICK_USERSPACE_IMPLEMENTATION": "wireguard-go"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
