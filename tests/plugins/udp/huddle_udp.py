"""The network `udp`: datagrams to the peer, numbered and sent again until they are acknowledged.

datagram = tag (16) ‖ wire U64 ‖ run U32 ‖ what U8 ‖ number U32 ‖ acknowledged U32 ‖ payload
"""

import asyncio
import struct
from collections import deque
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from huddle.codec import U16, DecodeError, Limit, decode, encode
from huddle.errors import NetworkError
from huddle.identity.kdf import hkdf
from huddle.links.buffered_wire import BufferedWire
from huddle.links.wire import Wire, WireInfo
from huddle.networks.base import Accepted, Network, NetworkContext, NetworkKind, PeerOffer, option
from huddle.networks.reach import addresses

HEAD = struct.Struct("!16sQIBII")
DATA, END, ACK, RESET = range(4)  # the first two have numbers of their own
PAYLOAD = 1_100  # bytes: with all headers less than any path's limit
RESEND = 0.1  # seconds
GIVE_UP = 5.0  # seconds in which nothing comes from the peer


@dataclass(frozen=True, slots=True)
class UdpOptions:
    """What a person may choose."""

    udp_window: int = option(64, "Datagrams of udp that may be under way.")


class Udp(NetworkKind):
    """Datagrams, sent again until they are acknowledged."""

    name = "udp"
    Options: ClassVar[type] = UdpOptions

    def create(self, context: NetworkContext, options: UdpOptions) -> Network:
        return UdpNetwork(context, options)


@dataclass(frozen=True, slots=True)
class UdpOffer:
    """Where this party listens: hosts and a port."""

    hosts: Annotated[tuple[Annotated[str, Limit(64)], ...], Limit(16)]
    port: U16


@dataclass(frozen=True, slots=True)
class Peer:
    """Where a peer is, and the tags of datagrams to it and from it."""

    pid: int
    name: str
    where: list[tuple[str, int]]
    out: bytes
    into: bytes


class UdpNetwork(asyncio.DatagramProtocol):
    """One party's part in the network, for one session."""

    name = "udp"

    def __init__(self, context: NetworkContext, options: UdpOptions) -> None:
        self.window = options.udp_window
        self.peers: dict[int, Peer] = {}
        self.wires: dict[tuple[bytes, int], UdpWire] = {}  # by the tag and number of what comes in
        self._context = context
        self._transport: asyncio.DatagramTransport | None = None

    async def open(self) -> None:
        self._local = addresses.via(self._context.via) if self._context.via else addresses.local_addresses()
        where = (str(self._local[0].ip) if self._context.via else "0.0.0.0", self._context.port)  # noqa: S104
        try:
            loop = asyncio.get_running_loop()
            self._transport, _ = await loop.create_datagram_endpoint(lambda: self, where)
        except OSError as error:
            raise NetworkError(f"udp can't listen here: {error.strerror}.") from error

    def offer(self) -> bytes:
        assert self._transport is not None
        hosts = addresses.offerable(self._local, loopback=self._context.near)
        told = tuple(host for host in hosts if ":" not in host)[:16]
        return encode(UdpOffer(told, self._transport.get_extra_info("sockname")[1]))

    def begin(self, peers: tuple[PeerOffer, ...], accepted: Accepted) -> None:
        self._accepted = accepted
        for peer in peers:
            try:
                offer = decode(UdpOffer, peer.offer)
            except DecodeError:
                continue  # to dial this peer says so
            where = [(host, offer.port) for host in offer.hosts if addresses.is_ip(host)]
            tags = [hkdf(peer.secret, b"huddle_udp " + side, length=16) for side in (b"a", b"b")]
            out, into = tags if peer.lower else reversed(tags)
            self.peers[peer.pid] = Peer(peer.pid, peer.name, where, out, into)

    async def dial(self, pid: int, run: int) -> Wire:
        peer = self.peers.get(pid)
        if peer is None or self._transport is None:
            raise NetworkError(f"Party {pid} has no udp.", hint="Choose --network udp at all parties.")
        wire = UdpWire(self, peer, int.from_bytes(self._context.crypto.random(8), "big"), run)
        try:
            wire.queue(DATA, b"")
            await wire.answered
        except BaseException:
            wire.abort()
            raise
        if wire.over:
            tried = ", ".join(f"{host} port {port}" for host, port in peer.where) or "nothing"
            raise NetworkError(f"{peer.name} does not answer by udp; tried {tried}.")
        return wire

    def datagram_received(self, data: bytes, addr: Any) -> None:
        if len(data) < HEAD.size:
            return
        tag, wire_number, run, what, number, acknowledged = HEAD.unpack_from(data)
        wire = self.wires.get((tag, wire_number))
        peer = next((peer for peer in self.peers.values() if peer.into == tag), None)
        if wire is None and peer is not None and what == DATA and number == 0:
            wire = UdpWire(self, peer, wire_number, run)
            self._accepted(peer.pid, run, wire)
        if wire is not None:
            wire.take(addr, what, number, acknowledged, data[HEAD.size :])

    def send(self, datagram: bytes, where: list[tuple[str, int]]) -> None:
        """Send this to all of these addresses."""
        for one in where if self._transport is not None else ():
            self._transport.sendto(datagram, one)  # type: ignore[union-attr]

    async def close(self) -> None:
        for wire in list(self.wires.values()):
            wire.abort()
        if self._transport is not None:
            self._transport.close()
            self._transport = None


