"""Parties on machines of their own, in networks that let only some of their packets through."""

import pytest

from tests.e2e.harness import Event, Huddle
from tests.netlab.conftest import LASTING, LONG, Neighbours, asked, rewired
from tests.netlab.net import Net

pytestmark = pytest.mark.timeout(600)

RENDEZVOUS = "tcp dport 8037 accept"


def finish(*parties: Huddle, total: int) -> None:
    codes = [party.end(LONG) for party in parties]
    assert codes == [0] * len(parties), "\n".join(party.story() for party in parties)
    for party in parties:
        assert f"second sum {total}" in party.output()


def networks(party: Huddle) -> set[tuple[str, str]]:
    return {(event["peer"], event["network"]) for event in party.all("link")}


def linked(party: Huddle, peer: str, network: str) -> None:
    """Wait until control and data go by this network: at once, or on a busy machine after another one."""
    wanted = {"peer": peer, "network": network}
    for run in (0, 1):
        party.wait("link", lambda event, one=wanted | {"run": run}: event.items() >= one.items(), LONG)


def torn(one: Huddle, other: Huddle) -> list[Event]:
    """The losses of wires between these two, unless one was too busy to be heard for some seconds."""
    lost = [
        event
        for party, peer in ((one, other.home.name), (other, one.home.name))
        for event in party.all("reconnect")
        if event["peer"] == peer and event["state"] == "lost"
    ]
    silent = {event["run"] for event in lost if event["reason"].startswith("nothing was heard")}
    return [event for event in lost if event["run"] not in silent]


@pytest.mark.parametrize("closed", ["host", "guest"])
def test_tls_needs_only_one_of_two_to_be_reachable(net: Net, neighbours: Neighbours, closed: str) -> None:
    post, here, there = (net.node(f"10.77.0.{number}/24") for number in (1, 2, 3))
    (here if closed == "host" else there).firewall()
    url = neighbours.serve(post)
    host = neighbours.host(here, url, "--network", "tls")
    bob = neighbours.join(there, "Bob", host.wait("invitation")["url"], "--network", "tls")
    finish(host, bob, total=30)
    assert networks(host) == {("Bob", "tls")}
    paths = {event["path"] for event in host.all("link")}
    assert all(path.startswith("direct, 10.77.0.3 ") for path in paths), paths


def test_auto_falls_back_to_the_relay_where_only_the_rendezvous_can_be_reached(
    net: Net, neighbours: Neighbours
) -> None:
    post, *homes = (net.node(f"10.77.0.{number}/24") for number in (1, 2, 3, 4))
    post.firewall(RENDEZVOUS)
    homes[0].firewall(udp=False)
    homes[1].firewall(udp=False)
    url = neighbours.serve(post)
    host = neighbours.host(homes[0], url, parties=3)
    link = host.wait("invitation")["url"]
    bob = neighbours.join(homes[1], "Bob", link)
    cyd = neighbours.join(homes[2], "Cyd", link, ask=True)
    # Cyd can be reached by both, so that one session mixes networks.
    for party in (host, bob):
        linked(party, "Cyd", "tls")
    cyd.type("all are there")
    finish(host, bob, cyd, total=60)
    for party, other in ((host, "Bob"), (bob, "Ada")):
        mixed = {(other, "relay"), ("Cyd", "tls")}
        assert mixed <= networks(party) <= mixed | {("Cyd", "relay")}
    assert {event["path"] for event in host.all("link") if event["network"] == "relay"} == {
        "relayed by 10.77.0.1:8037"
    }


def test_ipv6_only(net: Net, neighbours: Neighbours) -> None:
    post, here, there = (net.node(f"fd77::{number}/64") for number in (1, 2, 3))
    url = neighbours.serve(post)
    assert url == "http://[fd77::1]:8037"
    host = neighbours.host(here, url)
    bob = neighbours.join(there, "Bob", host.wait("invitation")["url"], ask=True)
    linked(host, "Bob", "tls")
    bob.type("by the best")
    finish(host, bob, total=30)
    assert all("fd77::" in event["path"] for event in (*host.all("link"), *bob.all("link")))


def test_a_cable_that_is_out_for_some_seconds_in_mid_run(net: Net, neighbours: Neighbours) -> None:
    post, *homes = (net.node(f"10.77.0.{number}/24") for number in (1, 2, 3, 4))
    url = neighbours.serve(post)
    host = neighbours.host(homes[0], url, *LASTING, parties=3)
    link = host.wait("invitation")["url"]
    bob = neighbours.join(homes[1], "Bob", link, *LASTING, ask=True)
    cyd = neighbours.join(homes[2], "Cyd", link, *LASTING)
    asked(bob)
    homes[1].down()
    for party in (host, cyd):
        party.wait("party", lambda event: event["name"] == "Bob" and event["state"] == "silent", LONG)
    for peer in ("Ada", "Cyd"):
        rewired(bob, peer=peer, state="lost")
    homes[1].up()
    for party, peers in ((host, {"Bob"}), (cyd, {"Bob"}), (bob, {"Ada", "Cyd"})):
        for peer in peers:
            rewired(party, peer=peer)
    bob.type("back")
    finish(host, bob, cyd, total=60)
    assert not torn(host, cyd), host.story()


def test_an_address_that_changes_in_mid_run(net: Net, neighbours: Neighbours) -> None:
    post, here, there = (net.node(f"10.77.0.{number}/24") for number in (1, 2, 3))
    url = neighbours.serve(post)
    tls = ("--network", "tls", *LASTING)
    host = neighbours.host(here, url, *tls)
    bob = neighbours.join(there, "Bob", host.wait("invitation")["url"], *tls, ask=True)
    asked(bob)
    there.readdress("10.77.0.3/24", "10.77.0.33/24")
    rewired(host)
    host.wait("link", lambda event: event["run"] == 1 and "10.77.0.33" in event["path"], LONG)
    bob.type("moved")
    finish(host, bob, total=30)
