"""WireGuard without any rights, by a user who has none, from behind a router and in the open."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from huddle.networks.wireguard.keys import owner_of
from tests import wireguard_go
from tests.e2e.chaos import wait_until
from tests.netlab.conftest import Neighbours
from tests.netlab.nat import Home
from tests.netlab.net import Net, Node
from tests.netlab.unprivileged import NOBODY, ROOT, prefix

# Where wireguard-go has to be built first, that takes a minute.
pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """Where nobody finds wireguard-go, and has a home."""
    program = wireguard_go.on_path(monkeypatch)
    with tempfile.TemporaryDirectory(prefix="huddle-nobody-") as folder:
        place = Path(folder)
        place.chmod(0o777)
        shutil.copy(program, place)
        path = f"{place}:{os.environ['PATH']}"
        yield os.environ | {"HOME": folder, "TMPDIR": folder, "XDG_CACHE_HOME": folder, "PATH": path}


class Probe:
    """One end of the network wireguard (see `tests.netlab.probe`), as nobody."""

    def __init__(self, node: Node, pid: int, url: str, environment: dict[str, str]) -> None:
        command = [sys.executable, "-m", "tests.netlab.probe", str(pid), url, "120", "", "wireguard"]
        with node.inside():
            self.process = subprocess.Popen(
                [*prefix(), *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                text=True, cwd=ROOT, env=environment,
            )  # fmt: skip

    def heard(self) -> Any:
        assert self.process.stdout is not None and self.process.stderr is not None
        line = self.process.stdout.readline()
        assert line, self.process.stderr.read()
        return json.loads(line)

    def told(self, what: Any) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(what) + "\n")
        self.process.stdin.flush()

    def below(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            assert pipe is not None
            with suppress(BrokenPipeError):
                pipe.close()


def test_nobody_has_a_tunnel_and_leaves_nothing(
    net: Net, neighbours: Neighbours, environment: dict[str, str], request: pytest.FixtureRequest
) -> None:
    post, open_ = net.node("10.77.0.1/24"), net.node("10.77.0.2/24")
    home = Home(net, "10.77.0.3/24", "192.168.3").node
    url = neighbours.serve(post)
    probes = [Probe(node, pid, url, environment) for pid, node in enumerate((open_, home))]
    for probe in probes:
        request.addfinalizer(probe.close)
    offers = [probe.heard() for probe in probes]
    for probe, offer in zip(probes, reversed(offers), strict=True):
        probe.told(offer)
    found = [probe.heard()["wireguard"] for probe in probes]
    assert [one["outcome"] for one in found] == ["direct"] * 2, found
    assert found[0]["path"].startswith("direct, 10.77.0.3 port")

    below = [process for probe in probes for process in probe.below()]
    assert len([one for one in below if "namespace_helper" in " ".join(one.cmdline())]) == 2
    for process in [psutil.Process(probe.process.pid) for probe in probes] + below:
        assert set(process.uids()) == {NOBODY}
    for node in (open_, home):
        with node.inside():
            assert not [name for _, name in socket.if_nameindex() if owner_of(name)]
    # One is killed, the other ends in order: nothing of either is left.
    probes[0].process.send_signal(signal.SIGKILL)
    assert probes[1].process.stdin is not None
    probes[1].process.stdin.close()
    assert wait_until(lambda: not any(process.is_running() for process in below), 60), below
