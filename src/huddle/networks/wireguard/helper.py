"""WireGuard for a Huddle that root started and that became somebody else: a helper keeps root's right to it.

The helper makes interfaces under names of its own, and does nothing else. Each request names an interface by
the number that `Make` gave; addresses are those of tunnels (`keys`), endpoints are IP addresses and
never text, and sockets are made here and handed over, bound to their interface. When the asker is gone, all
interfaces go.

    Look                            text: what dead sessions had left here and is removed now
    Make                            U32: the number of a new interface
    BringUp, Configure, KeepAlive   nothing
    Connect                         a TCP socket of the interface
    Listen                          `PeerActivity`, what has come from the peer
    Close                           nothing
"""

import os
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from ipaddress import IPv6Address, ip_address
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from huddle.codec import U16, U32, U64, Fixed, Limit, decode, encode
from huddle.errors import LocalError, NetworkError
from huddle.helper import LOW_PORTS, Answer, Helper
from huddle.networks.wireguard.keys import KEY, address
from huddle.networks.wireguard.system import Addressing
from huddle.networks.wireguard.uapi import PeerActivity, PeerConfig, TunnelConfig

if TYPE_CHECKING:
    from huddle.networks.wireguard.device import Device
    from huddle.networks.wireguard.maker import InterfaceMaker

MOST = 64  # interfaces at once: two for each peer of the largest session
PEERS = 32
_LEAST_MTU, _MOST_MTU = 1280, 9000

PublicKey = Annotated[bytes, Fixed(KEY)]
TunnelAddress = Annotated[bytes, Fixed(16)]


@dataclass(frozen=True, slots=True)
class Look:
    """See which WireGuard there is, and remove what dead sessions left."""


@dataclass(frozen=True, slots=True)
class Make:
    """Make an interface."""


@dataclass(frozen=True, slots=True)
class BringUp:
    """Give an interface its address, and lead to the peers by it."""

    device: U32
    own: TunnelAddress
    peers: Annotated[tuple[TunnelAddress, ...], Limit(PEERS)]
    mtu: U16


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a peer is: 4 or 16 bytes of an address, and a UDP port."""

    host: Annotated[bytes, Limit(16)]
    port: U16


@dataclass(frozen=True, slots=True)
class Peer:
    """A peer of a tunnel; its address follows from its key."""

    public: PublicKey
    shared: Annotated[bytes, Fixed(KEY)] = field(repr=False)
    where: Endpoint | None
    keepalive: U16


@dataclass(frozen=True, slots=True)
class Configure:
    """Tell an interface its keys, its UDP port and its peers."""

    device: U32
    private: Annotated[bytes, Fixed(KEY)] = field(repr=False)
    public: PublicKey
    port: U16
    peers: Annotated[tuple[Peer, ...], Limit(PEERS)]


@dataclass(frozen=True, slots=True)
class Connect:
    """Make a TCP socket of an interface, at its own address; `segment` limits what it sends at once."""

    device: U32
    own: TunnelAddress
    port: U16
    segment: U16 | None


@dataclass(frozen=True, slots=True)
class KeepAlive:
    """Send that peer something now, and every so many seconds."""

    device: U32
    public: PublicKey
    seconds: U16


@dataclass(frozen=True, slots=True)
class Listen:
    """Say what has come from the peer."""

    device: U32


@dataclass(frozen=True, slots=True)
class Close:
    """Remove an interface."""

    device: U32


@dataclass(frozen=True, slots=True)
class Number:
    """An interface's number."""

    device: U32


@dataclass(frozen=True, slots=True)
class Traffic:
    """`uapi.PeerActivity` on its way."""

    handshake: bool
    received: U64


