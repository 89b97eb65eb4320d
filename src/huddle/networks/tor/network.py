"""The network `tor`: each party has an onion service, and peers connect to it through Tor.

It hides where parties are, from each other too: an offer has a key made for this session and no address,
and both ends of a connection go through relays that know only their neighbours. It needs nothing but
outgoing TCP. It is slow: some seconds to the first link, and a round trip goes through six relays.

    offer = the onion service's key (32)            (`TorOffer`, as `huddle.codec` writes it)
    wire  = tag (16) ‖ run U32 ‖ the link's bytes

Only peers may ask for the service: each pair has a client authorization of its own, derived from the secret
of the pair as is the tag, which says who dials; strangers end at it. When both services are published the
two meet at the rendezvous for a moment, since a Tor that asks too early for a service does not ask again for
a quarter of an hour. Tor seals what it carries, but its keys are not seen here, so the record layer carries
the link. The network does not retry or choose among networks; `huddle.links` does.
"""

import asyncio
import os
import socket
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from huddle.codec import DecodeError, Fixed, decode, encode
from huddle.errors import NetworkError, PeerError
from huddle.identity.crypto import Crypto
from huddle.links.stream import StreamWire
from huddle.links.wire import Wire, WireInfo
from huddle.networks import pairing
from huddle.networks.base import Accepted, PeerOffer
from huddle.networks.reach import addresses
from huddle.networks.tor import keys, socks
from huddle.networks.tor.daemon import TorDaemon
from huddle.networks.tor.keys import PairKeys, ServiceKey

DIAL_SECONDS = 28.0  # for one attempt; a link gives it 30
INBOUND_SECONDS = 20.0  # for somebody who has connected to say who they are, through six relays
MAX_HALF_OPEN = 64  # of those at a time
FAREWELL_SECONDS = 1.5  # that Tor has to hand over the last bytes of closed wires when the network closes
_MEET = 20.0  # seconds for the peer to be at the rendezvous, then again
_AGAIN = 1.0  # seconds between two tries
_TAG, _RUN = 16, 4

SLOW = (
    "The network tor hides from the others where you are, and is slow: up to a minute to the first link, and"
    " a tenth of a second or more for each round of a program. The rendezvous still sees your address."
)


@dataclass(frozen=True, slots=True)
class TorOffer:
    """What a peer must know: the public key of this party's onion service."""

    key: Annotated[bytes, Fixed(keys.KEY)]


@dataclass(frozen=True, slots=True)
class _Peer:
    offer: PeerOffer
    key: bytes
    out: PairKeys  # of what this party dials
    into: PairKeys
    there: asyncio.Event = field(default_factory=asyncio.Event)  # its service is known to the network


