"""The network `udp`: datagrams to the peer, numbered and sent again until they are acknowledged.

    datagram = tag (16) ‖ wire U64 ‖ run U32 ‖ what U8 ‖ number U32 ‖ acknowledged U32 ‖ payload

The tag is made from the secret of the pair, so strangers are not answered. A wire has no keys of its own:
`sealed` is False, and the record layer carries the link.
"""

import asyncio
import struct
from collections import deque
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from huddle.codec import U16, DecodeError, Limit, decode, encode
from huddle.errors import NetworkError
from huddle.identity.kdf import hkdf
from huddle.links.wire import Wire, WireInfo, WireReceiver
from huddle.networks.base import Accepted, Network, NetworkContext, NetworkKind, PeerOffer, option
from huddle.networks.reach import addresses

HEAD = struct.Struct("!16sQIBII")
DATA, END, ACK, RESET = range(4)  # the first two have numbers of their own
PAYLOAD = 1_100  # bytes: with all headers less than any path's limit
HELD = 65_536  # bytes that may wait for a receiver; what is beyond is sent again
RESEND = 0.1  # seconds
GIVE_UP = 5.0  # seconds without an acknowledgement
Where = tuple[str, int]


@dataclass(frozen=True, slots=True)
class UdpOffer:
    """Where this party listens: hosts and a port."""

    hosts: Annotated[tuple[Annotated[str, Limit(64)], ...], Limit(16)]
    port: U16


@dataclass(frozen=True, slots=True)
class UdpOptions:
    """What a person may choose."""

    udp_window: int = option(64, "Datagrams of udp that may be under way.")


class Udp(NetworkKind):
    """What Huddle knows of the network before a session: `--network udp`."""

    name = "udp"
    Options: ClassVar[type] = UdpOptions

    def create(self, context: NetworkContext, options: UdpOptions) -> Network:
        return UdpNetwork(context, options)


class UdpNetwork(asyncio.DatagramProtocol):
    """One party's part in the network, for one session."""

    name = "udp"

    def __init__(self, context: NetworkContext, options: UdpOptions) -> None:
        self.window = options.udp_window
        self._context = context
        self._transport: asyncio.DatagramTransport | None = None
        self._local: list[addresses.LocalAddress] = []
        self._peers: dict[int, tuple[str, list[Where], bytes, bytes]] = {}  # name, where, tags out and in
        self._accepted: Accepted | None = None
        self._wires: dict[tuple[bytes, int], UdpWire] = {}  # by the tag and number of what comes in

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
            self._peers[peer.pid] = (peer.name, where, out, into)

    async def dial(self, pid: int, run: int) -> Wire:
        if pid not in self._peers or self._transport is None:
            raise NetworkError(f"Party {pid} has no udp.", hint="Choose --network udp at all parties.")
        name, where, _, _ = self._peers[pid]
        number = int.from_bytes(self._context.crypto.random(8), "big")
        wire = self._wire(pid, run, number, where)
        try:
            wire.hello()
            await wire.answered
        except BaseException:
            wire.abort()
            raise
        if wire.over:
            tried = ", ".join(f"{host} port {port}" for host, port in where) or "nothing"
            raise NetworkError(f"{name} does not answer by udp; tried {tried}.")
        return wire

    async def close(self) -> None:
        for wire in list(self._wires.values()):
            wire.abort()
        if self._transport is not None:
            self._transport.close()
            self._transport = None

    def datagram_received(self, data: bytes, addr: Any) -> None:
        if len(data) < HEAD.size:
            return
        tag, number, run, what, at, acknowledged = HEAD.unpack_from(data)
        pid = next((pid for pid, peer in self._peers.items() if peer[3] == tag), None)
        wire = self._wires.get((tag, number))
        if wire is None and pid is not None and what == DATA and at == 0:  # a hello
            wire = self._wire(pid, run, number, [addr])
            assert self._accepted is not None
            self._accepted(pid, run, wire)
        if wire is not None:
            wire.take(addr, what, at, acknowledged, data[HEAD.size :])

    def _wire(self, pid: int, run: int, number: int, where: list[Where]) -> "UdpWire":
        _, _, out, into = self._peers[pid]
        made = self._wires[into, number] = UdpWire(self, (into, number), (out, number, run), where)
        return made

    def send(self, head: tuple[Any, ...], payload: bytes, where: list[Where]) -> None:
        """Send this to all of these addresses."""
        for one in where if self._transport is not None else ():
            assert self._transport is not None
            self._transport.sendto(HEAD.pack(*head) + payload, one)

    def forget(self, key: tuple[bytes, int]) -> None:
        """That wire is over."""
        self._wires.pop(key, None)


