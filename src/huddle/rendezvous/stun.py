"""STUN's messages: a client asks, and is told from where its packet came (RFC 8489, Binding only).

    packet     = type U16 ‖ length U16 ‖ magic cookie U32 ‖ transaction (12 bytes) ‖ attributes
    attribute  = type U16 ‖ length U16 ‖ value, padded with zeros to a multiple of 4

A request is answered with XOR-MAPPED-ADDRESS, and with FINGERPRINT if it had one; one that requires what
is not known here, with error 420. Everything else is met with silence. An answer is at most three times
as long as its request. Both ends use this; it knows no sockets.
"""

import binascii
import ipaddress
import struct

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
