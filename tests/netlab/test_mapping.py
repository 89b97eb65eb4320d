"""A router that gives ports to those at home who ask: two homes meet by tls, and nothing stays open."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.chaos import wait_until
from tests.netlab.conftest import Neighbours
from tests.netlab.nat import Home
from tests.netlab.net import Net, Node
from tests.netlab.test_networks import finish, networks

# Of addresses that are really public, because routers refuse to map others; nothing leaves the namespaces.
POST, ADA, BOB = "11.77.0.1/24", "11.77.0.2/24", "11.77.0.3/24"


@pytest.mark.timeout(600)
@pytest.mark.parametrize("by", ["PCP", "UPnP"])
def test_a_mapped_port_lets_two_homes_meet_by_tls_and_is_given_back(
    net: Net, neighbours: Neighbours, tmp_path: Path, by: str
) -> None:
    post = net.node(POST)
    ada, bob = Home(net, ADA, "192.168.1"), Home(net, BOB, "192.168.2", symmetric=True)
    url = neighbours.serve(post)
    with ada.mapping(tmp_path, natpmp=by == "PCP", upnp=by == "UPnP"):
        host = neighbours.host(ada.node, url, "--network", "tls", "--map-port")
        notice = host.wait("notice", lambda event: "router" in event["text"])["text"]
        assert notice.startswith("The router leads 11.77.0.2 port "), notice
        assert f" by {by} " in notice
        assert len(ada.mapped()) == 1
        link = host.wait("invitation")["url"]
        guest = neighbours.join(bob.node, "Bob", link, "--network", "tls")
        finish(host, guest, total=30)
        assert networks(guest) == {("Ada", "tls")}
        assert all(event["path"].startswith("direct, 11.77.0.2 port ") for event in guest.all("link"))
        assert wait_until(lambda: ada.mapped() == [], 20), ada.mapped()


def doctor(node: Node, *options: str) -> dict[str, str]:
    """What `huddle doctor` says of the router."""
    with node.inside():
        done = subprocess.run(
            [sys.executable, "-m", "huddle", "doctor", "--json", *options],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    checks: list[dict[str, str]] = json.loads(done.stdout)
    return next(check for check in checks if check["name"] == "Router")


@pytest.mark.timeout(180)
def test_doctor_tells_routers_apart(net: Net, neighbours: Neighbours, tmp_path: Path) -> None:
    post, other = net.node(POST), net.node("11.77.0.4/24")
    urls = neighbours.serve(post), neighbours.serve(other)
    asked = ("--rendezvous", urls[0], "--stun", "11.77.0.4:8037")

    plain = Home(net, ADA, "192.168.1")
    with plain.mapping(tmp_path):
        found = doctor(plain.node, *asked)
    assert found["found"] == (
        "others see this machine as 11.77.0.2; with one port for all destinations; the router gives ports; "
        "hairpin does not work"
    )
    assert "--map-port" in found["advice"]

    symmetric = Home(net, BOB, "192.168.2", symmetric=True)
    found = doctor(symmetric.node, *asked)
    assert "another port for each destination (symmetric)" in found["found"]
    assert "relayed" in found["advice"]

    silent = Home(net, "11.77.0.5/24", "192.168.3", blocked=("meta l4proto udp",))
    assert "UDP is blocked" in doctor(silent.node, *asked)["found"]

    open_ = net.node("11.77.0.6/24")
    assert "which is its own address" in doctor(open_, *asked)["found"]