class TorNetwork:
    """One party's part in the network; see `huddle.networks.base.Network`.

    `url` is the rendezvous, `config` a file with further lines for Tor, `via` an interface or address to
    which Tor is restricted.
    """

    name = "tor"

    def __init__(
        self,
        url: str,
        crypto: Crypto,
        *,
        config: Path | None = None,
        via: str | None = None,
        notice: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._url = url
        self._crypto = crypto
        self._config = config
        self._via = via
        self._notice = notice
        self._key = ServiceKey.of_seed(crypto.random(32))
        self._daemon: TorDaemon | None = None
        self._listening: socket.socket | None = None
        self._peers: dict[int, _Peer] = {}
        self._pids: dict[bytes, int] = {}  # by tag
        self._accepted: Accepted | None = None
        self._failed: NetworkError | None = None
        self._published = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._greeting: set[asyncio.Task[None]] = set()
        self._wires: set[TorWire] = set()
        self._used = float("-inf")  # when the last wire ended

    def __repr__(self) -> str:
        return f"<TorNetwork {len(self._peers)} peers, {len(self._wires)} wires>"

    async def open(self) -> None:
        """Start Tor, which goes into its network while people decide; raises NetworkError."""
        sources = {local.ip.version: str(local.ip) for local in addresses.via(self._via)} if self._via else {}
        self._daemon = await TorDaemon.start(self._config, sources.values())
        self._notice(SLOW)

    def offer(self) -> bytes:
        """The key of this party's service."""
        return encode(TorOffer(self._key.public))

    def begin(self, peers: tuple[PeerOffer, ...], accepted: Accepted) -> None:
        """Take the peers' offers, publish the service for them and accept wires from now on.

        Raises PeerError for an offer that is none.
        """
        assert self._daemon is not None
        for offered in peers:
            known = {self._key.public, *(one.key for one in self._peers.values())}
            self._peers[offered.pid] = one = _parsed(offered, known)
            self._pids[one.into.tag] = offered.pid
        self._accepted = accepted
        self._listening = _listening(self._daemon.service)
        self._start(self._serve(self._listening))
        self._start(self._publish(self._daemon))
        for peer in self._peers.values():
            self._start(self._meet(peer))

    async def dial(self, pid: int, run: int) -> Wire:
        """One attempt at a connection to the peer's onion service; NetworkError says how far it came."""
        peer = self._peers.get(pid)
        if peer is None or self._daemon is None:
            raise NetworkError(
                f"Party {pid} has no tor.",
                hint="Choose --network tor at all parties, and at all others none.",
            )
        name = peer.offer.name
        try:
            async with asyncio.timeout(DIAL_SECONDS):
                await self._ready(peer)
                host = f"{keys.address(peer.key)}.onion"
                sock = await socks.connect(self._daemon.socks, host, self._daemon.port)
                wire = await self._wire(sock)
                wire.send(peer.out.tag + run.to_bytes(_RUN, "big"))
                return wire
        except TimeoutError:
            raise NetworkError(f"{name} is not reached by tor yet: {self._standing(peer)}.") from None
        except NetworkError as error:
            raise NetworkError(f"{name} can't be reached by tor: {error.message.rstrip('.')}.") from error

    async def close(self) -> None:
        """Drop all wires and end Tor, once it has handed over what closed wires sent last."""
        tasks = [*self._tasks, *self._greeting]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._listening is not None:
            self._listening.close()
            self._listening = None
        for wire in [wire for wire in self._wires if not wire.over]:
            wire.abort()
        daemon, self._daemon = self._daemon, None
        if daemon is None:
            return
        now = asyncio.get_running_loop().time()
        try:
            # Tor takes all at once and says nothing of what has arrived.
            await asyncio.sleep((now if self._wires else self._used) + FAREWELL_SECONDS - now)
        finally:
            for wire in list(self._wires):
                wire.abort()
            await daemon.close()

    # --- inside

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _publish(self, daemon: TorDaemon) -> None:
        peers = self._peers.values()
        try:
            await daemon.publish(
                self._key, [peer.into for peer in peers], [(peer.key, peer.out) for peer in peers]
            )
        except NetworkError as error:
            self._failed = error
            for peer in peers:
                peer.there.set()
            return
        self._published.set()

    async def _meet(self, peer: _Peer) -> None:
        """Come to the rendezvous once the own service is published: whom one meets there did so too."""
        await self._published.wait()
        while not peer.there.is_set():
            with suppress(NetworkError):
                async with pairing.paired(self._url, peer.offer, b"huddle/1 tor", within=_MEET):
                    peer.there.set()
                    return
            await asyncio.sleep(_AGAIN)

    async def _ready(self, peer: _Peer) -> None:
        await peer.there.wait()
        if self._failed is not None:
            raise self._failed

    def _standing(self, peer: _Peer) -> str:
        if self._daemon is not None and not self._published.is_set():
            return f"Tor here is at {self._daemon.progress}"
        if not peer.there.is_set():
            return "this party's onion service is published, theirs not yet"
        return f"no answer in {DIAL_SECONDS:g} s"

    async def _serve(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            sock, _ = await loop.sock_accept(listening)
            if len(self._greeting) >= MAX_HALF_OPEN:
                sock.close()
                continue
            task = loop.create_task(self._greet(sock))
            self._greeting.add(task)
            task.add_done_callback(self._greeting.discard)

    async def _greet(self, sock: socket.socket) -> None:
        """Somebody has connected to the service: a peer, whose tag says so, or nobody who is answered."""
        pid = None
        try:
            async with asyncio.timeout(INBOUND_SECONDS):
                greeting = await socks.exactly(sock, _TAG + _RUN)
            pid = self._pids.get(greeting[:_TAG])
        except (TimeoutError, NetworkError, OSError):
            return
        finally:
            if pid is None:
                sock.close()
        if pid is not None and self._accepted is not None:
            self._peers[pid].there.set()
            self._accepted(pid, int.from_bytes(greeting[_TAG:], "big"), await self._wire(sock))

    async def _wire(self, sock: socket.socket) -> "TorWire":
        """A wire on that socket, which is its own from now on."""
        wire = TorWire(self._ended)
        try:
            await asyncio.get_running_loop().create_unix_connection(lambda: wire, sock=sock)
        except BaseException:
            wire.abort()
            sock.close()
            raise
        self._wires.add(wire)
        return wire

    def _ended(self, wire: "TorWire") -> None:
        self._wires.discard(wire)
        self._used = asyncio.get_running_loop().time()


class TorWire(StreamWire):
    """A wire through Tor; `ended` is called once its connection with Tor is gone."""

    def __init__(self, ended: Callable[["TorWire"], None]) -> None:
        super().__init__(WireInfo("tor", "relayed by Tor", b"", b"", sealed=False))
        self._ended = ended

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection with Tor is gone."""
        super().connection_lost(exc)
        self._ended(self)


def _parsed(peer: PeerOffer, known: set[bytes]) -> _Peer:
    try:
        key = decode(TorOffer, peer.offer).key
    except DecodeError as error:
        raise peer.refused("the network tor", error) from error
    if key in known:
        raise PeerError(
            f"{peer.name} offers an onion service that is another party's",
            peer=peer.name,
            hint="Start a new session without them.",
        )
    sides = [PairKeys.derived(peer.secret, side) for side in (b"a", b"b")]
    out, into = sides if peer.lower else reversed(sides)
    return _Peer(peer, key, out, into)


def _listening(path: str) -> socket.socket:
    """Where Tor brings those who connect to the service."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.bind(path)
        os.chmod(path, 0o600)
        sock.listen(MAX_HALF_OPEN)
    except OSError as error:
        sock.close()
        raise NetworkError(f"tor can't listen at {path}: {error.strerror}.") from error
    return sock
