"""The network `tls`: TCP with mutual TLS 1.3 straight to the peer.

Each party makes a certificate for the session and listens on one port. The sealed offer carries the
certificate and the addresses to try; what is seen on a wire must be that peer's certificate, byte for
byte. Either side may dial, so one reachable port of the two is enough. A stranger who finds the port
learns only that somebody listens: nothing is answered or logged but TLS's own alert.

It does not retry, choose among networks or prove more than the certificate; `huddle.links` does.
"""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial

from huddle.codec import encode
from huddle.errors import NetworkError, PeerError
from huddle.links.stream import StreamWire
from huddle.links.wire import Wire, WireInfo
from huddle.networks import sockets
from huddle.networks.base import Accepted, PeerOffer
from huddle.networks.open_wires import OpenWires
from huddle.networks.reach import addresses
from huddle.networks.reach import port_mapping as mapping
from huddle.networks.reach.addresses import MAX_ENDPOINTS, Endpoint
from huddle.networks.tls.certificates import (
    client_context,
    fingerprint,
    make_certificate,
    server_context,
)
from huddle.networks.tls.offer import Offer, TlsPeer, parse_offer
from huddle.networks.tls.race import AttemptFailed, first
from huddle.networks.tls.transport import PREAMBLE_SIZE, TlsTransport
from huddle.networks.tls.turns import Turns
from huddle.tasks import cancel

# One address's time for connecting, TLS and names: a lost SYN or two (1 s, 3 s) must not decide.
ATTEMPT_SECONDS = 8.0

# An inbound connection's time until its preamble is there.
INBOUND_SECONDS = 10.0

# Inbound connections without a preamble. An honest peer is done within some round trips, so in a flood
# of strangers the oldest one makes room; 128 leaves 20 parties with several attempts each in peace.
MAX_HALF_OPEN = 128

# When the network closes, the time that closed wires have to hand over their last bytes.
FAREWELL_SECONDS = 1.0


