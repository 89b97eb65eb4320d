"""Passes WireGuard's packets on between two parties who can't reach each other, encrypted for the two.

Each of a pair has a UDP port here, at which it sends what is for the other:

    one --> port of one |  here  | port of the other <-- the other

Where a party is, is learnt from its handshakes (types 1 and 2): they carry a mac1, which only those can make
who know the other's public key, as this session's parties do. Data is taken from there alone; all else is
dropped, and so is what has nowhere to go. Nothing is answered here, so nobody gets more than somebody sent.

    mac1 = keyed BLAKE2s (16 bytes) over all before it, key = BLAKE2s("mac1----" ‖ receiver's public key)
"""

import asyncio
import hmac
import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2s

from huddle.errors import NetworkError

_LENGTHS = {1: 148, 2: 92}  # of a handshake's first packet and its answer; the last 32 bytes are two macs
_COOKIE, _COOKIE_LENGTH, _DATA, _LEAST_DATA = 3, 64, 4, 32
_MACS = 32

Pair = tuple[int, int]
Address = tuple[str, int]


def is_for(packet: bytes, public: bytes) -> bool:
    """Whether this is a handshake for whoever has that public key."""
    if _LENGTHS.get(_kind(packet)) != len(packet):
        return False
    key = blake2s(b"mac1----" + public).digest()
    mac = blake2s(packet[:-_MACS], digest_size=16, key=key).digest()
    return hmac.compare_digest(mac, packet[-_MACS:-16])


def _kind(packet: bytes) -> int:
    return packet[0] if len(packet) >= 4 and packet[1:4] == b"\0\0\0" else 0


def _is_data(packet: bytes) -> bool:
    kind = _kind(packet)
    return (kind == _DATA and len(packet) >= _LEAST_DATA) or (
        kind == _COOKIE and len(packet) == _COOKIE_LENGTH
    )


@dataclass(slots=True)
class _ForwarderSide(asyncio.DatagramProtocol):
    """The port at which one party of a pair sends; `public` is the other's key."""

    public: bytes
    other: "_ForwarderSide | None" = None
    where: Address | None = None
    transport: asyncio.DatagramTransport | None = None
    passed: int = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]  # uvloop's is none by its type

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        source = (addr[0], addr[1])
        if is_for(data, self.public):
            self.where = source
        elif source != self.where or not _is_data(data):
            return
        assert self.other is not None
        if self.other.where is not None and self.other.transport is not None:
            self.passed += 1
            with suppress(OSError):
                self.other.transport.sendto(data, self.other.where)

    def error_received(self, exc: Exception) -> None:
        """Nobody is there any more, or not yet."""


class Forwarder:
    """All that this party forwards; `publics` are the parties' keys, by pid."""

    def __init__(self, publics: Mapping[int, bytes]) -> None:
        self._publics = publics
        self._sides: dict[Pair, _ForwarderSide] = {}

    async def open(self, pairs: list[Pair], first: int) -> dict[int, dict[int, int]]:
        """A port for each direction of each pair, from `first` on, 0: any; by who sends, to whom.

        They are in IPv6 and IPv4 alike. Raises NetworkError where they are taken.
        """
        loop = asyncio.get_running_loop()
        ports: dict[int, dict[int, int]] = {}
        directions = [way for one, other in pairs for way in ((one, other), (other, one))]
        try:
            for number, (sender, receiver) in enumerate(directions):
                side = self._sides[sender, receiver] = _ForwarderSide(self._publics[receiver])
                sock = _bound(first + number if first else 0)
                ports.setdefault(sender, {})[receiver] = sock.getsockname()[1]
                await loop.create_datagram_endpoint(lambda side=side: side, sock=sock)  # type: ignore[misc]
        except OSError as error:
            await self.close()
            many, why = len(directions), error.strerror
            raise NetworkError(
                f"To forward between two parties {many} UDP ports from {first} on are needed here, and are "
                f"not free: {why}."
                if first
                else f"To forward between two parties {many} UDP ports are needed here, and none are "
                f"free: {why}.",
                hint="Choose another --port, or end what has them.",
            ) from error
        for (sender, receiver), side in self._sides.items():
            side.other = self._sides[receiver, sender]
        return ports

    async def close(self) -> None:
        """Close all ports."""
        for side in self._sides.values():
            if side.transport is not None:
                side.transport.abort()
        self._sides.clear()
        await asyncio.sleep(0)


def _bound(port: int) -> socket.socket:
    """A UDP socket for both families, or for IPv4 where this machine has no IPv6."""
    try:
        sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    except OSError:
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        if sock.family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        sock.bind(("", port))
    except OSError:
        sock.close()
        raise
    return sock
