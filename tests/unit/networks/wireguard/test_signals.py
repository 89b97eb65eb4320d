"""What two parties tell each other for WireGuard: sealed, and parsed strictly."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huddle.codec import DecodeError
from huddle.identity.native import NativeCrypto
from huddle.networks.base import PeerOffer
from huddle.networks.wireguard.signals import Chosen, TunnelSignal, TunnelSignals, UdpCandidate, checks_key

SECRET = b"s" * 32
HOST = UdpCandidate("192.0.2.7", 5000, 0)
SEEN = UdpCandidate("2001:db8::7", 5001, 1)


def peer(*, lower: bool, secret: bytes = SECRET) -> PeerOffer:
    return PeerOffer(1, "Bob", b"", secret, lower)


def pair() -> tuple[TunnelSignals, TunnelSignals]:
    return TunnelSignals(NativeCrypto(), peer(lower=True)), TunnelSignals(NativeCrypto(), peer(lower=False))


@pytest.mark.parametrize(
    "signal",
    [
        TunnelSignal(b"a" * 16, (HOST, SEEN)),
        TunnelSignal(b"a" * 16),
        TunnelSignal(chosen=Chosen(b"c" * 8, 1280)),
        TunnelSignal(ready=40000),
    ],
)
def test_both_ways(signal: TunnelSignal) -> None:
    low, high = pair()
    assert high.open(low.seal(signal)) == signal
    assert low.open(high.seal(signal)) == signal


@pytest.mark.parametrize(
    "wrong",
    [
        TunnelSignal(b"a" * 15, (HOST,)),
        TunnelSignal(b"a" * 16, (UdpCandidate("192.0.2.7", 0, 0),)),
        TunnelSignal(b"a" * 16, (UdpCandidate("192.0.2.7", 5000, 2),)),
        *(
            TunnelSignal(b"a" * 16, (UdpCandidate(host, 5000, 0),))
            for host in (
                "router.example",
                "",
                "192.0.2",
                "224.0.0.1",
                "255.255.255.255",
                "0.0.0.0",  # noqa: S104 - it is to be refused
                "::",
                "ff02::1",
                "fe80::1%eth0",
                "2001:0db8::7",
                "192.0.2.7\n",
            )
        ),
    ],
)
def test_what_no_honest_peer_says_is_refused(wrong: TunnelSignal) -> None:
    low, high = pair()
    with pytest.raises(DecodeError):
        high.open(low.seal(wrong))


@given(st.binary(max_size=300))
def test_no_message_is_too_strange(message: bytes) -> None:
    with pytest.raises(DecodeError):
        pair()[1].open(message)


def test_the_checks_key_is_that_of_both_and_of_this_attempt_only() -> None:
    mine, theirs = b"m" * 16, b"t" * 16
    key = checks_key(peer(lower=True), mine, theirs)
    assert key == checks_key(peer(lower=False), theirs, mine)
    others = {
        checks_key(peer(lower=False), mine, theirs),
        checks_key(peer(lower=True), mine, b"u" * 16),
        checks_key(peer(lower=True, secret=b"t" * 32), mine, theirs),
    }
    assert key not in others and len(others) == 3
