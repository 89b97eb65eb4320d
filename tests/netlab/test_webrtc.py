"""WebRTC between homes behind routers: straight through them with STUN, by TURN where that can't be."""

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.harness import Huddle
from tests.netlab.conftest import LASTING, LONG, Neighbours, asked, rewired
from tests.netlab.nat import Home
from tests.netlab.net import Net, Node, _ip

pytestmark = pytest.mark.timeout(600)

WEBRTC = ("--network", "webrtc")
LASTING_WEBRTC = (*WEBRTC, *LASTING)
SECRET = "a secret that rendezvous and TURN server share"


def finish(*parties: Huddle) -> None:
    codes = [party.end(LONG) for party in parties]
    assert codes == [0] * len(parties), "\n".join(party.story() for party in parties)
    for party in parties:
        assert "second sum 30" in party.output()


def paths(party: Huddle) -> set[str]:
    links = party.all("link")
    assert {link["network"] for link in links} == {"webrtc"}
    return {link["path"].partition(" port ")[0] for link in links}


def test_two_homes_behind_routers_meet_with_the_rendezvous_s_own_stun(
    net: Net, neighbours: Neighbours
) -> None:
    post = net.node("10.77.0.1/24")
    ada, bob = Home(net, "10.77.0.2/24", "192.168.1"), Home(net, "10.77.0.3/24", "192.168.2")
    url = neighbours.serve(post)
    host = neighbours.host(ada.node, url, *WEBRTC)
    guest = neighbours.join(bob.node, "Bob", host.wait("invitation")["url"], *WEBRTC)
    finish(host, guest)
    assert paths(host) == {"direct, 10.77.0.3"}
    assert paths(guest) == {"direct, 10.77.0.2"}


@pytest.mark.long
def test_two_routers_with_a_port_for_each_destination_are_too_much_for_stun(
    net: Net, neighbours: Neighbours
) -> None:
    """`auto` goes on by the relay; `webrtc` alone ends, and says what was tried."""
    post = net.node("10.77.0.1/24")
    ada = Home(net, "10.77.0.2/24", "192.168.1", symmetric=True)
    bob = Home(net, "10.77.0.3/24", "192.168.2", symmetric=True)
    url = neighbours.serve(post)
    host = neighbours.host(ada.node, url)
    guest = neighbours.join(bob.node, "Bob", host.wait("invitation")["url"])
    finish(host, guest)
    assert {link["network"] for link in host.all("link")} == {"relay"}

    # An attempt has to be over in that time, for it to say what was tried.
    impatient = (*WEBRTC, "--grace", "60")
    host = neighbours.host(ada.node, url, *impatient)
    guest = neighbours.join(bob.node, "Bob", host.wait("invitation")["url"], *impatient)
    assert host.end(LONG) != 0
    assert guest.end(LONG) != 0
    assert "can't be reached by WebRTC: nothing came through" in host.errors(), host.story()
    assert "10.77.0.3 (seen by STUN)" in host.errors(), host.story()


@contextlib.contextmanager
def turn_server(node: Node, folder: Path) -> Iterator[str]:
    """coturn on that node; its URL."""
    program = shutil.which("turnserver")
    if program is None:
        if os.environ.get("CI") == "true":
            pytest.fail("coturn is not installed")
        pytest.skip("coturn is not installed")
    address = node.addresses[0]
    with node.inside():
        process = subprocess.Popen(
            [
                program, "-n", "--listening-ip", address, "--relay-ip", address, "--listening-port", "3478",
                "--min-port", "50000", "--max-port", "50100", "--realm", "huddle", "--use-auth-secret",
                "--static-auth-secret", SECRET, "--no-tls", "--no-dtls", "--no-cli", "--fingerprint",
                "--log-file", "stdout", "--simple-log", "--pidfile", str(folder / "turn.pid"),
                "--userdb", str(folder / "turn.db"),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=folder,
        )  # fmt: skip
        try:
            _listens(address, 3478)
            yield f"turn:{address}:3478"
        finally:
            process.terminate()
            process.wait(10)


def _listens(address: str, port: int) -> None:
    deadline = time.monotonic() + 15
    while True:
        try:
            socket.create_connection((address, port), 1).close()
            return
        except OSError:
            assert time.monotonic() < deadline, "coturn did not start"
            time.sleep(0.05)


def test_where_only_turn_gets_through_both_ends_use_it(
    net: Net, neighbours: Neighbours, tmp_path: Path
) -> None:
    post = net.node("10.77.0.1/24")
    # Out by UDP to the TURN server only, so that neither leg can be anything else.
    no_udp = ("ip daddr != 10.77.0.1 meta l4proto udp",)
    ada = Home(net, "10.77.0.2/24", "192.168.1", symmetric=True, blocked=no_udp)
    bob = Home(net, "10.77.0.3/24", "192.168.2", symmetric=True, blocked=no_udp)
    # coturn ends a session when the system has no route to where a packet should go; routers drop it.
    _ip("-n", post.name, "route", "add", "default", "via", "10.77.0.2")
    secret = tmp_path / "secret"
    secret.write_text(f"{SECRET}\n")
    with turn_server(post, tmp_path) as turn:
        url = neighbours.serve(post, "--turn", turn, "--turn-secret-file", str(secret))
        host = neighbours.host(ada.node, url, *WEBRTC)
        guest = neighbours.join(bob.node, "Bob", host.wait("invitation")["url"], *WEBRTC)
        finish(host, guest)
    assert paths(host) == paths(guest) == {"relayed by TURN 10.77.0.1"}


def test_a_cable_that_is_out_for_some_seconds_in_mid_run(net: Net, neighbours: Neighbours) -> None:
    post = net.node("10.77.0.1/24")
    ada, bob = Home(net, "10.77.0.2/24", "192.168.1"), Home(net, "10.77.0.3/24", "192.168.2")
    url = neighbours.serve(post)
    host = neighbours.host(ada.node, url, *LASTING_WEBRTC)
    guest = neighbours.join(bob.node, "Bob", host.wait("invitation")["url"], *LASTING_WEBRTC, ask=True)
    asked(guest)
    bob.router.down()
    rewired(host, guest, state="lost")
    bob.router.up()
    rewired(host, guest)
    guest.type("go on")
    finish(host, guest)


def test_an_address_that_changes_in_mid_run(net: Net, neighbours: Neighbours) -> None:
    """As a phone that leaves its Wi-Fi: the router gets another address, and what it kept open is void."""
    post = net.node("10.77.0.1/24")
    ada, bob = Home(net, "10.77.0.2/24", "192.168.1"), Home(net, "10.77.0.3/24", "192.168.2")
    url = neighbours.serve(post)
    host = neighbours.host(ada.node, url, *LASTING_WEBRTC)
    guest = neighbours.join(bob.node, "Bob", host.wait("invitation")["url"], *LASTING_WEBRTC, ask=True)
    asked(guest)
    bob.router.readdress("10.77.0.3/24", "10.77.0.33/24")
    rewired(host, guest)
    guest.type("go on")
    finish(host, guest)
    assert "direct, 10.77.0.33" in paths(host)
