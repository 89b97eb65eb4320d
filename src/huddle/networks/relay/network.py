"""The relay network: wires through the rendezvous's WebSocket, where nothing else gets through.

Both parties dial a channel whose name only the two know, HKDF of the pair's secret and the run; the
party with the lower pid stands on side `a`. The rendezvous tells both when they are paired, and passes
on bytes from then on. It sees sizes and times: a relayed wire has no keys of its own (`sealed` is
False), so the record layer must carry the link.

`Wire.send` does not wait, and what the socket can't take yet is kept here: the link's window bounds it.
Reading never waits for writing. A message's boundaries mean nothing; the wire is a byte stream.
"""

import asyncio
from dataclasses import dataclass
from typing import Annotated

from huddle.codec import DecodeError, Limit, decode, encode
from huddle.errors import NetworkError
from huddle.links.buffered_wire import BufferedWire
from huddle.links.wire import Wire, WireInfo
from huddle.networks import pairing
from huddle.networks.base import Accepted, PeerOffer
from huddle.rendezvous.client import dialing
from huddle.rendezvous.messages import MAX_RELAYED
from huddle.tasks import joined

_LABEL = b"huddle/1 relay channel"
_CONNECT = 10.0  # seconds for TCP, TLS and WebSocket over the slowest path
_MEET = 20.0  # seconds for the peer to come: less than a grace of 30 s, so that there is a second try
_PING = 20.0
# The rendezvous reads nothing from us, not even a pong, while our peer stalls it; see its `stall`.
_PONG = 40.0


@dataclass(frozen=True, slots=True)
class RelayOffer:
    """What a party says of the relay: the rendezvous that it uses."""

    url: Annotated[str, Limit(1024)]


class RelayNetwork:
    """The network `relay`, through the rendezvous at `url`."""

    name = "relay"

    def __init__(self, url: str) -> None:
        self.url = url
        self._host = dialing.host_of(url)
        self._peers: dict[int, PeerOffer] = {}
        self._wires: set[RelayWire] = set()
        self._closed = False

    def __repr__(self) -> str:
        return f"<RelayNetwork {self._host}, {len(self._wires)} wires>"

    async def open(self) -> None:
        """Nothing to get ready: the rendezvous was reached before, or there is no session."""

    def offer(self) -> bytes:
        """The URL of the rendezvous."""
        return encode(RelayOffer(self.url))

    def begin(self, peers: tuple[PeerOffer, ...], accepted: Accepted) -> None:
        """Take the peers' offers. Nothing is ever accepted: on a relay both sides dial."""
        self._peers = {peer.pid: peer for peer in peers}

    async def dial(self, pid: int, run: int) -> Wire:
        """One attempt to meet that peer in the channel of that run; waits for it for 20 s."""
        peer = self._peers.get(pid)
        if peer is None:
            raise NetworkError(f"Party {pid} offers no relay.", hint="Choose --network auto at all parties.")
        self._check(peer)
        wire = await self._reach(pairing.channel(self.url, peer, _LABEL + run.to_bytes(4, "big")))
        try:
            async with asyncio.timeout(_MEET):
                await joined(wire.paired)
        except TimeoutError:
            wire.abort()
            raise NetworkError(
                f"{peer.name} did not come to the relay at {self._host} within {_MEET:.0f} s.",
                hint="Are they still there, at the same rendezvous?",
            ) from None
        except BaseException:
            wire.abort()
            raise
        if self._closed:
            wire.abort()
            raise NetworkError("The relay was closed.")
        return wire

    async def close(self) -> None:
        """Drop the wires that are still open."""
        self._closed = True
        for wire in list(self._wires):
            wire.abort()

    async def _reach(self, url: str) -> "RelayWire":
        try:
            wire = await dialing.pipe(url, RelayWire, within=_CONNECT, ping=_PING, pong=_PONG)
        except dialing.LOST as error:
            raise NetworkError(
                f"The relay at {self._host} can't be reached: {dialing.reason_of(error)}.",
                hint="Is the rendezvous still running?",
            ) from error
        wire.join(self._host, self._wires)
        return wire

    def _check(self, peer: PeerOffer) -> None:
        try:
            decode(RelayOffer, peer.offer)
        except DecodeError as error:
            raise NetworkError(
                f"What {peer.name} offers for the relay can't be read: {error}.",
                hint="Let all parties use the same version of Huddle.",
            ) from error


class RelayWire(BufferedWire):
    """One side of a relay channel, from the moment its WebSocket is made."""

    LIMIT = 1_048_576

    def __init__(self, pipe: dialing.Pipe) -> None:
        super().__init__(WireInfo("relay", "relayed", b"", b"", sealed=False))
        self.paired: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.paired.add_done_callback(_retrieved)
        self._pipe = pipe
        self.script = pipe.script
        self._wires: set[RelayWire] = set()

    def join(self, host: str, wires: "set[RelayWire]") -> None:
        """Become a wire of a network, which keeps account of those that are open."""
        self.inform(WireInfo("relay", f"relayed by {host}", b"", b"", sealed=False))
        if self._lost is None:
            self._wires = wires
            wires.add(self)

    def send(self, data: bytes) -> None:
        """Send, in messages that the relay takes; does nothing on a lost wire."""
        if not self._over and self._pipe.is_open:
            self._pipe.send_parts(data, MAX_RELAYED)

    def close(self) -> None:
        """Send what is left, then close."""
        if not self._over and self._pipe.is_open:
            self._pipe.finish()
        self._shut()

    def abort(self) -> None:
        """Drop the wire at once."""
        self._shut()
        self._pipe.abort()

    def arrived(self, data: bytes) -> None:
        """The relay sent these bytes: first whether the peer is there, then the peer's."""
        if self.paired.done():
            super().arrived(data)
        else:
            self._answered(data)

    def lost(self, reason: str) -> None:
        """The WebSocket is gone."""
        self._wires.discard(self)
        if not self.paired.done():
            self.paired.set_exception(
                NetworkError(f"The relay ended the connection: {reason}.", hint="It is tried again.")
            )
        super().lost(reason)

    def _pause(self, paused: bool) -> None:
        self._pipe.pause(paused)

    def _answered(self, answer: bytes) -> None:
        try:
            pairing.check(answer)
        except NetworkError as error:
            self.paired.set_exception(error)
            self.abort()
        else:
            self.paired.set_result(None)


def _retrieved(future: asyncio.Future[None]) -> None:
    # A dial that was cancelled no longer asks for it, and asyncio would complain.
    if not future.cancelled():
        future.exception()
