"""Parties on machines of their own, in networks that let only some of their packets through."""

import pytest

from tests.e2e.chaos import wait_until
from tests.e2e.harness import Huddle
from tests.netlab.conftest import Neighbours
from tests.netlab.net import Net

RENDEZVOUS = "tcp dport 8037 accept"


def finish(*parties: Huddle, total: int) -> None:
    codes = [party.end() for party in parties]
    assert codes == [0] * len(parties), "\n".join(party.story() for party in parties)
    for party in parties:
        assert f"second sum {total}" in party.output()


def networks(party: Huddle) -> set[tuple[str, str]]:
    return {(event["peer"], event["network"]) for event in party.all("link")}


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
    bob, cyd = (
        neighbours.join(node, name, link) for node, name in zip(homes[1:], ("Bob", "Cyd"), strict=True)
    )
    finish(host, bob, cyd, total=60)
    # Cyd can be reached by both, so that one session mixes networks.
    assert networks(host) == {("Bob", "relay"), ("Cyd", "tls")}
    assert networks(bob) == {("Ada", "relay"), ("Cyd", "tls")}
    assert {event["path"] for event in host.all("link") if event["network"] == "relay"} == {
        "relayed by 10.77.0.1:8037"
    }


def test_ipv6_only(net: Net, neighbours: Neighbours) -> None:
    post, here, there = (net.node(f"fd77::{number}/64") for number in (1, 2, 3))
    url = neighbours.serve(post)
    assert url == "http://[fd77::1]:8037"
    host = neighbours.host(here, url)
    bob = neighbours.join(there, "Bob", host.wait("invitation")["url"])
    finish(host, bob, total=30)
    assert networks(host) == {("Bob", "tls")}
    assert all("fd77::" in event["path"] for event in (*host.all("link"), *bob.all("link")))


@pytest.mark.timeout(90)
def test_a_cable_that_is_out_for_some_seconds_in_mid_run(net: Net, neighbours: Neighbours) -> None:
    post, *homes = (net.node(f"10.77.0.{number}/24") for number in (1, 2, 3, 4))
    url = neighbours.serve(post)
    host = neighbours.host(homes[0], url, parties=3)
    link = host.wait("invitation")["url"]
    bob = neighbours.join(homes[1], "Bob", link, ask=True)
    cyd = neighbours.join(homes[2], "Cyd", link)
    bob.wait("input", lambda event: event["waiting"])
    homes[1].down()
    for party in (host, cyd):
        party.wait("party", lambda event: event["name"] == "Bob" and event["state"] == "silent")
    for peer in ("Ada", "Cyd"):
        bob.wait("reconnect", lambda event, peer=peer: event["peer"] == peer and event["state"] == "lost")
    homes[1].up()
    for party, peers in ((host, {"Bob"}), (cyd, {"Bob"}), (bob, {"Ada", "Cyd"})):
        for peer in peers:
            party.wait(
                "reconnect", lambda event, peer=peer: event["peer"] == peer and event["state"] == "restored"
            )
    bob.type("back")
    finish(host, bob, cyd, total=60)
    assert not [event for event in host.all("reconnect") if event["peer"] == "Cyd"], host.story()


@pytest.mark.timeout(90)
def test_an_address_that_changes_in_mid_run(net: Net, neighbours: Neighbours) -> None:
    post, here, there = (net.node(f"10.77.0.{number}/24") for number in (1, 2, 3))
    url = neighbours.serve(post)
    host = neighbours.host(here, url, "--network", "tls")
    bob = neighbours.join(there, "Bob", host.wait("invitation")["url"], "--network", "tls", ask=True)
    bob.wait("input", lambda event: event["waiting"])
    there.readdress("10.77.0.3/24", "10.77.0.33/24")
    host.wait("reconnect", lambda event: event["state"] == "restored")
    assert wait_until(lambda: any(e["run"] == 1 for e in host.all("link")[2:]), 15)
    bob.type("moved")
    finish(host, bob, total=30)
    assert any("10.77.0.33" in event["path"] for event in host.all("link"))
