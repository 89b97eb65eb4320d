"""People who run plain MPyC behind a WireGuard app, by what they are handed out, with parties of Huddle."""

import json
import os
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from huddle.networks.wireguard_keys import owner_of
from tests import wireguard_go
from tests.e2e.harness import Huddle
from tests.netlab.conftest import Neighbours
from tests.netlab.nat import Home
from tests.netlab.net import Net, Node

ROOT = Path(__file__).parents[2]
PROGRAM = ROOT / "tests" / "programs" / "total.py"
PLAIN = ("--network", "auto,plain")

# Where wireguard-go has to be built first, that takes a minute.
pytestmark = pytest.mark.timeout(600)


@pytest.fixture(autouse=True)
def _program(monkeypatch: pytest.MonkeyPatch) -> None:
    wireguard_go.on_path(monkeypatch)
    if shutil.which("wg-quick") is None:
        pytest.skip("wireguard-tools is not installed")


class End:
    """Somebody who takes part as the page does."""

    def __init__(self, node: Node, name: str, invitation: str) -> None:
        self.node = node
        self.name = name
        self.events: list[dict[str, Any]] = []
        with node.inside():
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.netlab.plain_end", name, invitation],
                stdout=subprocess.PIPE, text=True, cwd=ROOT,
            )  # fmt: skip

    def wait(self, name: str) -> dict[str, Any]:
        assert self.process.stdout is not None
        for event in self.events:
            if event["event"] == name:
                return event
        for line in self.process.stdout:
            self.events.append(json.loads(line))
            if self.events[-1]["event"] == name:
                return self.events[-1]
        raise AssertionError(f"{self.name}: no {name} among {self.events}")

    def close(self) -> int:
        try:
            return self.process.wait(30)
        finally:
            self.process.kill()
            self.process.wait()
            self.process.stdout.close()  # type: ignore[union-attr]


@contextmanager
def tunnel(node: Node, config: str, file: Path) -> Iterator[None]:
    """What an app does with the file."""
    file.write_text(config)
    file.chmod(0o600)
    with node.inside():
        quick("up", file)
    try:
        yield
    finally:
        with node.inside():
            quick("down", file)


def quick(what: str, config: Path) -> None:
    done = subprocess.run(
        ["wg-quick", what, str(config)],
        env=os.environ | {"WG_QUICK_USERSPACE_IMPLEMENTATION": "wireguard-go"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def mpyc(node: Node, line: str, folder: Path) -> "subprocess.Popen[str]":
    """Type the line, where the program's files lie."""
    words = shlex.split(line)
    assert words[0] == "python"
    with node.inside():
        return subprocess.Popen(
            [sys.executable, *words[1:]], cwd=folder,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip


def links(party: Huddle, peer: str) -> list[tuple[str, str]]:
    return [(one["network"], one["path"]) for one in party.all("link") if one["peer"] == peer and one["run"]]


def joined(host: Huddle, name: str) -> None:
    host.wait("party", lambda event: event["name"] == name and event["state"] == "admitted")


def test_two_plain_ends_and_two_of_huddle(net: Net, neighbours: Neighbours, tmp_path: Path) -> None:
    """Only Ada can be reached; the others sit behind routers of their own."""
    post, open_ = net.node("10.77.0.1/24"), net.node("10.77.0.2/24")
    homes = [Home(net, f"10.77.0.{number}/24", f"192.168.{number}").node for number in (3, 4, 5)]
    neighbours.program = PROGRAM
    url = neighbours.serve(post)
    ada = neighbours.host(open_, url, *PLAIN, parties=4)
    link = ada.wait("invitation")["url"]
    ben = End(homes[0], "Ben", link)
    joined(ada, "Ben")
    bob = neighbours.join(homes[1], "Bob", link, *PLAIN)
    joined(ada, "Bob")
    cem = End(homes[2], "Cem", link)
    folder = tmp_path / "program"
    folder.mkdir()
    shutil.copy(PROGRAM, folder)
    try:
        plain = [end.wait("plain") for end in (ben, cem)]
        with (
            tunnel(ben.node, plain[0]["config"], tmp_path / "ben0.conf"),
            tunnel(cem.node, plain[1]["config"], tmp_path / "cem0.conf"),
        ):
            parties = [
                mpyc(end.node, one["command"], folder) for end, one in zip((ben, cem), plain, strict=True)
            ]
            try:
                for party in parties:
                    said, _ = party.communicate(timeout=60)
                    assert party.returncode == 0 and "total: 4" in said, said
            finally:
                for party in parties:
                    party.kill()
                    party.communicate()
            codes = [ada.end(), bob.end(), ben.close(), cem.close()]
            assert codes == [0, 0, 0, 0], f"{ada.story()} {bob.story()} {ben.events[-5:]} {cem.events[-5:]}"
        assert "total: 4" in ada.output() and "total: 4" in bob.output()
        by_key = "raw, known by its WireGuard key"
        assert links(ada, "Ben") == links(ada, "Cem") == [("plain", f"direct, {by_key}")]
        assert links(bob, "Ben") == links(bob, "Cem") == [("plain", f"relayed by Ada, {by_key}")]
        assert links(ada, "Bob")[0][0] != "plain"
        for party in (ada, bob):
            notices = " ".join(event["text"] for event in party.all("notice"))
            assert (
                "Ben runs plain MPyC" in notices and "Ada passes on what goes between Ben and Bob" in notices
            )
        for node in (open_, homes[1]):
            with node.inside():
                assert not [name for _, name in socket.if_nameindex() if owner_of(name)]
    finally:
        ben.process.kill()
        cem.process.kill()