class TlsNetwork:
    """One party's part in the network; see `huddle.networks.base.Network`.

    `port` 0 takes a free one. `via` restricts listening and dialling to an interface or an address.
    `advertise` are further addresses (`HOST`, `HOST:PORT`) that peers are told first, as for a router
    that forwards a port. `loopback` offers loopback addresses too, for parties on one machine. `map_port`
    asks the router for a port that leads here, and gives it back at the end; `notice` is told how that went.
    """

    name = "tls"

    def __init__(
        self,
        *,
        port: int = 0,
        via: str | None = None,
        advertise: Sequence[str] = (),
        loopback: bool = False,
        map_port: bool = False,
        notice: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._notice = notice
        self._map_port = map_port
        self._mapped: mapping.Mapping | None = None
        self._holding: asyncio.Task[None] | None = None
        self._port = port
        self._via = via
        self._advertise = [addresses.parse_advertised(text) for text in advertise]
        self._loopback = loopback
        self._own = make_certificate(datetime.now(UTC))
        self._local_key = fingerprint(self._own.der)
        self._local: list[addresses.LocalAddress] = []
        self._sources: dict[socket.AddressFamily, str] = {}
        self._listening: list[socket.socket] = []
        self._servers: list[asyncio.Server] = []
        self._serving: asyncio.Task[None] | None = None
        self._peers: dict[int, TlsPeer] = {}
        self._pids: dict[bytes, int] = {}
        self._turns = Turns()
        self._dialling: ssl.SSLContext | None = None
        self._dialled: ssl.SSLContext | None = None
        self._accepted: Accepted | None = None
        self._transports = OpenWires[TlsTransport](TlsTransport.is_closing, TlsTransport.abort)
        self._half_open: dict[TlsTransport, asyncio.TimerHandle] = {}
        self._half_open_pids: dict[TlsTransport, int] = {}
        self._closed = False

    @property
    def port(self) -> int:
        """The port on which this party listens, once open."""
        port: int = self._listening[0].getsockname()[1]
        return port

    async def open(self) -> None:
        """Bind the listening sockets.

        Raises LocalError for a `via` that is not of this machine, NetworkError where nothing can listen.
        """
        chosen = addresses.via(self._via) if self._via else None
        self._local = chosen or addresses.local_addresses()
        self._listen(chosen)
        if self._map_port:
            await self._map()

    def _listen(self, chosen: list[addresses.LocalAddress] | None) -> None:
        try:
            if chosen is None:
                self._listening = sockets.listening_pair(self._port)
                return
            for local in chosen:
                family = socket.AF_INET if local.ip.version == 4 else socket.AF_INET6
                self._sources.setdefault(family, str(local.ip))
                self._listening.append(
                    sockets.listening(str(local.ip), self.port if self._listening else self._port)
                )
        except OSError as exc:
            self._drop_listening()
            where = f"port {self._port}" if self._port else "any port"
            raise NetworkError(
                f"this machine cannot listen on {where}: {_reason(exc)}",
                hint="Choose another port, or leave the port open to choice."
                if self._port
                else "A firewall or sandbox here forbids it; the network relay needs no listening.",
            ) from exc

    def offer(self) -> bytes:
        """The sealed offer: certificate and addresses, those that the person named first."""
        told = [Endpoint(host, port or self.port) for host, port in self._advertise]
        if self._mapped is not None:
            told.append(Endpoint(self._mapped.host, self._mapped.port))
        families = {sock.family for sock in self._listening}
        for host in addresses.offerable(self._local, loopback=self._loopback):
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            if family in families:
                told.append(Endpoint(host, self.port))
        return encode(Offer(self._own.der, tuple(dict.fromkeys(told))[:MAX_ENDPOINTS]))

    def begin(self, peers: tuple[PeerOffer, ...], accepted: Accepted) -> None:
        """Take the peers' offers and accept wires from now on; raises PeerError for an offer that is none."""
        for peer in peers:
            offer = parse_offer(peer)
            key = fingerprint(offer.certificate)
            if key in self._pids or key == self._local_key:
                raise PeerError(
                    f"{peer.name} offers a certificate that is another party's",
                    peer=peer.name,
                    hint="Start a new session without them.",
                )
            self._pids[key] = peer.pid
            self._peers[peer.pid] = TlsPeer(peer.name, offer.certificate, offer.endpoints)
            self._turns.begin(peer.pid, lower=not peer.lower)
        anchors = [peer.certificate for peer in self._peers.values()]
        self._dialling = client_context(self._own, anchors)
        self._dialled = server_context(self._own, anchors)
        self._accepted = accepted
        self._serving = asyncio.get_running_loop().create_task(self._serve())

    async def dial(self, pid: int, run: int) -> Wire:
        """Try all of the peer's addresses, the nearest first, and take the first that is really the peer.

        Raises NetworkError, which lists each address tried and how it failed.
        """
        peer = self._peers.get(pid)
        if peer is None or self._closed:
            raise NetworkError(f"party {pid} takes no wires of the network tls now")
        await self._turns.mine(pid, run)
        hosts = [endpoint.host for endpoint in peer.endpoints]
        order = [peer.endpoints[index] for index in addresses.dialling_order(hosts, self._local)]
        if not order:
            raise NetworkError(
                f"{peer.name} offers no address",
                hint="They can reach you instead, or both of you use the network relay.",
            )
        return await self._reach_first(
            pid,
            run,
            order,
            lambda tried: NetworkError(
                f"{peer.name} cannot be reached: {tried}",
                hint="One of the two needs a port that the other can reach; the network relay works without.",
            ),
        )

    async def close(self) -> None:
        """Stop listening and drop all wires; what closed wires have still to send gets a moment."""
        self._closed = True
        await cancel(self._serving, self._holding)
        for server in self._servers:
            server.close()
        self._drop_listening()
        await self._transports.end(FAREWELL_SECONDS)
        await asyncio.sleep(0)  # the loop closes sockets in its next turn

    async def _map(self) -> None:
        """Ask the router for a port; it is no fault of anybody's where it gives none."""
        try:
            self._mapped = await mapping.map_port(self.port, [local.ip for local in self._local])
        except mapping.NoMapping as exc:
            self._notice(f"The router gives no port: {exc}.")
            return
        self._holding = asyncio.get_running_loop().create_task(mapping.hold(self._mapped))
        self._notice(f"The router leads {self._mapped} to this machine until the session ends.")

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        for sock in self._listening:
            self._servers.append(await loop.create_server(self._inbound, sock=sock))

    def _inbound(self) -> TlsTransport:
        """A stranger has connected, or a peer: the transport that finds out."""
        assert self._dialled is not None
        return TlsTransport(
            self._dialled,
            dialled=False,
            begun=self._came,
            secured=self._known,
            introduced=self._introduced,
            ended=self._ended,
        )

    def _came(self, transport: TlsTransport) -> None:
        if self._closed:
            transport.abort()
            return
        if len(self._half_open) >= MAX_HALF_OPEN:
            oldest = next(iter(self._half_open))
            self._half_open.pop(oldest).cancel()
            oldest.abort()
        self._transports.add(transport)
        loop = asyncio.get_running_loop()
        self._half_open[transport] = loop.call_later(INBOUND_SECONDS, transport.abort)

    def _known(self, transport: TlsTransport, certificate: bytes) -> None:
        pid = self._pids.get(fingerprint(certificate))
        if pid is None:
            transport.abort()
        else:
            self._half_open_pids[transport] = pid

    def _introduced(self, transport: TlsTransport, preamble: bytes) -> None:
        self._half_open.pop(transport).cancel()
        pid = self._half_open_pids.pop(transport)
        self._turns.reached_by(pid)
        self._arrived(pid, int.from_bytes(preamble, "big"), self._wire(pid, transport), transport)

    def _arrived(self, pid: int, run: int, wire: StreamWire, transport: TlsTransport) -> None:
        """A peer's wire is there. A network on top of another one may have more to ask."""
        assert self._accepted is not None
        self._accepted(pid, run, wire)

    def _wire(self, pid: int, transport: TlsTransport) -> StreamWire:
        peer_key = fingerprint(self._peers[pid].certificate)
        path, hint = self._path(pid, transport)
        wire = StreamWire(WireInfo(self.name, path, self._local_key, peer_key, True, hint=hint))
        transport.attach(wire)
        return wire

    def _path(self, pid: int, transport: TlsTransport) -> tuple[str, str]:
        """How a wire goes, and what else is said of its other end; see `WireInfo`."""
        host, port = transport.peername[:2]
        return f"direct, {host} port {port}", ""

    def _ended(self, transport: TlsTransport, reason: str) -> None:
        self._transports.discard(transport)
        self._half_open_pids.pop(transport, None)
        timer = self._half_open.pop(transport, None)
        if timer is not None:
            timer.cancel()

    async def _reach_first(
        self, pid: int, run: int, order: list[Endpoint], unreachable: Callable[[str], NetworkError]
    ) -> StreamWire:
        """The first wire that is secured; raises `unreachable` of what was tried and how it failed."""
        failures: dict[Endpoint, str] = {}
        wire = await first(order, partial(self._attempt, pid), failures)
        if wire is None:
            raise unreachable("; ".join(f"{endpoint}: {failures[endpoint]}" for endpoint in order))
        wire.send(run.to_bytes(PREAMBLE_SIZE, "big"))
        return wire

    async def _attempt(self, pid: int, endpoint: Endpoint) -> StreamWire:
        try:
            async with asyncio.timeout(ATTEMPT_SECONDS):
                failure = AttemptFailed("the name has no address")
                for family, address in await self._resolve(endpoint):
                    try:
                        return await self._connect(pid, family, address)
                    except AttemptFailed as exc:
                        failure = exc
                raise failure
        except TimeoutError:
            raise AttemptFailed("timed out") from None

    async def _resolve(self, endpoint: Endpoint) -> list[tuple[socket.AddressFamily, tuple[str, int]]]:
        """The addresses of an endpoint, of the families from which this party may dial."""
        try:
            found = [str(ipaddress.ip_address(endpoint.host))]
        except ValueError:
            loop = asyncio.get_running_loop()
            try:
                infos = await loop.getaddrinfo(endpoint.host, None, type=socket.SOCK_STREAM)
            except OSError as exc:
                raise AttemptFailed(f"the name is not known ({_reason(exc)})") from exc
            found = [str(info[4][0]) for info in infos if addresses.is_host(str(info[4][0]))]
        pairs = [
            (socket.AF_INET6 if ":" in host else socket.AF_INET, (host, endpoint.port)) for host in found
        ]
        if self._via:
            pairs = [pair for pair in pairs if pair[0] in self._sources]
            if not pairs:
                raise AttemptFailed(f"{self._via} has no address of that kind to dial from")
        return pairs

    async def _connect(self, pid: int, family: socket.AddressFamily, address: tuple[str, int]) -> StreamWire:
        assert self._dialling is not None
        loop = asyncio.get_running_loop()
        secured: asyncio.Future[StreamWire] = loop.create_future()
        transport = TlsTransport(
            self._dialling,
            dialled=True,
            begun=self._transports.add,
            secured=partial(self._seen, pid, secured),
            ended=partial(self._unsecured, secured),
        )
        try:
            sock = await self._reach(family, address)
            try:
                if sock.family == socket.AF_UNIX:
                    await loop.create_unix_connection(lambda: transport, sock=sock)
                else:
                    await loop.create_connection(lambda: transport, sock=sock)
            except BaseException:
                # The loop closes the socket, but uvloop does not say so to a protocol that it had begun.
                self._ended(transport, "given up")
                raise
            return await secured
        except BaseException as exc:
            secured.cancel()
            transport.abort()
            if isinstance(exc, OSError):
                raise AttemptFailed(_reason(exc)) from exc
            raise

    async def _reach(self, family: socket.AddressFamily, address: tuple[str, int]) -> socket.socket:
        """A connected socket; raises OSError. Cancelled, it leaves nothing."""
        sock = sockets.dialling(family, self._sources.get(family))
        try:
            await asyncio.get_running_loop().sock_connect(sock, address)
        except BaseException:
            sock.close()
            raise
        return sock

    def _seen(
        self, pid: int, secured: asyncio.Future[StreamWire], transport: TlsTransport, certificate: bytes
    ) -> None:
        """Any certificate of the roster passes TLS; only that peer's own will do."""
        right = certificate == self._peers[pid].certificate
        if right and not secured.done():
            secured.set_result(self._wire(pid, transport))
            return
        if not secured.done():
            other = self._pids.get(fingerprint(certificate))
            name = "a stranger" if other is None else self._peers[other].name
            secured.set_exception(AttemptFailed(f"{name} answers there"))
        transport.abort()

    def _unsecured(self, secured: asyncio.Future[StreamWire], transport: TlsTransport, reason: str) -> None:
        self._ended(transport, reason)
        if not secured.done():
            secured.set_exception(AttemptFailed(reason))

    def _drop_listening(self) -> None:
        for sock in self._listening:
            sock.close()
        self._listening = []


def _reason(exc: OSError) -> str:
    if isinstance(exc, ConnectionRefusedError):
        return "refused"
    return (exc.strerror or str(exc) or type(exc).__name__).lower()
