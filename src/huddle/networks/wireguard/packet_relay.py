"""WireGuard's packets between the world and a WireGuard that has no sockets there.

    the world  <-- one UDP port -->  PacketRelay  <-- a socket on loopback for each peer -->  WireGuard inside

To WireGuard each peer seems to be at one of the loopback sockets; where it really is, is learnt as WireGuard
would: from handshakes that are for our key (their mac1, see
`huddle.networks.plain.forwarder`). What comes from elsewhere, or is for nobody, is dropped. Who
may say what is WireGuard's business.
"""

import asyncio
import socket
from collections.abc import Sequence
from contextlib import suppress

from huddle.networks.plain.forwarder import is_for
from huddle.networks.reach import udp

Where = tuple[str, int]


class PacketRelay:
    """`public` is this party's key, `inside` where WireGuard listens on its loopback."""

    def __init__(self, public: bytes, inside: Where) -> None:
        self._public = public
        self._inside = inside
        self._outer: dict[bool, asyncio.DatagramTransport] = {}  # by whether it is IPv6
        self._places: list[_Place] = []
        self._at: dict[Where, _Place] = {}
        self._turn = 0

    async def open(self, outer: Sequence[socket.socket], inner: Sequence[socket.socket]) -> list[Where]:
        """Pass on between these; where WireGuard has its peers, one for each inner socket."""
        self._places = [_Place(self) for _ in inner]
        ends = [*zip(self._places, inner, strict=True), *((_Outer(self), sock) for sock in outer)]
        transports = await udp.endpoints(ends)
        for sock, transport in zip(outer, transports[len(inner) :], strict=True):
            self._outer[sock.family == socket.AF_INET6] = transport
        return [sock.getsockname() for sock in inner]

    def lead(self, number: int, where: Where) -> None:
        """The peer of that inner socket is there, as far as is known."""
        self._place(self._places[number], where)

    def close(self) -> None:
        """Close all sockets."""
        for transport in (*self._outer.values(), *(place.transport for place in self._places)):
            if transport is not None:
                transport.abort()

    def came(self, data: bytes, source: Where) -> None:
        """A packet from the world."""
        place = self._at.get(source)
        if place is None and is_for(data, self._public):
            place = self._places[self._turn]
            self._turn = (self._turn + 1) % len(self._places)
            self._place(place, source)
        if place is not None and place.transport is not None:
            with suppress(OSError):
                place.transport.sendto(data, self._inside)

    def leaves(self, data: bytes, where: Where) -> None:
        """A packet of WireGuard's."""
        transport = self._outer.get(":" in where[0])
        if transport is not None:
            with suppress(OSError):
                transport.sendto(data, where)

    def _place(self, place: "_Place", where: Where) -> None:
        if place.where is not None:
            self._at.pop(place.where, None)
        place.where = where
        self._at[where] = place


class _Place(asyncio.DatagramProtocol):
    """An inner socket, and where its peer is."""

    def __init__(self, splice: PacketRelay) -> None:
        self.where: Where | None = None
        self.transport: asyncio.DatagramTransport | None = None
        self._splice = splice

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]  # uvloop's is none by its type

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if self.where is not None:
            self._splice.leaves(data, self.where)

    def error_received(self, exc: Exception) -> None:
        """WireGuard has just ended."""


class _Outer(asyncio.DatagramProtocol):
    def __init__(self, splice: PacketRelay) -> None:
        self._splice = splice

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._splice.came(data, (addr[0], addr[1]))

    def error_received(self, exc: Exception) -> None:
        """No route, or nobody there: WireGuard tries again."""
