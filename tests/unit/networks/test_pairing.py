"""What is told through a rendezvous is for one peer, in one direction, for one purpose."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huddle.codec import DecodeError
from huddle.errors import NetworkError
from huddle.identity.native import NativeCrypto
from huddle.networks.base import PeerOffer
from huddle.networks.pairing import PairSeal, channel, paired
from huddle.rendezvous.server.server import RendezvousServer, ServerConfig

SECRET = b"s" * 32


def seal(*, lower: bool, secret: bytes = SECRET, label: bytes = b"purpose ") -> PairSeal:
    return PairSeal(NativeCrypto(), secret, lower, label)


def test_both_ways() -> None:
    low, high = seal(lower=True), seal(lower=False)
    assert high.open(low.seal(b"to the higher")) == b"to the higher"
    assert low.open(high.seal(b"to the lower")) == b"to the lower"


@pytest.mark.parametrize(
    "reader",
    [
        seal(lower=True),  # who sent it: a message can't be sent back
        seal(lower=False, secret=b"t" * 32),
        seal(lower=False, label=b"another purpose "),
    ],
)
def test_nobody_else_opens_it(reader: PairSeal) -> None:
    with pytest.raises(DecodeError):
        reader.open(seal(lower=True).seal(b"text"))


@given(st.binary(max_size=100))
def test_whatever_comes_is_refused(message: bytes) -> None:
    with pytest.raises(DecodeError):
        seal(lower=False).open(message)


async def test_a_peer_that_does_not_come_is_named() -> None:
    peer = PeerOffer(1, "Bob", b"", SECRET, True)
    async with RendezvousServer(ServerConfig()) as server:
        url = f"http://127.0.0.1:{server.port}"
        with pytest.raises(NetworkError, match="Bob did not come to the rendezvous"):
            async with paired(url, peer, b"label", within=0.2):
                pass


def test_both_sides_name_one_channel_and_different_sides() -> None:
    low, high = (
        channel("http://h", PeerOffer(0, "", b"", SECRET, lower), b"run 3") for lower in (True, False)
    )
    assert low.partition("?")[0] == high.partition("?")[0]
    assert {low[-1], high[-1]} == {"a", "b"}
    other = channel("http://h", PeerOffer(0, "", b"", SECRET, True), b"run 4")
    assert low.partition("?")[0] != other.partition("?")[0]
    assert SECRET.hex() not in low
