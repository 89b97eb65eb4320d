"""The relay: two sides meet in a channel, and what one sends the other gets, as it came.

A channel has a side `a` and a side `b`. A newcomer on a side replaces whoever stood there, so that a
party whose connection died unnoticed can come back; what was paired with the old one ends too, as its
stream is broken, and dials again. Once both stand there each is told `Paired`.

Each direction holds one message at a time: the next is read when this one has been taken, so a slow
side slows the other and nothing piles up. It must not know what the messages are.
"""

import asyncio
import contextlib
from collections.abc import Callable

from starlette.websockets import WebSocketDisconnect

from huddle.codec import DecodeError
from huddle.rendezvous.limits import ClientRefused, ServerLimits
from huddle.rendezvous.messages import Paired
from huddle.rendezvous.server.guard import ClientConnection, CloseCode
from huddle.rendezvous.server.metrics import Metrics
from huddle.tasks import beside

_OTHER = {"a": "b", "b": "a"}


class _RelaySide:
    """One party in a channel; `over` becomes the code and reason with which it is closed."""

    def __init__(self, visit: ClientConnection, now: float) -> None:
        self.visit = visit
        self.peer: _RelaySide | None = None
        self.active = now
        self.over: asyncio.Future[tuple[int, str]] = asyncio.get_running_loop().create_future()

    def end(self, code: int, reason: str) -> None:
        if not self.over.done():
            self.over.set_result((code, reason))


class Relay:
    """All channels of one rendezvous."""

    def __init__(self, limits: ServerLimits, clock: Callable[[], float], metrics: Metrics) -> None:
        self._limits = limits
        self._clock = clock
        self._metrics = metrics
        self._channels: dict[bytes, dict[str, _RelaySide]] = {}

    async def serve(self, visit: ClientConnection, channel: bytes, side: str) -> None:
        """Serve one party of a channel until either of the two is gone."""
        limits = self._limits
        if not visit.address.fits("channels", limits.channels_per_address):
            raise ClientRefused(
                "channels-per-address",
                f"Your address is in {limits.channels_per_address} relay channels, the most it may be in.",
                "End sessions that are over, or use a rendezvous of your own: huddle serve.",
                5,
            )
        sides = self._channels.setdefault(channel, {})
        mine = _RelaySide(visit, self._clock())
        if old := sides.get(side):
            old.end(CloseCode.REPLACED, "the same party connected again")
            self._part(old, "the other side connected again")
        sides[side] = mine
        visit.address.add("channels", 1)
        self._metrics.channels.set(len(self._channels))
        try:
            other = sides.get(_OTHER[side])
            if other and not other.over.done():
                mine.peer, other.peer = other, mine
                mine.active = other.active = self._clock()
                # The one that waited may be dead: it must not keep this one from its answer.
                await asyncio.gather(self._tell(mine), self._tell(other))
            await self._run(mine)
        finally:
            visit.address.add("channels", -1)
            self._part(mine, "the other side left")
            if sides.get(side) is mine:
                del sides[side]
            if not sides and self._channels.get(channel) is sides:
                del self._channels[channel]
            self._metrics.channels.set(len(self._channels))

    def sweep(self) -> None:
        """End what waits or is silent for too long."""
        now = self._clock()
        for sides in self._channels.values():
            for side in sides.values():
                silent = now - side.active
                if side.peer is None and silent > self._limits.relay_wait:
                    side.end(CloseCode.IDLE, "the other side did not come")
                elif side.peer and min(silent, now - side.peer.active) > self._limits.relay_idle:
                    side.end(CloseCode.IDLE, "nothing was sent for too long")

    async def _run(self, mine: _RelaySide) -> None:
        async with beside(self._pump(mine)) as pumping:
            await asyncio.wait((pumping, mine.over), return_when=asyncio.FIRST_COMPLETED)
            if pumping.done():
                pumping.result()
        if mine.over.done():
            await mine.visit.close(*mine.over.result())

    async def _pump(self, mine: _RelaySide) -> None:
        visit, metrics = mine.visit, self._metrics
        while (data := await visit.receive_raw(self._limits.relayed_message)) is not None:
            if mine.peer is None:
                raise DecodeError("a message before the relay had paired this channel")
            mine.active = self._clock()
            await visit.pace(len(data))
            try:
                await mine.peer.visit.send_raw(data)
            except (WebSocketDisconnect, RuntimeError, OSError):
                mine.end(CloseCode.PEER_LEFT, "the other side left")
                return
            metrics.relayed.inc()
            metrics.relayed_bytes.inc(len(data))

    async def _tell(self, side: _RelaySide) -> None:
        with contextlib.suppress(WebSocketDisconnect, RuntimeError, OSError):
            await side.visit.send(Paired())

    def _part(self, side: _RelaySide, reason: str) -> None:
        if side.peer:
            side.peer.end(CloseCode.PEER_LEFT, reason)