class UdpWire(BufferedWire):
    """A wire: a window of datagrams, sent again from the first that is not acknowledged."""

    def __init__(self, network: UdpNetwork, peer: Peer, number: int, run: int) -> None:
        super().__init__(WireInfo("udp", "direct", b"", b"", sealed=False))
        self._loop = asyncio.get_running_loop()
        self.answered: asyncio.Future[None] = self._loop.create_future()
        self._network, self._where = network, peer.where
        self._key, self._head = (peer.into, number), (peer.out, number, run)
        self._queue: deque[tuple[int, bytes]] = deque()  # what is not acknowledged, from number `_first` on
        self._sent = self._first = self._expected = 0
        self._heard = self._moved = self._loop.time()
        self._timer = self._loop.call_later(RESEND, self._again)
        network.wires[self._key] = self

    def send(self, data: bytes) -> None:
        if not self.over:
            for at in range(0, len(data), PAYLOAD):
                self.queue(DATA, data[at : at + PAYLOAD])

    def close(self) -> None:
        if not self.over:
            self._shut()
            self.queue(END, b"")

    def abort(self) -> None:
        if self._key in self._network.wires:
            self._shut()
            self._transmit(RESET, 0, b"")
            self._end("aborted")

    def queue(self, what: int, payload: bytes) -> None:
        """Send this as soon as the window allows."""
        self._queue.append((what, payload))
        self._pump()

    def take(self, where: Any, what: int, number: int, acknowledged: int, payload: bytes) -> None:
        """A datagram of this wire has come from there."""
        self._heard, self._where = self._loop.time(), [where]
        self.inform(WireInfo("udp", f"direct, {where[0]} port {where[1]}", b"", b"", sealed=False))
        while self._sent and self._first < acknowledged:
            self._queue.popleft()
            self._first, self._sent, self._moved = self._first + 1, self._sent - 1, self._heard
        if self._first and not self.answered.done():
            self.answered.set_result(None)
        if what == RESET:
            self._end("dropped by the other end")
        elif what != ACK:
            if number == self._expected and not self._paused:
                self._expected += 1
                if payload:
                    self.arrived(payload)
            self._transmit(ACK, 0, b"")
            if what == END and number < self._expected:
                self._end("closed by the other end")
        if self._over and not self._queue:
            self._end("closed")
        self._pump()

    def _pause(self, paused: bool) -> None:
        """What is not taken is not acknowledged, and comes again."""

    def _pump(self) -> None:
        while self._sent < min(len(self._queue), self._network.window):
            if not self._sent:
                self._heard = self._moved = self._loop.time()
            self._transmit(self._queue[self._sent][0], self._first + self._sent, self._queue[self._sent][1])
            self._sent += 1

    def _again(self) -> None:
        self._timer = self._loop.call_later(RESEND, self._again)
        if self._sent and self._loop.time() - self._heard > GIVE_UP:
            self._end(f"no answer for {GIVE_UP:g} s")
        elif self._loop.time() - self._moved >= RESEND:
            for index in range(self._sent):
                self._transmit(self._queue[index][0], self._first + index, self._queue[index][1])

    def _transmit(self, what: int, number: int, payload: bytes) -> None:
        self._network.send(HEAD.pack(*self._head, what, number, self._expected) + payload, self._where)

    def _end(self, reason: str) -> None:
        self._timer.cancel()
        self._network.wires.pop(self._key, None)
        if not self.answered.done():
            self.answered.set_result(None)
        self._queue.clear()
        self._sent = 0
        self.lost(reason)
