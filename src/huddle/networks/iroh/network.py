"""The network `iroh`: QUIC, dialled by key.

Each party makes an endpoint for the session, with a fresh Ed25519 key that is its id and with which it
shows itself in TLS 1.3. The sealed offer carries the id and the addresses to try. What is seen on a wire
must be that very key, and the link proof binds both. Relays and discovery are off unless the person
named them; without them both need an address that one of the two reaches by UDP.

    offer = key (32) | relay | addresses     (`Offer`, as `huddle.codec` writes it)
    wire  = run U32 ‖ the link's bytes       (on the connection's first stream, both ways)

A connection for each wire, so that giving one up is giving up all of it. It does not retry, choose among
networks or prove more than the keys; `huddle.links` does.
"""

import asyncio
import re
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated

from huddle.codec import DecodeError, Fixed, Limit, decode, encode
from huddle.errors import NetworkError, PeerError
from huddle.links.wire import Wire
from huddle.networks.base import Accepted, PeerOffer
from huddle.networks.iroh import library as iroh_library
from huddle.networks.iroh.library import KEY, Incoming, IrohEndpoint, Reach
from huddle.networks.iroh.wire import IrohWire
from huddle.networks.open_wires import OpenWires
from huddle.networks.reach import addresses
from huddle.networks.reach import stun_probe as punch
from huddle.networks.reach.addresses import MAX_ENDPOINTS, Endpoint
from huddle.tasks import cancel

MAX_URL = 253

DIAL_SECONDS = 10.0  # for one attempt: a lost packet or two must not decide
INBOUND_SECONDS = 10.0  # for a stranger to show a key, a stream and a run
MAX_HALF_OPEN = 64  # of those at a time
HOME_SECONDS = 5.0  # for a relay that the person named to answer
STUN_SECONDS = 1.0  # for the rendezvous to name its STUN server, and for that to answer
FAREWELL_SECONDS = 1.0  # that closed wires have to hand over their last bytes when the network closes
_RUN = 4
_URL = re.compile(r"https?://[A-Za-z0-9.:\[\]_-]{1,200}/?")


@dataclass(frozen=True, slots=True)
class Offer:
    """What a peer must know: this party's key, the relay that it is at (or ""), and its UDP addresses."""

    key: Annotated[bytes, Fixed(KEY)]
    relay: Annotated[str, Limit(MAX_URL)]
    addresses: Annotated[tuple[Endpoint, ...], Limit(MAX_ENDPOINTS)]


@dataclass(frozen=True, slots=True)
class _IrohPeer:
    name: str
    offer: Offer


