"""Wires in a tailnet: TCP through a tailscaled, with the TLS of the network `tls` on top.

WireGuard carries them, with keys that the control server hands out; so TLS with the certificates of the
sealed offers stays the proof, and the control server can see neither bytes nor take a party's place. Each
end also asks its own tailscaled whose an address is (`whois`) before it takes a wire.

Where the system routes to the tailnet, its addresses are listened on and dialled. Where tailscaled lives in
user space, it dials for us, and passes on what comes for the port to 127.0.0.1. The networks `tailscale`
and `headscale` differ in how machines get in and are found, not here.
"""

import asyncio
import socket
from collections.abc import Callable
from dataclasses import replace

from huddle.codec import encode
from huddle.errors import NetworkError
from huddle.links.stream import StreamWire
from huddle.links.wire import Wire
from huddle.networks import sockets
from huddle.networks.base import Accepted, PeerOffer
from huddle.networks.reach.addresses import Endpoint
from huddle.networks.tailscale.api import LocalApi, Node, TailscaleStatus
from huddle.networks.tls.network import TlsNetwork
from huddle.networks.tls.offer import Offer
from huddle.networks.tls.transport import TlsTransport
from huddle.tasks import cancel

_LOOK = 5.0  # seconds between two looks at the paths of open wires
_DIRECT = 2.0  # seconds in which a direct path may still be found before the first wire is dialled
_PORTS = 8  # tries for one port that is free on all addresses

Find = Callable[
    [int, TailscaleStatus], Node
]  # the machine of a party; raises NetworkError where it is not seen


