"""What fits through a tunnel. Tunnels themselves need root and are in tests/netlab."""

import pytest

from huddle.networks.wireguard.path_checks import ChosenPath
from huddle.networks.wireguard.tunnel import fitting

V4, V6 = ("203.0.113.1", 4000), ("2001:db8::1", 4000)


@pytest.mark.parametrize("where", [V4, V6])
@pytest.mark.parametrize("size", [1280, 1400, 1500])
def test_no_packet_on_the_path_is_larger_than_what_fits(where: tuple[str, int], size: int) -> None:
    mtu, segment = fitting(ChosenPath(where, size))
    assert 1280 <= mtu <= 1420  # less has no IPv6
    largest = mtu if segment is None else segment + 60  # the headers of IPv6 and TCP
    filled = -(-largest // 16) * 16
    headers = 20 if "." in where[0] else 40
    assert headers + 8 + 32 + min(filled, mtu) <= size


def test_a_usual_path_needs_no_smaller_segments() -> None:
    assert fitting(ChosenPath(V4, 1500)) == (1420, None)
    assert fitting(ChosenPath(V4, 1280)) == (1280, 1156)