class IrohNetwork:
    """One party's part in the network; see `huddle.networks.base.Network`.

    `via` restricts it to an interface or an address, `loopback` offers loopback addresses too, `reach`
    names relay and discovery. Where the STUN server of the rendezvous at `url` sees the endpoint's port from
    outside, peers are told: two who dial each other at once get through most home routers.
    """

    name = "iroh"

    def __init__(
        self,
        *,
        via: str | None = None,
        loopback: bool = False,
        reach: Reach | None = None,
        url: str | None = None,
    ) -> None:
        self._url = url
        self._outer: tuple[str, int] | None = None
        self._via = via
        self._loopback = loopback
        self._reach = reach or Reach()
        self._local: list[addresses.LocalAddress] = []
        self._endpoint: IrohEndpoint | None = None
        self._peers: dict[int, _IrohPeer] = {}
        self._pids: dict[bytes, int] = {}
        self._accepted: Accepted | None = None
        self._serving: asyncio.Task[None] | None = None
        self._taking: set[asyncio.Task[None]] = set()
        self._wires = OpenWires[IrohWire](lambda wire: wire.over, IrohWire.abort)

    def __repr__(self) -> str:
        return f"<IrohNetwork {len(self._peers)} peers, {len(self._wires)} wires>"

    async def open(self) -> None:
        """Make the endpoint; raises NetworkError where there is no library or it may not listen."""
        iroh_library.check()
        chosen = addresses.via(self._via) if self._via else None
        self._local = chosen or addresses.local_addresses()
        hosts = [str(local.ip) for local in chosen or ()]
        try:
            self._endpoint = await IrohEndpoint.open(hosts, self._reach, await self._port(hosts))
        except NetworkError as error:
            raise NetworkError(
                f"iroh cannot listen here: {error.message}.",
                hint="A firewall or sandbox here forbids it; the network relay needs no listening.",
            ) from error
        if self._reach.relay:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._endpoint.online(), HOME_SECONDS)

    def offer(self) -> bytes:
        """The sealed offer."""
        assert self._endpoint is not None
        told = [Endpoint(*self._outer)] if self._outer else []
        for host in addresses.offerable(self._local, loopback=self._loopback):
            port = self._endpoint.ports.get(6 if ":" in host else 4)
            if port is not None:
                told.append(Endpoint(host, port))
        home = self._endpoint.home()[:MAX_URL]
        return encode(Offer(self._endpoint.id, home, tuple(told[:MAX_ENDPOINTS])))

    def begin(self, peers: tuple[PeerOffer, ...], accepted: Accepted) -> None:
        """Take the peers' offers and accept wires from now on; raises PeerError for an offer that is none."""
        assert self._endpoint is not None
        for peer in peers:
            offer = _parse(peer)
            if offer.key in self._pids or offer.key == self._endpoint.id:
                raise PeerError(
                    f"{peer.name} offers an iroh key that is another party's",
                    peer=peer.name,
                    hint="Start a new session without them.",
                )
            self._pids[offer.key] = peer.pid
            self._peers[peer.pid] = _IrohPeer(peer.name, offer)
        self._accepted = accepted
        self._serving = asyncio.get_running_loop().create_task(self._serve(self._endpoint))

    async def dial(self, pid: int, run: int) -> Wire:
        """One attempt at a connection to the peer's key, by all its addresses at once.

        Raises NetworkError, which lists what was tried.
        """
        peer = self._peers.get(pid)
        if peer is None or self._endpoint is None:
            raise NetworkError(
                f"Party {pid} has no iroh.",
                hint="Choose --network auto at all parties, or let them install it.",
            )
        told = peer.offer
        # A relay that nobody here chose would see when this party comes, and from where.
        relay = told.relay if self._reach.relay else ""
        order = addresses.dialling_order([address.host for address in told.addresses], self._local)
        where = [told.addresses[index] for index in order]
        if not (where or relay or self._reach.discovery):
            raise NetworkError(f"{peer.name} offers no address.", hint="The network relay needs none.")
        try:
            async with asyncio.timeout(DIAL_SECONDS):
                stream = await self._endpoint.dial(told.key, relay, [(a.host, a.port) for a in where])
                try:
                    await stream.write(run.to_bytes(_RUN, "big"))
                except BaseException:
                    stream.close()
                    raise
        except (TimeoutError, NetworkError) as error:
            why = error.message if isinstance(error, NetworkError) else f"no answer in {DIAL_SECONDS:g} s"
            tried = ", ".join([*map(str, where), *([f"the relay {relay}"] if relay else [])])
            raise NetworkError(
                f"{peer.name} can't be reached by iroh: {why}. Tried {tried or 'its id'}.",
                hint="Without an iroh relay (--iroh-relay) it needs an address that UDP gets through to.",
            ) from error
        return self._wire(stream)

    async def close(self) -> None:
        """Stop listening and drop all wires; what closed wires have still to send gets a moment."""
        if self._endpoint is None:
            return
        await cancel(*self._taking, self._serving)
        # A task that was cancelled keeps the frames in which it stood, and they the endpoint and its sockets.
        self._serving = None
        await self._wires.end(FAREWELL_SECONDS)
        await self._endpoint.close()
        self._endpoint = None

    # --- inside

    async def _port(self, hosts: list[str]) -> int:
        """The IPv4 port for the endpoint, after STUN has seen it; 0 for any."""
        host = next((host for host in hosts if ":" not in host), "" if hosts else "0.0.0.0")  # noqa: S104
        if not self._url or not host:
            return 0
        try:
            port, self._outer = await punch.outer(self._url, host, within=STUN_SECONDS)
        except OSError:
            return 0
        return port

    async def _serve(self, endpoint: IrohEndpoint) -> None:
        while (incoming := await endpoint.incoming()) is not None:
            if len(self._taking) >= MAX_HALF_OPEN:
                with suppress(NetworkError):
                    await incoming.refuse()
                continue
            task = asyncio.get_running_loop().create_task(self._take(incoming))
            self._taking.add(task)
            task.add_done_callback(self._taking.discard)

    async def _take(self, incoming: Incoming) -> None:
        """Somebody dials: a peer, or a stranger, who is never answered more than TLS does."""
        with suppress(TimeoutError, NetworkError):
            async with asyncio.timeout(INBOUND_SECONDS):
                stream = await incoming.accept(self._pids)
                try:
                    run = int.from_bytes(await stream.read_exactly(_RUN), "big")
                except BaseException:
                    stream.close()
                    raise
            assert self._accepted is not None
            self._accepted(self._pids[stream.peer], run, self._wire(stream))

    def _wire(self, stream: iroh_library.IrohStream) -> IrohWire:
        assert self._endpoint is not None
        wire = IrohWire(stream, self._endpoint.id, self._wires.discard)
        self._wires.add(wire)
        return wire


def _parse(peer: PeerOffer) -> Offer:
    try:
        offer = decode(Offer, peer.offer)
        # Names are left to networks that look them up; a peer must not make this machine send to groups.
        if not all(addresses.is_ip(address.host) and address.port for address in offer.addresses):
            raise DecodeError("an address that is none")
        if offer.relay and not _URL.fullmatch(offer.relay):
            raise DecodeError("a relay that is none")
    except DecodeError as exc:
        raise peer.refused("the network iroh", exc) from exc
    return offer