class TailnetWires(TlsNetwork):
    """The wires of one party in one tailnet.

    `find` knows which machine is whose. `listen` comes before the offer, `attach` when there is a
    tailscaled; in between nothing can be dialled.
    """

    def __init__(self, name: str, find: Find) -> None:
        super().__init__()
        self.name = name
        self._find = find
        self._api: LocalApi | None = None
        self._tun = False
        self._nodes: dict[int, Node] = {}
        self._open: dict[StreamWire, int] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._looked: set[int] = set()

    def __repr__(self) -> str:
        return f"<TailnetWires {self.name}, {len(self._open)} wires>"

    def listen(self, status: TailscaleStatus | None = None) -> None:
        """Take a port: on the tailnet's addresses where the system has them, else on loopback."""
        self._tun = status is not None and status.tun
        hosts = status.me.addresses if self._tun and status and status.me else ("127.0.0.1",)
        for attempt in range(1, _PORTS + 1):
            try:
                for host in hosts:
                    self._listening.append(sockets.listening(host, self.port if self._listening else 0))
                return
            except OSError as error:
                self._drop_listening()
                if attempt == _PORTS:
                    raise NetworkError(
                        f"This machine can't listen on {', '.join(hosts)}.",
                        hint="A firewall or sandbox here forbids it, or tailscaled has just gone.",
                    ) from error

    def attach(self, api: LocalApi) -> None:
        """Dial and look through this tailscaled from now on."""
        self._api = api

    def tls_offer(self) -> bytes:
        """The certificate and the port, as the network tls would offer them."""
        return encode(Offer(self._own.der, (Endpoint(self.name, self.port),)))

    def port_of(self, pid: int) -> int:
        """The port at which that party is reached in the tailnet: a peer's once begun, else this party's."""
        return self._peers[pid].endpoints[0].port if pid in self._peers else self.port

    def begin(self, peers: tuple[PeerOffer, ...], accepted: Accepted) -> None:
        """As of `TlsNetwork`, with offers made by `tls_offer`."""
        super().begin(peers, accepted)
        self._spawn(self._watch())

    async def dial(self, pid: int, run: int) -> Wire:
        """One attempt at each of the machine's addresses; raises NetworkError."""
        peer, api = self._peers.get(pid), self._api
        if peer is None or api is None or self._closed:
            raise NetworkError(f"party {pid} takes no wires of the network {self.name} now")
        node = self._find(pid, await api.status())
        port = peer.endpoints[0].port
        order = [Endpoint(host, port) for host in node.addresses]
        if not order:
            raise NetworkError(f"{peer.name}'s machine has no address in the tailnet.")
        self._check(peer.name, node, await api.whois(order[0].host))
        await self._settle(pid, api, order[0].host)
        self._nodes[pid] = (await api.status()).peers.get(node.key, node)
        wire = await self._reach_first(
            pid,
            run,
            order,
            lambda tried: NetworkError(
                f"{peer.name}'s machine {node.name} cannot be reached in the tailnet: {tried}",
                hint="The tailnet's access rules must let the two reach each other on any TCP port.",
            ),
        )
        self._open[wire] = pid
        return wire

    async def close(self) -> None:
        """Take everything down; the tailscaled is its owner's affair."""
        await cancel(*self._tasks)
        await super().close()

    # --- what the network tls leaves open

    async def _reach(self, family: socket.AddressFamily, address: tuple[str, int]) -> socket.socket:
        if self._tun or self._api is None:
            return await super()._reach(family, address)
        return await self._api.dial(*address)

    def _path(self, pid: int, transport: TlsTransport) -> tuple[str, str]:
        node = self._nodes.get(pid)
        return (node.path, _hint(node)) if node else ("through the tailnet", "")

    def _arrived(self, pid: int, run: int, wire: StreamWire, transport: TlsTransport) -> None:
        self._spawn(self._admit(pid, run, wire, transport))

    async def _admit(self, pid: int, run: int, wire: StreamWire, transport: TlsTransport) -> None:
        """Hand a peer's wire over if it comes from the peer's machine."""
        host, port = transport.peername[:2]
        where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        try:
            if self._api is None:
                raise NetworkError("there is no tailscaled any more")
            status = await self._api.status()
            node = self._find(pid, status)
            self._check(self._peers[pid].name, node, await self._api.whois(where))
        except NetworkError:
            # Who has the certificate but another machine is turned away like any stranger.
            wire.abort()
            return
        self._nodes[pid] = node
        wire.inform(replace(wire.info, path=node.path, hint=_hint(node)))
        self._open[wire] = pid
        super()._arrived(pid, run, wire, transport)

    # --- whose, and how

    @staticmethod
    def _check(name: str, promised: Node, found: Node | None) -> None:
        if found is None or found.key != promised.key:
            other = f"{found.name}, {found.login}" if found else "nobody of this tailnet"
            raise NetworkError(
                f"The address of {name}'s machine is another's: {other}.",
                hint="Ask whoever runs the control server of this tailnet.",
            )

    async def _settle(self, pid: int, api: LocalApi, host: str) -> None:
        """Give both machines a moment to find a direct path, once; by DERP it works as well."""
        if pid in self._looked:
            return
        self._looked.add(pid)
        try:
            async with asyncio.timeout(_DIRECT):
                while not await api.ping(host, _DIRECT):  # noqa: ASYNC110 - nobody tells when
                    await asyncio.sleep(0.1)
        except (TimeoutError, NetworkError):
            return

    async def _watch(self) -> None:
        """Keep the paths of open wires true."""
        while True:
            await asyncio.sleep(_LOOK)
            for wire in [wire for wire in self._open if wire.over]:
                del self._open[wire]
            if self._api is None or not self._open:
                continue
            try:
                status = await self._api.status()
            except NetworkError:
                continue
            for wire, pid in self._open.items():
                node = status.peers.get(self._nodes[pid].key)
                if node is not None:
                    self._nodes[pid] = node
                    wire.inform(replace(wire.info, path=node.path))

    def _spawn(self, work: "asyncio._CoroutineLike[None]") -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _hint(node: Node) -> str:
    who = node.login or node.display
    return f"its tailnet says {who}, machine {node.name}" if who else f"machine {node.name}"
