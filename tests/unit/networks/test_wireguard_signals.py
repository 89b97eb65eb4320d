"""What two parties tell each other for WireGuard: sealed, and parsed strictly."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huddle.codec import DecodeError
from huddle.identity.native import NativeCrypto
from huddle.networks.base import PeerOffer
from huddle.networks.wireguard_signals import Candidate, Chosen, Signal, Signals, checks_key

SECRET = b"s" * 32
HOST = Candidate("192.0.2.7", 5000, 0)
SEEN = Candidate("2001:db8::7", 5001, 1)


def peer(*, lower: bool, secret: bytes = SECRET) -> PeerOffer:
    return PeerOffer(1, "Bob", b"", secret, lower)


def pair() -> tuple[Signals, Signals]:
    return Signals(NativeCrypto(), peer(lower=True)), Signals(NativeCrypto(), peer(lower=False))


@pytest.mark.parametrize(
    "signal",
    [
        Signal(b"a" * 16, (HOST, SEEN)),
        Signal(b"a" * 16),
        Signal(chosen=Chosen(b"c" * 8, 1280)),
        Signal(ready=40000),
    ],
)
def test_both_ways(signal: Signal) -> None:
    low, high = pair()
    assert high.open(low.seal(signal)) == signal
    assert low.open(high.seal(signal)) == signal


@pytest.mark.parametrize(
    "wrong",
    [
        Signal(b"a" * 15, (HOST,)),
        Signal(b"a" * 16, (Candidate("192.0.2.7", 0, 0),)),
        Signal(b"a" * 16, (Candidate("192.0.2.7", 5000, 2),)),
        *(
            Signal(b"a" * 16, (Candidate(host, 5000, 0),))
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
def test_what_no_honest_peer_says_is_refused(wrong: Signal) -> None:
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
