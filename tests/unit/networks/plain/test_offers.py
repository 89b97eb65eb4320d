"""What a party offers for plain ends, and what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huddle.errors import NetworkError, PeerError
from huddle.networks.base import PeerOffer
from huddle.networks.outsiders import CLOSED, END, OPEN
from huddle.networks.plain import offers as plain
from tests.unit.networks.test_outsiders import MIXED, NAMES


def peer(pid: int, offer: bytes) -> PeerOffer:
    return PeerOffer(pid, NAMES[pid], offer, bytes([pid]) * 32, True)


def key(pid: int) -> bytes:
    return bytes([64 + pid]) * 32


def offers(roles: dict[int, str]) -> list[PeerOffer]:
    return [
        peer(pid, plain.encoded(role == END, key(pid), ("192.0.2.1", 4000) if role == OPEN else None))
        for pid, role in roles.items()
    ]


def test_an_offer_is_what_its_party_said_before() -> None:
    roles = {pid: role for pid, role in MIXED.items() if pid != 1}
    found = plain.all_known(key(1), offers(roles), MIXED)
    assert found[0].where == ("192.0.2.1", 4000) and found[3].end and found[2].where is None
    assert found[0].shared != found[2].shared
    for pid, lie in ((0, CLOSED), (0, END), (2, OPEN), (3, CLOSED)):
        with pytest.raises(PeerError, match=f"{NAMES[pid]} does not offer what it said"):
            plain.all_known(key(1), offers(roles | {pid: lie}), MIXED)
    with pytest.raises(PeerError, match="Ada offers another party's key"):
        plain.all_known(key(0), offers(roles), MIXED)
    with pytest.raises(NetworkError, match="Not all"):
        plain.all_known(key(1), offers({0: OPEN}), MIXED)


@pytest.mark.parametrize(
    "offer",
    [
        b"",
        plain.encoded(True, key(1), None) + b"x",
        b"\x02" + plain.encoded(True, key(1), None)[1:],
        plain.encoded(False, key(1), ("224.0.0.1", 4000)),
        plain.encoded(False, key(1), ("a name\n[Peer]", 4000)),
        plain.encoded(False, key(1), ("192.0.2.1", 0)),
        plain.encoded(False, key(1), ("", 4000)),
    ],
)
def test_an_offer_that_is_none_is_the_peer_s_fault(offer: bytes) -> None:
    with pytest.raises(PeerError, match="Ben sent an offer"):
        plain.known(peer(1, offer))


@given(st.binary(max_size=320))
def test_any_bytes_are_an_offer_or_refused(offer: bytes) -> None:
    try:
        plain.known(peer(1, offer))
    except PeerError:
        pass
