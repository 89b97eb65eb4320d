"""The part of a Huddle party towards plain ends: one WireGuard interface, MPyC's TCP through it, forwarding.

The interface has a peer for each end, whose only allowed address is the one of its key; TCP sockets are
bound to the interface. So a connection from an end's address comes from who has that end's key, and is
handed to the link of that end and no other (`huddle.links.raw`). What ends are told stands in
`huddle.networks.outsiders`.

Open is a party whose UDP port others reach without its sending first: it was named by `--advertise`, or STUN
sees the port at an address of this machine, so that no router translates. A firewall can't be seen from here.
"""

import asyncio
import socket
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from huddle.errors import HuddleError, NetworkError
from huddle.links.raw import Connect, RawConnection, RawLink, RawReceiver
from huddle.links.wire import WireInfo
from huddle.networks import outsiders
from huddle.networks.base import PeerOffer
from huddle.networks.outsiders import MPYC_PORT, Ports, Roles, Tell
from huddle.networks.plain import offers
from huddle.networks.plain.config import KEEPALIVE, MTU
from huddle.networks.plain.forwarded_ports import ForwardedPorts
from huddle.networks.plain.forwarder import Forwarder
from huddle.networks.plain.offers import PlainPeer
from huddle.networks.reach import addresses
from huddle.networks.wireguard.device import Device
from huddle.networks.wireguard.keys import Key, address
from huddle.networks.wireguard.maker import InterfaceMaker, LocalMaker
from huddle.networks.wireguard.port import Port
from huddle.networks.wireguard.system import Addressing
from huddle.networks.wireguard.uapi import PeerConfig, TunnelConfig
from huddle.rendezvous.client import dialing
from huddle.rendezvous.ice import ask
from huddle.tasks import cancel

RETRY = 0.2  # seconds between attempts to connect to an MPyC that does not listen yet
DIAL = 4.0  # seconds for one of them
_ASK = 5.0
_BACKLOG = 8
_EARLY = 2  # connections of an end that wait for a run to begin here