class UdpWire:
    """A wire: a window of datagrams, sent again from the first that is not acknowledged."""

    def __init__(
        self, network: UdpNetwork, key: tuple[bytes, int], head: tuple[bytes, int, int], where: list[Where]
    ) -> None:
        self.info = WireInfo("udp", "direct", b"", b"", sealed=False)
        self.answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.over = False
        self._network, self._key, self._head, self._where = network, key, head, where
        self._receiver: WireReceiver | None = None
        self._held: deque[bytes] = deque()
        self._waiting: deque[tuple[int, bytes]] = deque()  # not yet sent
        self._flight: deque[tuple[int, bytes]] = deque()  # sent, from the number `_first` on
        self._first = self._expected = 0
        self._closed = False
        self._lost = ""
        self._timer: asyncio.TimerHandle | None = None
        self._progress = asyncio.get_running_loop().time()

    def hello(self) -> None:
        """The first datagram; the answer completes `answered`."""
        self._queue(DATA, b"")

    def start(self, receiver: WireReceiver) -> None:
        self._receiver = receiver
        while self._held and self._receiver is receiver and not self._closed:
            receiver.wire_data(self._held.popleft())
        if self._lost and self._receiver is receiver:
            self._tell(self._lost)

    def send(self, data: bytes) -> None:
        if not self.over and not self._closed:
            for at in range(0, len(data), PAYLOAD):
                self._queue(DATA, data[at : at + PAYLOAD])

    def close(self) -> None:
        if not self.over and not self._closed:
            self._closed, self._receiver = True, None
            self._queue(END, b"")

    def abort(self) -> None:
        if not self.over:
            self._network.send((*self._head, RESET, 0, 0), b"", self._where)
        self._closed, self._receiver = True, None
        self._finish("aborted")

    def take(self, where: Where, what: int, at: int, acknowledged: int, payload: bytes) -> None:
        """A datagram of this wire has come from there."""
        self._where = [where]
        self.info = WireInfo("udp", f"direct, {where[0]} port {where[1]}", b"", b"", sealed=False)
        while self._flight and self._first < acknowledged:
            self._flight.popleft()
            self._first += 1
            self._progress = asyncio.get_running_loop().time()
        if self._first and not self.answered.done():
            self.answered.set_result(None)
        if what == RESET:
            self._finish("dropped by the other end")
        elif what != ACK:
            ended = what == END and at == self._expected
            if at == self._expected and sum(map(len, self._held)) <= HELD:
                self._expected += 1
                self._deliver(payload)
            self._network.send((*self._head, ACK, 0, self._expected), b"", self._where)
            if ended:
                self._finish("closed by the other end")
        elif self._closed and not self._flight and not self._waiting:
            self._finish("closed")
        self._pump()

    def _deliver(self, payload: bytes) -> None:
        if self._receiver is not None and not self._held:
            self._receiver.wire_data(payload) if payload else None
        elif payload and not self._closed:
            self._held.append(payload)

    def _queue(self, what: int, payload: bytes) -> None:
        self._waiting.append((what, payload))
        self._pump()

    def _pump(self) -> None:
        """Send what the window has room for."""
        while self._waiting and len(self._flight) < self._network.window and not self.over:
            if not self._flight:
                self._progress = asyncio.get_running_loop().time()
            self._flight.append(self._waiting.popleft())
            self._transmit(len(self._flight) - 1)
        if self._flight and self._timer is None and not self.over:
            self._timer = asyncio.get_running_loop().call_later(RESEND, self._again)

    def _again(self) -> None:
        self._timer = None
        now = asyncio.get_running_loop().time()
        if now - self._progress > GIVE_UP:
            self._finish(f"no answer for {GIVE_UP:g} s")
        elif now - self._progress >= RESEND:
            for index in range(len(self._flight)):
                self._transmit(index)
        self._pump()

    def _transmit(self, index: int) -> None:
        what, payload = self._flight[index]
        self._network.send((*self._head, what, self._first + index, self._expected), payload, self._where)

    def _finish(self, reason: str) -> None:
        """This wire is over; its receiver, if there is one, hears why after all that came before."""
        if self.over:
            return
        self.over = True
        self._network.forget(self._key)
        if self._timer is not None:
            self._timer.cancel()
        if not self.answered.done():
            self.answered.set_result(None)
        self._lost = reason
        if not self._held:
            self._tell(reason)

    def _tell(self, reason: str) -> None:
        if self._receiver is not None and not self._closed:
            self._lost = ""
            self._receiver.wire_lost(reason)
