"""A tunnel to one peer and the wires through it: TCP between two addresses that follow from two keys.

What stands on a new connection before the wire's bytes is said in `simultaneous_open`.

WireGuard takes packets from the tunnel only if they come from the peer's address and opened with the
peer's key. All sockets here are bound to the tunnel's interface, so no other machine reaches them by
another way and nothing leaves by one, not even when the interface is gone; what a process of this machine
sends does not come from the peer's address, and is dropped. So who is at the other end has the peer's key,
and a wire needs no encryption of its own.
"""

import asyncio
import socket
from collections.abc import Callable

from huddle.errors import NetworkError
from huddle.links.stream import StreamWire
from huddle.links.wire import WireInfo
from huddle.networks.base import PeerOffer
from huddle.networks.open_wires import OpenWires
from huddle.networks.wireguard.device import Device
from huddle.networks.wireguard.keys import Key, address
from huddle.networks.wireguard.maker import InterfaceMaker
from huddle.networks.wireguard.path_checks import ChosenPath, headers
from huddle.networks.wireguard.simultaneous_open import PREAMBLE, reach
from huddle.networks.wireguard.system import Addressing
from huddle.networks.wireguard.uapi import PeerConfig, TunnelConfig

DIAL = 4.0  # seconds for TCP through a tunnel that stands: a lost packet or two, and what both begin
HANDSHAKE = 8.0  # seconds; WireGuard repeats its first packet after 5
KEEPALIVE = 15  # seconds: routers forget UDP after 30 or more
INBOUND = 10.0  # seconds for the number of the run to come
MOST_INBOUND = 16  # connections that have not said their run

_LOOK = 0.02
_WIREGUARD = 32  # bytes that WireGuard adds to a packet, which it fills up to a multiple of
_BLOCK = 16
_MTU = 1420  # what WireGuard's own tools take
_LEAST_MTU = 1280  # an interface with less has no IPv6
_TCP = 60  # bytes of the headers of IPv6 and TCP

Accepted = Callable[[int, StreamWire], None]  # number of the run, wire


class Tunnel:
    """One tunnel; `accepted` gets the wires that the peer dials."""

    def __init__(
        self,
        maker: InterfaceMaker,
        key: Key,
        shared: bytes,
        peer: PeerOffer,
        public: bytes,
        accepted: Accepted,
    ) -> None:
        self._maker = maker
        self._key = key
        self._shared = shared
        self._peer = peer
        self._public = public
        self._own, self._theirs = address(key.public), address(public)
        self._accepted = accepted
        self._loop = asyncio.get_running_loop()
        self._device: Device | None = None
        self._server: asyncio.Server | None = None
        self._segment: int | None = None
        self._port = 0  # of the peer's TCP
        self._info = WireInfo("wireguard", "", key.public, public, sealed=True)
        self._wires = OpenWires[_TunnelWire](lambda wire: wire.over, lambda wire: wire.drop())
        self._inbound: set[_Inbound] = set()

    def __repr__(self) -> str:
        return f"<Tunnel to {self._peer.name}, {self._info.path}, {len(self._wires)} wires>"

    @property
    def used(self) -> bool:
        """Whether there are wires in it."""
        return bool(self._wires)

    async def prepare(self) -> None:
        """Make the interface, while the way is looked for; raises NetworkError."""
        self._device = await self._maker.make()

    async def open(self, udp: int, way: ChosenPath) -> int:
        """Lead the interface to the peer from that UDP port; the TCP port on which wires are accepted."""
        assert self._device is not None
        mtu, self._segment = fitting(way)
        await self._device.bring_up(Addressing(self._own, (self._theirs,), mtu))
        peer = PeerConfig(self._public, self._shared, way.where, self._theirs)
        await self._device.tell(TunnelConfig(self._key.private, self._key.public, udp, (peer,)))
        self._info = WireInfo(
            "wireguard",
            f"direct, {way.where[0]} port {way.where[1]}",
            self._key.public,
            self._public,
            sealed=True,
        )
        listening = await self._device.tcp(self._own, segment=self._segment)
        listening.listen(MOST_INBOUND)
        self._server = await self._loop.create_server(lambda: _Inbound(self), sock=listening)
        port: int = listening.getsockname()[1]
        return port

    async def shake_hands(self, port: int, *, begin: bool) -> None:
        """Wait until WireGuard has the peer, whose TCP port is `port`.

        One end only begins: two first packets that cross make WireGuard wait for 5 s.
        """
        assert self._device is not None
        self._port = port
        if begin:
            await self._device.keep_alive(self._public, KEEPALIVE)
        try:
            async with asyncio.timeout(HANDSHAKE):
                # It calls nobody when it is done, but a wire of the peer's shows it.
                while not (self.used or (await self._device.heard()).handshake):  # noqa: ASYNC110
                    await asyncio.sleep(_LOOK)
        except TimeoutError:
            raise NetworkError(
                f"{self._peer.name} was reached, but WireGuard's handshake with it did not come about.",
                hint="It is tried again.",
            ) from None
        if not begin:
            await self._device.keep_alive(self._public, KEEPALIVE)

    async def dial(self, run: int) -> StreamWire:
        """A wire for that run; raises NetworkError, and ConnectionError where the tunnel is dead."""
        before = await self._received()
        try:
            async with asyncio.timeout(DIAL):
                sock = await reach(self._connect, self._port, run)
        except TimeoutError:
            if await self._received() == before:
                raise ConnectionError("nothing comes through") from None
            raise NetworkError(
                f"{self._peer.name} answers WireGuard, but not TCP through it.",
                hint=f"A firewall there may keep it out: let TCP in on interfaces called hw*, or {_OTHERS}.",
            ) from None
        except OSError as error:
            raise ConnectionError(error.strerror or str(error)) from error
        wire = self._wire()
        await self._loop.create_connection(lambda: wire, sock=sock)
        return wire

    async def _connect(self, own: int, port: int) -> socket.socket:
        if self._device is None:
            raise ConnectionError("the tunnel is closed")
        sock = await self._device.tcp(self._own, own, segment=self._segment)
        try:
            await self._loop.sock_connect(sock, (str(self._theirs), port))
        except BaseException:
            sock.close()
            raise
        return sock

    async def close(self, within: float = 0.0) -> None:
        """Remove the interface; what closed wires have still to send gets so many seconds."""
        if self._server is not None:
            self._server.close()
        for inbound in list(self._inbound):
            inbound.drop()
        await self._wires.end(within)
        if self._device is not None:
            device, self._device = self._device, None
            await device.close()

    async def _received(self) -> int:
        if self._device is None:
            raise ConnectionError("the tunnel is closed")
        try:
            return (await self._device.heard()).received
        except NetworkError as error:
            raise ConnectionError(error.message) from error

    def _wire(self) -> "_TunnelWire":
        wire = _TunnelWire(self._info, self._wires.discard)
        self._wires.add(wire)
        return wire


