"""STUN: tells a client from which address and port its packet came (RFC 8489, Binding only).

The server, and `request` and `mapped` for who asks one.

    packet     = type U16 ‖ length U16 ‖ magic cookie U32 ‖ transaction (12 bytes) ‖ attributes
    attribute  = type U16 ‖ length U16 ‖ value, padded with zeros to a multiple of 4

A request is answered with XOR-MAPPED-ADDRESS, and with FINGERPRINT if it had one; one that requires what
is not known here, with error 420. Everything else is dropped in silence. Nothing is kept but a rate for
each address: an answer is at most three times as long as its request, and a sender's address may be
forged, so nobody is sent many. It knows nothing of rooms or sessions.
"""

import asyncio
import binascii
import ipaddress
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from huddle.rendezvous.limits import Bucket, ServerLimits
from huddle.rendezvous.server.quotas import networks_of

if TYPE_CHECKING:
    # A party that only asks by these messages has no use for a registry of metrics, which is slow to import.
    from huddle.rendezvous.server.metrics import Metrics

HEADER = 20
MAX_REQUEST = 548  # bytes: a STUN message of unknown path is no longer (RFC 8489, 6.1, for IPv4)
COOKIE = 0x2112A442

_REQUEST, _RESPONSE, _ERROR = 0x0001, 0x0101, 0x0111
_ERROR_CODE, _UNKNOWN, _XOR_MAPPED, _FINGERPRINT = 0x0009, 0x000A, 0x0020, 0x8028
_FINGERPRINT_XOR = 0x5354554E
# Attributes that must be understood, and may be ignored where nobody has to prove who he is:
# USERNAME, MESSAGE-INTEGRITY, REALM, NONCE, MESSAGE-INTEGRITY-SHA256, PASSWORD-ALGORITHM, USERHASH,
# PRIORITY, USE-CANDIDATE.
_IGNORED = frozenset({0x0006, 0x0008, 0x0014, 0x0015, 0x001C, 0x001D, 0x001E, 0x0024, 0x0025})
_OPTIONAL = 0x8000
_MOST_UNKNOWN = 8

_MAX_ADDRESSES = 65_536  # whose rates are kept: some megabytes


def answer(packet: bytes, host: str, port: int) -> bytes | None:
    """The answer to a packet from there; None where there is none to give."""
    if not HEADER <= len(packet) <= MAX_REQUEST:
        return None
    kind, length, cookie = struct.unpack_from("!HHI", packet)
    if kind != _REQUEST or cookie != COOKIE or length != len(packet) - HEADER or length % 4:
        return None
    unknown, signed, at = [], False, HEADER
    while at < len(packet):
        if signed or at + 4 > len(packet):
            return None  # nothing may follow the fingerprint
        name, size = struct.unpack_from("!HH", packet, at)
        end = at + 4 + size + -size % 4
        if end > len(packet):
            return None
        if name == _FINGERPRINT:
            if size != 4 or packet[at + 4 : end] != _fingerprint(packet[:at]):
                return None
            signed = True
        elif name < _OPTIONAL and name not in _IGNORED:
            unknown.append(name)
        at = end
    transaction = packet[8:HEADER]
    if unknown:
        names = struct.pack(f"!{len(unknown[:_MOST_UNKNOWN])}H", *unknown[:_MOST_UNKNOWN])
        body = _attribute(_ERROR_CODE, b"\0\0\x04\x14Unknown attribute") + _attribute(_UNKNOWN, names)
        return _message(_ERROR, transaction, body, signed)
    return _message(_RESPONSE, transaction, _attribute(_XOR_MAPPED, _xored(host, port, transaction)), signed)


def request(transaction: bytes) -> bytes:
    """A request with that transaction, 12 bytes that nobody can guess."""
    return struct.pack("!HHI", _REQUEST, 0, COOKIE) + transaction


def mapped(packet: bytes, transaction: bytes) -> tuple[str, int] | None:
    """The address and port that an answer to `request` tells; None for any other packet."""
    if len(packet) < HEADER or packet[8:HEADER] != transaction:
        return None
    kind, length, cookie = struct.unpack_from("!HHI", packet)
    if kind != _RESPONSE or cookie != COOKIE or length != len(packet) - HEADER:
        return None
    at = HEADER
    while at + 4 <= len(packet):
        name, size = struct.unpack_from("!HH", packet, at)
        value = packet[at + 4 : at + 4 + size]
        if name == _XOR_MAPPED and (value[1:2], size) in ((b"\1", 8), (b"\2", 20)) and len(value) == size:
            port = int.from_bytes(value[2:4], "big") ^ COOKIE >> 16
            plain = bytes(a ^ b for a, b in zip(value[4:], packet[4:HEADER], strict=False))
            return str(ipaddress.ip_address(plain)), port
        at += 4 + size + -size % 4
    return None


def _xored(host: str, port: int, transaction: bytes) -> bytes:
    address = ipaddress.ip_address(host.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    mask = COOKIE.to_bytes(4, "big") + transaction
    mixed = bytes(a ^ b for a, b in zip(address.packed, mask, strict=False))
    return struct.pack("!BBH", 0, 1 if address.version == 4 else 2, port ^ COOKIE >> 16) + mixed


def _attribute(name: int, value: bytes) -> bytes:
    return struct.pack("!HH", name, len(value)) + value + bytes(-len(value) % 4)


def _message(kind: int, transaction: bytes, body: bytes, signed: bool) -> bytes:
    length = len(body) + (8 if signed else 0)
    plain = struct.pack("!HHI", kind, length, COOKIE) + transaction + body
    return plain + _attribute(_FINGERPRINT, _fingerprint(plain)) if signed else plain


def _fingerprint(before: bytes) -> bytes:
    """CRC-32 of all that is before, whose length field counts this attribute already."""
    return (binascii.crc32(before) ^ _FINGERPRINT_XOR).to_bytes(4, "big")


class StunServer(asyncio.DatagramProtocol):
    """The server on one UDP socket."""

    def __init__(self, limits: ServerLimits, clock: Callable[[], float], metrics: "Metrics") -> None:
        self._limits = limits
        self._clock = clock
        self._metrics = metrics
        self._all = Bucket(limits.stun_per_minute, clock())
        self._rates: dict[str, Bucket] = {}
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """There is a socket."""
        self._transport = cast(asyncio.DatagramTransport, transport)  # uvloop's is none by its type

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        """Answer, unless its address, or all together, ask too often."""
        host, port = addr[:2]
        sent = answer(data, host, port) if self._allowed(host) else None
        self._metrics.stun.labels("answered" if sent else "dropped").inc()
        if sent and self._transport is not None:
            self._transport.sendto(sent, addr)

    def _allowed(self, host: str) -> bool:
        now = self._clock()
        networks = networks_of(host)
        if len(self._rates) + len(networks) > _MAX_ADDRESSES:
            self._rates = {known: one for known, one in self._rates.items() if not one.full(now)}
        if len(self._rates) + len(networks) > _MAX_ADDRESSES:
            return False
        buckets = [self._all]
        for name, factor in networks:
            bucket = self._rates.get(name)
            if bucket is None:
                bucket = self._rates[name] = Bucket(self._limits.stun_per_address * factor, now)
            buckets.append(bucket)
        waits = [bucket.take(1, now) for bucket in buckets]
        if any(waits):
            for bucket in buckets:
                bucket.put_back(1)
        return not any(waits)
