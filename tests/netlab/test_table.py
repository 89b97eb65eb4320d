"""A few cells of the NAT table, found anew; and the table in the document is made from what was found."""

import pytest

from tests import wireguard_go
from tests.netlab import table
from tests.netlab.net import Net

ALL = 120.0  # seconds until all have come through, where they all do: a busy machine is slow


def outcomes(net: Net, pair: str, seconds: float = table.SECONDS) -> dict[str, str]:
    networks = ("tls", "webrtc", "iroh", "relay")
    return {name: cell["outcome"] for name, cell in table.try_pair(net, pair, networks, seconds).items()}


@pytest.mark.timeout(300)
def test_all_networks_are_direct_in_the_open(net: Net) -> None:
    assert outcomes(net, "open – open", ALL) == {
        "tls": "direct",
        "webrtc": "direct",
        "iroh": "direct",
        "relay": "relayed",
    }


@pytest.mark.long
@pytest.mark.timeout(150)
def test_only_the_relay_gets_out_by_443(net: Net) -> None:
    found = outcomes(net, "only 443 out – only 443 out")
    assert found == {"tls": "refused", "webrtc": "refused", "iroh": "refused", "relay": "relayed"}


@pytest.mark.timeout(600)
def test_firewalls_at_both_ends_let_through_what_both_begin(
    net: Net, monkeypatch: pytest.MonkeyPatch
) -> None:
    """UDP, and inside WireGuard's tunnel TCP too; the rendezvous has an IPv6 address only."""
    wireguard_go.on_path(monkeypatch)
    cells = table.try_pair(net, "IPv6, firewalls at both ends", ("wireguard", "webrtc"), ALL)
    assert {name: cell["outcome"] for name, cell in cells.items()} == {
        "wireguard": "direct",
        "webrtc": "direct",
    }
