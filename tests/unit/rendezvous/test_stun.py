"""STUN's messages: the answer to a request, silence towards everything else, and what who asked reads."""

import binascii
import ipaddress
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huddle.rendezvous import stun
from huddle.rendezvous.stun import COOKIE, MAX_REQUEST, answer

TRANSACTION = bytes(range(12))
# RFC 5769, 2.1 to 2.3: a request with all that ICE puts into one, and the addresses of its answers.
SAMPLE = bytes.fromhex(
    "000100582112a442b7e7a701bc34d686fa87dfae"
    "802200105354554e207465737420636c69656e74"
    "002400046e0001ff80290008932ff9b151263b36"
    "00060009"
    "6576746a3a68367659202020"
    "000800149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2"
    "80280004e57a3bcf"
)


def request(attributes: bytes = b"", kind: int = 1, cookie: int = COOKIE) -> bytes:
    return struct.pack("!HHI", kind, len(attributes), cookie) + TRANSACTION + attributes


def attribute(name: int, value: bytes) -> bytes:
    return struct.pack("!HH", name, len(value)) + value + bytes(-len(value) % 4)


def attributes(message: bytes) -> dict[int, bytes]:
    """The attributes of an answer, with its header checked."""
    kind, length, cookie = struct.unpack_from("!HHI", message)
    assert cookie == COOKIE
    assert length == len(message) - 20
    found, at = {0: kind.to_bytes(2, "big")}, 20
    while at < len(message):
        name, size = struct.unpack_from("!HH", message, at)
        found[name] = message[at + 4 : at + 4 + size]
        at += 4 + size + -size % 4
    assert at == len(message)
    return found


def mapped(message: bytes) -> tuple[str, int]:
    value = attributes(message)[0x0020]
    family, port = struct.unpack_from("!BH", value, 1)
    mask = COOKIE.to_bytes(4, "big") + message[8:20]
    packed = bytes(a ^ b for a, b in zip(value[4:], mask, strict=False))
    assert len(packed) == {1: 4, 2: 16}[family]
    return str(ipaddress.ip_address(packed)), port ^ COOKIE >> 16


@given(st.ip_addresses(), st.integers(0, 65535))
def test_every_address_is_told_as_it_is_seen(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address, port: int
) -> None:
    told = answer(request(), str(address), port)
    assert told is not None
    assert attributes(told)[0] == b"\x01\x01"
    assert told[8:20] == TRANSACTION
    plain = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    assert mapped(told) == (str(plain or address), port)


def test_a_known_answer() -> None:
    """192.0.2.1 port 32853 for the transaction of RFC 5769, 2.2."""
    told = answer(SAMPLE, "192.0.2.1", 32853)
    assert told is not None
    assert attributes(told)[0x0020] == bytes.fromhex("0001a147e112a643")
    told = answer(SAMPLE, "2001:db8:1234:5678:11:2233:4455:6677", 32853)
    assert told is not None
    assert attributes(told)[0x0020] == bytes.fromhex("0002a1470113a9faa5d3f179bc25f4b5bed2b9d9")


def test_a_fingerprint_is_answered_by_one_and_a_wrong_one_by_nothing() -> None:
    told = answer(SAMPLE, "192.0.2.1", 1)
    assert told is not None
    assert attributes(told)[0x8028] == (binascii.crc32(told[:-8]) ^ 0x5354554E).to_bytes(4, "big")
    assert 0x8028 not in attributes(answer(request(), "192.0.2.1", 1) or b"")
    assert answer(SAMPLE[:-1] + b"\0", "192.0.2.1", 1) is None
    assert answer(SAMPLE[:30] + b"\0" + SAMPLE[31:], "192.0.2.1", 1) is None


def test_what_must_be_understood_and_is_not_is_named() -> None:
    unknown = attribute(0x0003, b"\0\0\0\6") + attribute(0x8022, b"optional") + attribute(0x7777, b"")
    told = attributes(answer(request(unknown), "192.0.2.1", 1) or b"")
    assert told[0] == b"\x01\x11"
    assert told[0x0009].startswith(b"\0\0\x04\x14")
    assert told[0x000A] == b"\x00\x03\x77\x77"
    assert 0x0020 not in told


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        request()[:-1],
        request() + b"\0",
        request() + bytes(4),
        request(kind=0x0101),  # an answer: two servers must never talk to each other
        request(kind=0x0111),
        request(kind=0x0011),  # an indication
        request(kind=0x0003),  # TURN's Allocate
        request(cookie=0),  # RFC 3489
        request(b"\0\x20\0\x08abcd"),  # an attribute beyond the end
        request(b"\x80\x22"),
        request(attribute(0x8022, bytes(MAX_REQUEST))),
        SAMPLE[:2] + (0x60).to_bytes(2, "big") + SAMPLE[4:] + attribute(0x8022, b"late"),
    ],
)
def test_everything_else_is_met_with_silence(packet: bytes) -> None:
    assert answer(packet, "192.0.2.1", 1) is None


@given(
    st.binary(max_size=600) | st.binary(max_size=300).map(lambda rest: request(rest[: len(rest) // 4 * 4]))
)
def test_no_packet_is_too_strange_and_no_answer_too_long(packet: bytes) -> None:
    told = answer(packet, "192.0.2.1", 1)
    if told is not None:
        attributes(told)
        assert len(told) <= 3 * len(packet)


@pytest.mark.parametrize("where", [("192.0.2.7", 4000), ("2001:db8::7", 65535)])
def test_who_asked_reads_the_answer(where: tuple[str, int]) -> None:
    transaction = bytes(range(12))
    sent = answer(stun.request(transaction), *where)
    assert sent is not None
    assert stun.mapped(sent, transaction) == where
    assert stun.mapped(sent, bytes(12)) is None


@given(st.binary(max_size=100))
def test_an_answer_may_be_anything(packet: bytes) -> None:
    transaction = bytes(12)
    for one in (packet, stun.request(transaction) + packet, b"\x01\x01\x00" + bytes([len(packet)]) + packet):
        assert stun.mapped(one, transaction) is None
    head = b"\x01\x01" + len(packet).to_bytes(2, "big") + COOKIE.to_bytes(4, "big") + transaction
    stun.mapped(head + packet, transaction)