class PlainParticipant:
    """See `huddle.networks.outsiders.OutsiderPart`; `maker` makes the interface.

    `advertise` and `port` are the person's, as for tls.
    """

    def __init__(
        self,
        url: str,
        random: Callable[[int], bytes],
        *,
        advertise: Sequence[str] = (),
        port: int = 0,
        notice: Callable[[str], None] = lambda _: None,
        maker: InterfaceMaker | None = None,
    ) -> None:
        self.network = offers.NETWORK
        self.role = ""
        self._url = url
        self._advertise = [addresses.parse_advertised(one) for one in advertise]
        self._number = port or next((number for _, number in self._advertise if number), 0)
        self._notice = notice
        self._key = Key.fresh()
        self._port = Port(random)
        self._where: tuple[str, int] | None = None
        self._maker = maker or LocalMaker()
        self._own = -1
        self._roles: Roles = {}
        self._peers: dict[int, PlainPeer] = {}
        self._device: Device | None = None
        self._forwarder: Forwarder | None = None
        self._ports = ForwardedPorts()
        self._accepting: asyncio.Task[None] | None = None
        self._links: dict[int, RawLink] = {}
        self._adopting: set[asyncio.Task[None]] = set()
        self._early: dict[int, list[socket.socket]] = {}  # of ends that are ahead of the run here

    async def open(self) -> None:
        """See whether interfaces can be made here, and whether others reach the port; raises NetworkError."""
        removed = await self._maker.open()
        if removed:
            self._notice(removed)
        await self._port.open(self._number)
        self._where = self._advertised() or await self._seen()
        self.role = outsiders.OPEN if self._where else outsiders.CLOSED

    def offer(self) -> bytes:
        """The key, and the endpoint of an open party."""
        return offers.encoded(False, self._key.public, self._where)

    async def start(self, own: int, peers: Sequence[PeerOffer], roles: Roles, tell: Tell) -> None:
        """Make the interface, and forward where that is this party's task."""
        self._own, self._roles = own, roles
        if not outsiders.ends(roles):
            await self._port.close()
            return
        self._peers = offers.all_known(self._key.public, peers, roles)
        by = outsiders.forwarder(roles)
        device, number = await self._maker.make(), self._port.number
        self._device = device
        mine = {pid: peer for pid, peer in self._peers.items() if outsiders.linked(roles, own, pid)}
        if by == own:
            await self._forward(tell)
        elif by is not None and any(outsiders.through(roles, own, pid) for pid in mine):
            await self._ports.wait_for(by, self._peers[by].name)
        reached = {pid: await self._endpoint(pid, by) for pid in mine}
        hosts = {pid: address(peer.public) for pid, peer in mine.items()}
        await device.bring_up(Addressing(address(self._key.public), tuple(hosts.values()), MTU))
        await self._port.close()
        configs = [
            PeerConfig(peer.public, peer.shared, reached[pid], hosts[pid], KEEPALIVE if reached[pid] else 0)
            for pid, peer in mine.items()
        ]
        await device.tell(TunnelConfig(self._key.private, self._key.public, number, tuple(configs)))
        if any(pid < own for pid in mine):
            await self._listen()

    def forwarded(self, pid: int, ports: Ports) -> None:
        """That peer says by which of its ports it forwards."""
        self._ports.tell(pid, ports)

    def link(self, pid: int, receiver: RawReceiver) -> RawLink:
        """The raw link to that end, for one run; the one of the run before is over."""
        peer = self._peers[pid]
        by = outsiders.forwarder(self._roles)
        way = "direct"
        if by is not None and outsiders.through(self._roles, self._own, pid):
            way = f"relayed by {self._peers[by].name}"
        info = WireInfo(
            offers.NETWORK,
            f"{way}, raw, known by its WireGuard key",
            self._key.public,
            peer.public,
            sealed=True,
        )
        connect: Connect | None = partial(self._connect, peer) if self._own < pid else None
        made = self._links[pid] = RawLink(peer.name, receiver, info, connect)
        for sock in self._early.pop(pid, []):
            loop = asyncio.get_running_loop()
            task = loop.create_task(_adopt(made, sock))
            self._adopting.add(task)
            task.add_done_callback(self._adopting.discard)
        return made

    async def close_link(self, pid: int, within: float) -> None:
        """Close the link of the run that ends."""
        link = self._links.get(pid)
        if link is not None:
            await link.close(within)

    async def close(self) -> None:
        """Remove the interface and all that belongs to it."""
        await cancel(self._accepting)
        for sock in [sock for early in self._early.values() for sock in early]:
            sock.close()
        for link in self._links.values():
            await link.close(0.0)
        if self._forwarder is not None:
            await self._forwarder.close()
        await self._port.close()
        device, self._device = self._device, None
        if device is not None:
            await device.close()

    # --- where others reach this party

    def _advertised(self) -> tuple[str, int] | None:
        host, number = next(iter(self._advertise), ("", None))
        return (host, number or self._port.number) if host else None

    async def _seen(self) -> tuple[str, int] | None:
        """Where STUN sees the port, if that is an address of this machine."""
        try:
            stun = (await ask(self._url, within=_ASK)).stun
        except HuddleError:
            return None
        if not stun:
            return None
        seen = await self._port.seen(dialing.hostname_of(self._url), stun)
        here = {str(one.ip) for one in addresses.local_addresses()}
        own = [(host, number) for host, number in seen if host in here and number == self._port.number]
        return min(own, key=lambda one: ":" in one[0], default=None)

    # --- forwarding

    async def _forward(self, tell: Tell) -> None:
        pairs = outsiders.forwards(self._roles)
        if not pairs:
            return
        self._forwarder = Forwarder({pid: peer.public for pid, peer in self._peers.items()})
        first = self._number + 1 if self._number else 0
        ports = await self._forwarder.open(pairs, first)
        # What leads from outside to the port next to WireGuard's has the number next to WireGuard's there.
        shift = self._where[1] - self._number if self._where and self._number else 0
        for pid, to in ports.items():
            tell(pid, {other: number + shift for other, number in to.items()})

    async def _endpoint(self, pid: int, by: int | None) -> tuple[str, int] | None:
        """Where this party's WireGuard reaches that end: only by who forwards; an open party is come to."""
        if by is None or not outsiders.through(self._roles, self._own, pid):
            return None
        there, number = self._peers[by].where, self._ports.of(by).get(pid)
        if there is None or number is None:
            raise NetworkError(f"Nothing leads to {self._peers[pid].name}.", hint="Try again.")
        try:
            found = await asyncio.get_running_loop().getaddrinfo(there[0], number, type=socket.SOCK_DGRAM)
        except OSError as error:
            raise NetworkError(
                f"{there[0]}, which forwards, has no address here: {error.strerror}."
            ) from error
        return str(found[0][4][0]), number

    # --- MPyC's TCP

    async def _listen(self) -> None:
        assert self._device is not None
        listening = await self._device.tcp(address(self._key.public), MPYC_PORT + self._own)
        listening.listen(_BACKLOG)
        hosts = {str(address(peer.public)): pid for pid, peer in self._peers.items() if peer.end}
        self._accepting = asyncio.create_task(self._accept(listening, hosts), name="plain ends")

    async def _accept(self, listening: socket.socket, hosts: Mapping[str, int]) -> None:
        """A connection belongs to the link of who has the address that it comes from."""
        loop = asyncio.get_running_loop()
        with listening:
            while True:
                sock, where = await loop.sock_accept(listening)
                pid = hosts.get(where[0], self._own)
                link = self._links.get(pid)
                if pid >= self._own:
                    sock.close()
                elif link is not None and not link.over:
                    await loop.connect_accepted_socket(partial(RawConnection, link), sock)
                elif len(self._early.setdefault(pid, [])) < _EARLY:
                    self._early[pid].append(sock)
                else:
                    sock.close()

    async def _connect(self, peer: PlainPeer, connection: RawConnection) -> None:
        """Connect to that end's MPyC, as soon as it listens."""
        loop = asyncio.get_running_loop()
        own, theirs = address(self._key.public), str(address(peer.public))
        while self._device is not None:
            try:
                sock = await self._device.tcp(own)
                try:
                    async with asyncio.timeout(DIAL):
                        await loop.sock_connect(sock, (theirs, MPYC_PORT + peer.pid))
                except BaseException:
                    sock.close()
                    raise
                await loop.create_connection(lambda: connection, sock=sock)
                return
            except (OSError, TimeoutError):
                await asyncio.sleep(RETRY)


async def _adopt(link: RawLink, sock: socket.socket) -> None:
    await asyncio.get_running_loop().connect_accepted_socket(partial(RawConnection, link), sock)
