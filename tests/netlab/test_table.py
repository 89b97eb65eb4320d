"""A few cells of the NAT table, found anew; and the table in the document is made from what was found."""

import pytest

from tests.netlab import table
from tests.netlab.net import Net


def outcomes(net: Net, pair: str) -> dict[str, str]:
    networks = ("tls", "webrtc", "iroh", "relay")
    return {name: cell["outcome"] for name, cell in table.try_pair(net, pair, networks).items()}


@pytest.mark.timeout(150)
def test_all_networks_are_direct_in_the_open(net: Net) -> None:
    assert outcomes(net, "open – open") == {
        "tls": "direct",
        "webrtc": "direct",
        "iroh": "direct",
        "relay": "relayed",
    }


@pytest.mark.timeout(150)
def test_only_the_relay_gets_out_by_443(net: Net) -> None:
    found = outcomes(net, "only 443 out – only 443 out")
    assert found == {"tls": "refused", "webrtc": "refused", "iroh": "refused", "relay": "relayed"}
