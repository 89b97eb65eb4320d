"""What two parties tell each other for WebRTC: sealed, parsed strictly, and nothing else in a description."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huddle.codec import DecodeError
from huddle.identity.native import NativeCrypto
from huddle.networks.webrtc import signals
from huddle.networks.webrtc.signals import Description, IceCandidate, RtcSignal, RtcSignals

SECRET = b"s" * 32
MINE = Description("abcd", "p" * 22, bytes(range(32)))
HOST = IceCandidate("1", 2_130_706_431, "192.0.2.7", 5000, 0)
SEEN = IceCandidate("2", 1_694_498_815, "2001:db8::7", 5001, 1)
WHOLE = RtcSignal(MINE, (HOST, SEEN), True)


def pair() -> tuple[RtcSignals, RtcSignals]:
    return RtcSignals(NativeCrypto(), SECRET, True), RtcSignals(NativeCrypto(), SECRET, False)


def test_both_ways_and_with_candidates_later() -> None:
    low, high = pair()
    later = RtcSignal(None, (HOST,), False)
    for signal in (WHOLE, later):
        assert high.open(low.seal(signal)) == signal
        assert low.open(high.seal(signal)) == signal
    assert low.seal(WHOLE) != low.seal(WHOLE)


def test_nobody_else_s_message_opens_and_not_one_s_own() -> None:
    low, high = pair()
    sealed = low.seal(WHOLE)
    stranger = RtcSignals(NativeCrypto(), b"t" * 32, False)
    for reader, message in (
        (low, sealed),
        (stranger, sealed),
        (high, sealed[:-1] + bytes([sealed[-1] ^ 1])),
        (high, sealed[:11]),
        (high, b""),
    ):
        with pytest.raises(DecodeError):
            reader.open(message)


@given(st.binary(max_size=200))
def test_no_message_is_too_strange(message: bytes) -> None:
    with pytest.raises(DecodeError):
        pair()[1].open(message)


@pytest.mark.parametrize(
    "wrong",
    [
        RtcSignal(Description("abc", "p" * 22, bytes(32)), (), True),
        RtcSignal(Description("ab\r\nd", "p" * 22, bytes(32)), (), True),
        RtcSignal(Description("abcd", "p" * 21, bytes(32)), (), True),
        RtcSignal(Description("abcd", "p" * 22 + "\n", bytes(32)), (), True),
        RtcSignal(None, (IceCandidate("", 1, "192.0.2.7", 1, 0),), True),
        RtcSignal(None, (IceCandidate("1 2", 1, "192.0.2.7", 1, 0),), True),
        RtcSignal(None, (IceCandidate("1", 1, "192.0.2.7", 0, 0),), True),
        RtcSignal(None, (IceCandidate("1", 1, "192.0.2.7", 1, 3),), True),
        RtcSignal(None, (IceCandidate("1", 1, "224.0.0.1", 1, 0),), True),
        RtcSignal(None, (IceCandidate("1", 1, "::", 1, 0),), True),
        RtcSignal(None, (IceCandidate("1", 1, "ff02::1", 1, 0),), True),
        RtcSignal(None, (IceCandidate("1", 1, "a.example\r\na=x", 1, 0),), True),
        RtcSignal(None, (IceCandidate("1", 1, "", 1, 0),), True),
    ],
)
def test_what_is_well_formed_and_means_nothing_is_refused(wrong: RtcSignal) -> None:
    low, high = pair()
    with pytest.raises(DecodeError):
        high.open(low.seal(wrong))


def test_too_many_candidates_are_refused() -> None:
    low, _ = pair()
    with pytest.raises(ValueError):
        low.seal(RtcSignal(None, (HOST,) * (signals.MAX_CANDIDATES + 1), True))


ICE = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/"


@given(
    st.text(ICE, min_size=4, max_size=256),
    st.text(ICE, min_size=22, max_size=256),
    st.binary(min_size=32, max_size=32),
    st.booleans(),
)
def test_a_description_survives_its_way_through_sdp(
    ufrag: str, password: str, fingerprint: bytes, lower: bool
) -> None:
    told = Description(ufrag, password, fingerprint)
    text = signals.sdp(told, lower=lower)
    assert signals.described(text) == told
    # The lower pid is DTLS's client, so the other one waits for it.
    assert ("a=setup:passive" in text) == lower
    assert ("a=setup:active" in text) == (not lower)


@pytest.mark.parametrize("missing", ["ice-ufrag", "ice-pwd", "fingerprint"])
def test_a_description_without_its_values(missing: str) -> None:
    text = signals.sdp(MINE, lower=True)
    with pytest.raises(DecodeError):
        signals.described(re.sub(f"a={missing}.*\r\n", "", text))


@given(
    st.text(ICE, min_size=1, max_size=32),
    st.integers(0, 2**32 - 1),
    st.ip_addresses().map(str) | st.just("0b0ea1f4-1c1e-4a3a-8a63-4bcd3a0d8d9e.local"),
    st.integers(1, 65535),
    st.integers(0, 2),
)
def test_a_candidate_survives_its_way_through_its_line(
    foundation: str, priority: int, host: str, port: int, kind: int
) -> None:
    one = IceCandidate(foundation, priority, host, port, kind)
    assert signals.candidate(one.line) == one
    assert signals.candidate(f"a={one.line} generation 0 network-cost 999") == one
    assert signals.where(one.line) == (host, port, ("host", "srflx", "relay")[kind])


@pytest.mark.parametrize(
    "line",
    [
        "",
        "candidate:1 1 TCP 1 192.0.2.7 9 typ host tcptype active",
        "candidate:1 2 UDP 1 192.0.2.7 9 typ host",
        "candidate:1 1 UDP 1 192.0.2.7 9 typ prflx",
        "candidate:1 1 UDP 1 192.0.2.7 typ host",
    ],
)
def test_a_line_that_is_nothing_to_tell(line: str) -> None:
    assert signals.candidate(line) is None


def test_where_a_candidate_is_that_was_only_seen() -> None:
    assert signals.where("a=candidate:1 1 UDP 0 192.0.2.9 4000 typ prflx") == ("192.0.2.9", 4000, "prflx")
    assert signals.where("nonsense") == ("", 0, "")
