"""A party in a real Chromium behind a router of its own, with one in a terminal behind another."""

import contextlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.netlab.conftest import LASTING, LONG, ROOT, Neighbours, rewired
from tests.netlab.nat import Home
from tests.netlab.net import Net, Node, _ip
from tests.netlab.test_webrtc import SECRET, WEBRTC, paths, turn_server

TURN = "10.77.0.1"


class Person:
    """Who sits before the page: `web/tests/namespaced.mjs`, and what they see."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def sees(self, event: str) -> dict[str, Any]:
        """The next thing to be seen, which has to be this."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        seen: dict[str, Any] = json.loads(line or '{"event": "nothing more"}')
        assert seen["event"] == event, seen.get("shown", seen)
        return seen

    def types(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()


@contextlib.contextmanager
def person(node: Node, link: str, name: str, private: str) -> Iterator[Person]:
    for missing, what in (
        (shutil.which("chromium") is None, "Chromium is missing"),
        (shutil.which("node") is None, "Node.js is missing"),
        (not (ROOT / "web" / "dist" / "SHA256SUMS").exists(), "the page is not built: scripts/build-web"),
    ):
        if missing:
            (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(what)
    with node.inside():
        process = subprocess.Popen(
            ["node", ROOT / "web" / "tests" / "namespaced.mjs", link, name, private],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
    try:
        yield Person(process)
    finally:
        process.terminate()
        process.communicate(timeout=30)


@pytest.mark.timeout(600)
def test_a_browser_by_turn_alone_and_a_cable_that_is_out_in_mid_run(
    net: Net, neighbours: Neighbours, tmp_path: Path
) -> None:
    post = net.node(f"{TURN}/24")
    # Out by UDP to the TURN server only, so that neither leg can be anything else.
    no_udp = (f"ip daddr != {TURN} meta l4proto udp",)
    ada = Home(net, "10.77.0.2/24", "192.168.1", symmetric=True, blocked=no_udp)
    pia = Home(net, "10.77.0.3/24", "192.168.2", symmetric=True, blocked=no_udp)
    # coturn ends a session when the system has no route to where a packet should go; routers drop it.
    _ip("-n", post.name, "route", "add", "default", "via", "10.77.0.2")
    secret = tmp_path / "secret"
    secret.write_text(f"{SECRET}\n")
    with turn_server(post, tmp_path) as turn:
        url = neighbours.serve(post, "--turn", turn, "--turn-secret-file", str(secret))
        host = neighbours.host(ada.node, url, *WEBRTC, *LASTING)
        link = host.wait("invitation")["url"]
        with person(pia.node, link, "Pia", "--ask") as browser:
            assert browser.sees("words")["words"] == host.wait("words", timeout=LONG)["words"]
            seen = browser.sees("links")
            assert f"relayed by TURN {TURN}" in seen["cards"][0], seen
            # A check may find an address ("prflx") before it is told, or need one of the two legs only.
            assert seen["pairs"] and all("relay" in pair for pair in seen["pairs"]), seen
            pia.router.down()
            rewired(host, state="lost")
            pia.router.up()
            rewired(host)
            browser.types("go on")
            again = browser.sees("again")
            assert again["pairs"] and all("relay" in pair for pair in again["pairs"]), again
            output = browser.sees("over")["output"]
            assert "typed go on" in output and "second sum 30" in output, output
        assert host.end(LONG) == 0, host.story()
    assert "second sum 30" in host.output()
    assert paths(host) == {f"relayed by TURN {TURN}"}
