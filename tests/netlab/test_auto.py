"""`auto`: each pair takes the best that both can, says why it is no better, and moves when it can."""

import subprocess

import pytest

from tests import wireguard_go
from tests.netlab.conftest import LONG, Neighbours, asked
from tests.netlab.nat import Home
from tests.netlab.net import Net, Node
from tests.netlab.test_networks import RENDEZVOUS, finish, linked, networks, torn


def opened(node: Node) -> None:
    """Take the firewall of a node away."""
    command = ["ip", "netns", "exec", node.name, "nft", "delete", "table", "inet", "firewall"]
    subprocess.run(command, check=True, capture_output=True)


@pytest.mark.timeout(600)
def test_a_relayed_pair_says_why_and_moves_to_tls_as_soon_as_it_can(net: Net, neighbours: Neighbours) -> None:
    post, here, there = (net.node(f"10.77.0.{number}/24") for number in (1, 2, 3))
    post.firewall(RENDEZVOUS)
    here.firewall()
    there.firewall()
    url = neighbours.serve(post)
    chosen = ("--network", "tls,relay")
    host = neighbours.host(here, url, *chosen)
    bob = neighbours.join(there, "Bob", host.wait("invitation")["url"], *chosen, ask=True)
    asked(bob)
    first = host.all("link")[0]
    assert first["network"] == "relay"
    assert [one["network"] for one in first["tried"]] == ["tls"]
    opened(there)
    linked(host, "Bob", "tls")
    linked(bob, "Ada", "tls")
    bob.type("on the better one")
    finish(host, bob, total=30)
    assert not torn(host, bob), host.story()


@pytest.mark.timeout(600)  # where wireguard-go has to be built first, that takes a minute
def test_six_parties_by_five_networks(
    net: Net, neighbours: Neighbours, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each can do the relay and one network more, so that every pair with Ada has another one."""
    wireguard_go.on_path(monkeypatch)
    post, *homes = (net.node(f"10.77.0.{number}/24") for number in range(1, 8))
    url = neighbours.serve(post)
    host = neighbours.host(homes[0], url, "--network", "auto,wireguard", parties=6)
    link = host.wait("invitation")["url"]
    best = {"Bob": "tls", "Cyd": "webrtc", "Dan": "iroh", "Fay": "wireguard", "Eve": "relay"}
    guests = [
        neighbours.join(
            node, name, link, "--network", network if network == "relay" else f"{network},relay",
            ask=name == "Eve",
        )
        for node, (name, network) in zip(homes[1:], best.items(), strict=True)
    ]  # fmt: skip
    for name, network in best.items():  # at once, or on a busy machine by a move from the relay
        host.wait("link", lambda event, is_=(name, network): (event["peer"], event["network"]) == is_, LONG)
    asked(guests[-1])
    guests[-1].type("all are there")
    codes = [party.end(LONG) for party in (host, *guests)]
    assert codes == [0] * 6, host.story()
    for guest, (name, network) in zip(guests, best.items(), strict=True):
        others = {(other, "relay") for other in best if other != name}
        assert {("Ada", network)} | others <= networks(guest) <= {("Ada", network), ("Ada", "relay")} | others


@pytest.mark.timeout(600)
def test_why_it_is_relayed_between_two_symmetric_routers(net: Net, neighbours: Neighbours) -> None:
    post = net.node("10.77.0.1/24")
    homes = [Home(net, f"10.77.0.{number}/24", f"192.168.{number}", symmetric=True) for number in (2, 3)]
    url = neighbours.serve(post)
    host = neighbours.host(homes[0].node, url)
    guest = neighbours.join(homes[1].node, "Bob", host.wait("invitation")["url"], ask=True)
    asked(guest)
    link = host.all("link")[0]
    assert link["network"] == "relay"
    assert {one["network"] for one in link["tried"]} == {"tls", "webrtc", "iroh"}
    guest.type("so be it")
    finish(host, guest, total=30)