class WireGuardService:
    """The helper's side; `maker` has the rights. `port` is the person's choice, though it may be root's."""

    requests: ClassVar[tuple[type[Any], ...]] = (
        Look, Make, BringUp, Configure, Connect, KeepAlive, Listen, Close,
    )  # fmt: skip

    def __init__(self, maker: "InterfaceMaker | None" = None, *, port: int = 0) -> None:
        self._port = port
        self._given = maker
        self._owner = os.getpid()  # the asker's: this object is made before the helper is
        self._devices: dict[int, Device | None] = {}  # None: it is being made
        self._last = 0

    @cached_property
    def _maker(self) -> "InterfaceMaker":
        from huddle.networks.wireguard.maker import LocalMaker  # for the helper alone: see `WireGuardKind`

        return self._given or LocalMaker(self._owner)

    async def do(self, request: Any, descriptor: int) -> Answer:
        match request:
            case Look():
                return Answer((await self._maker.open()).encode())
            case Make():
                return Answer(encode(Number(await self._make())))
        device = self._devices.get(request.device)
        if device is None:
            raise ValueError(f"there is no interface {request.device}")
        match request:
            case BringUp(_, own, peers, mtu):
                if not _LEAST_MTU <= mtu <= _MOST_MTU:
                    raise ValueError(f"an MTU of {mtu}")
                await device.bring_up(Addressing(_inside(own), tuple(map(_inside, peers)), mtu))
            case Configure():
                if request.port < LOW_PORTS and request.port != self._port:
                    raise ValueError(f"port {request.port}")
                await device.tell(_config(request))
            case Connect(_, own, port, segment):
                if 0 < port < LOW_PORTS:
                    raise ValueError(f"port {port}")
                try:
                    made = await device.tcp(_inside(own), port, segment=segment)
                except ConnectionError as error:
                    raise NetworkError(str(error)) from error
                return Answer(descriptor=made.detach())
            case KeepAlive(_, public, seconds):
                await device.keep_alive(public, seconds)
            case Listen():
                heard = await device.heard()
                return Answer(encode(Traffic(heard.handshake, heard.received)))
            case Close(number):
                del self._devices[number]
                await device.close()
        return Answer()

    async def close(self) -> None:
        for device in self._devices.values():
            if device is not None:
                await device.close()

    async def _make(self) -> int:
        if len(self._devices) >= MOST:
            raise ValueError("too many interfaces")
        self._last += 1
        number = self._last
        self._devices[number] = None
        try:
            self._devices[number] = await self._maker.make()
        except BaseException:
            del self._devices[number]
            raise
        return number


class HelperMaker:
    """The asker's side; see `maker.InterfaceMaker`."""

    def __init__(self, helper: Helper) -> None:
        self._helper = helper

    async def open(self) -> str:
        return (await self._helper.ask(Look())).data.decode("utf-8", "replace")

    async def make(self) -> "Device":
        number = decode(Number, (await self._helper.ask(Make())).data).device
        return HelperDevice(f"helper's {number}", number, self._helper)


class HelperDevice:
    """An interface of the helper's; see `huddle.networks.wireguard.device.Device`."""

    def __init__(self, name: str, number: int, helper: Helper) -> None:
        self.name = name
        self._number = number
        self._ask: Callable[[Any], Awaitable[Answer]] = helper.ask

    async def bring_up(self, addressing: Addressing) -> None:
        peers = tuple(peer.packed for peer in addressing.peers)
        await self._ask(BringUp(self._number, addressing.own.packed, peers, addressing.mtu))

    async def tcp(self, own: IPv6Address, port: int = 0, *, segment: int | None = None) -> socket.socket:
        try:
            made = await self._ask(Connect(self._number, own.packed, port, segment))
        except NetworkError as error:
            raise ConnectionError(error.message) from error
        sock = socket.socket(fileno=made.descriptor)
        sock.setblocking(False)
        return sock

    async def tell(self, tunnel: TunnelConfig) -> None:
        peers = tuple(
            Peer(peer.public, peer.shared, _endpoint(peer.where), peer.keepalive) for peer in tunnel.peers
        )
        await self._ask(Configure(self._number, tunnel.private, tunnel.public, tunnel.port, peers))

    async def keep_alive(self, public: bytes, seconds: int) -> None:
        await self._ask(KeepAlive(self._number, public, seconds))

    async def heard(self) -> PeerActivity:
        traffic = decode(Traffic, (await self._ask(Listen(self._number))).data)
        return PeerActivity(traffic.handshake, traffic.received)

    async def close(self) -> None:
        with suppress(LocalError):  # the helper has gone, and the interface with it
            await self._ask(Close(self._number))


def _inside(packed: bytes) -> IPv6Address:
    """An address of a tunnel; nothing else may be given to an interface."""
    if packed[0] != 0xFD:
        raise ValueError("an address of no tunnel")
    return IPv6Address(packed)


def _endpoint(where: tuple[str, int] | None) -> Endpoint | None:
    return None if where is None else Endpoint(ip_address(where[0]).packed, where[1])


def _config(asked: Configure) -> TunnelConfig:
    peers = tuple(
        PeerConfig(
            peer.public,
            peer.shared,
            None if peer.where is None else (str(ip_address(peer.where.host)), peer.where.port),
            address(peer.public),
            peer.keepalive,
        )
        for peer in asked.peers
    )
    return TunnelConfig(asked.private, asked.public, asked.port, peers)