_OTHERS = "use the network webrtc or relay"


def fitting(way: ChosenPath) -> tuple[int, int | None]:
    """The interface's MTU, and TCP's largest segment where less than that fits through."""
    inner = (way.size - headers(way.where[0]) - _WIREGUARD) // _BLOCK * _BLOCK
    mtu = max(_LEAST_MTU, min(_MTU, inner))
    return mtu, inner - _TCP if inner < mtu else None


class _TunnelWire(StreamWire):
    """A wire that its tunnel knows until it is gone."""

    def __init__(self, info: WireInfo, ended: Callable[["_TunnelWire"], None]) -> None:
        super().__init__(info)
        self._ended = ended

    def drop(self) -> None:
        """The tunnel goes: whoever uses the wire is told."""
        if self._transport is not None:
            self._transport.abort()
        else:
            self._ended(self)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._ended(self)


class _Inbound(asyncio.Protocol):
    """A connection through the tunnel that has still to say its run."""

    def __init__(self, tunnel: Tunnel) -> None:
        self._tunnel = tunnel
        self._data = b""
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]
        tunnel = self._tunnel
        peername = transport.get_extra_info("peername") or ("",)
        if peername[0] != str(tunnel._theirs) or len(tunnel._inbound) >= MOST_INBOUND:
            self.drop()
            return
        tunnel._inbound.add(self)
        self._timer = tunnel._loop.call_later(INBOUND, self.drop)

    def data_received(self, data: bytes) -> None:
        self._data += data
        if len(self._data) < PREAMBLE or self._transport is None or self not in self._tunnel._inbound:
            return
        transport, tunnel = self._transport, self._tunnel
        self._forget()
        wire = tunnel._wire()
        transport.set_protocol(wire)
        wire.connection_made(transport)
        run, rest = self._data[:PREAMBLE], self._data[PREAMBLE:]
        if rest:
            wire.data_received(rest)
        tunnel._accepted(int.from_bytes(run, "big"), wire)

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget()

    def drop(self) -> None:
        self._forget()
        if self._transport is not None:
            self._transport.abort()

    def _forget(self) -> None:
        self._tunnel._inbound.discard(self)
        if self._timer is not None:
            self._timer.cancel()
