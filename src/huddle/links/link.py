"""One link's end at work: between the local program's receiver and whatever wire the seeker finds.

Bytes of the program leave on the wire in the same call, joined with whatever the link has to say;
bytes of the wire reach the receiver in the same call, as the slice that came. A link without a wire
seeks one by itself, for as long as it is open; how long that may last is the business of its user.
It does not know what the frames mean.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace

from huddle.errors import HuddleError, PeerError
from huddle.identity.crypto import Crypto
from huddle.links.connector import Connector, DialTarget
from huddle.links.frames import Scanned, Slice
from huddle.links.proof import Proven, RecordKeys
from huddle.links.protocol import NEVER, SILENCE, Happened, LinkProtocol
from huddle.links.receiver import EarlyReceiver, LinkReceiver, LinkStats
from huddle.links.record_layer import RecordWire
from huddle.links.wire import Wire, WireInfo

FLAPPING = 1.0  # a wire lost sooner is replaced after a pause, so that two ends never spin


class Link:
    """One link's end, made by `LinkManager.open`; `pid` and `run` say which.

    `known` gives the network on which another link to the peer is, or "": it is dialled first, and the
    only one to which this link moves by itself. A link without it finds out what works.
    """

    def __init__(
        self,
        peer: DialTarget,
        run: int,
        receiver: LinkReceiver,
        crypto: Crypto,
        clock: Callable[[], float],
        forget: Callable[["Link"], None],
        known: Callable[[], str] | None = None,
    ) -> None:
        self.pid = peer.pid
        self.run = run
        self._peer = peer
        self._receiver = receiver
        self._crypto = crypto
        self._clock = clock
        self._forget = forget
        self._known = known
        self._loop = asyncio.get_running_loop()
        self._link = LinkProtocol(peer.name)
        self._seeker: Connector | None = None
        self._wire: _Attached | None = None
        self._online = False
        self._closing = False
        self._ended = asyncio.Event()
        self._since = 0.0  # when the present wire was attached
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = NEVER
        self._improving: asyncio.TimerHandle | None = None
        self._patience = 0.0  # before the next attempt at a better network
        self._left: dict[Wire, asyncio.TimerHandle] = {}  # wires that were left for a better one

    def __repr__(self) -> str:
        wire = self._wire.wire if self._wire else None
        return f"<Link {self._peer.name} run {self.run} {self._link!r} on {wire!r}>"

    # --- for the user of the link

    @property
    def writable(self) -> bool:
        """False while the window is full: stop reading the program."""
        return self._link.writable

    @property
    def online(self) -> bool:
        """Whether there is a wire on which both ends have resumed."""
        return self._online

    @property
    def reason(self) -> str:
        """Why the last attempt at a wire failed; empty where none did."""
        return self._seeker.reason if self._seeker else ""

    @property
    def stats(self) -> LinkStats:
        """The counters now."""
        link = self._link
        info = self._wire.wire.info if self._wire else None
        return LinkStats(
            bytes_sent=link.sent,
            bytes_received=link.received,
            messages_sent=link.messages_sent,
            messages_received=link.messages_received,
            rounds=link.rounds,
            rtt=link.rtt,
            last_rtt=link.last_rtt,
            reconnects=max(link.attached - 1, 0),
            network=info.network if info else "",
            path=info.path if info else "",
            queued=link.queued,
        )

    def write(self, frames: bytes | memoryview) -> None:
        """Take stream frames of the local program, in pieces cut anywhere; never waits.

        Raises FrameError where they are no stream frames or follow an END, and BufferError where a
        full window (not `writable`) gets over a megabyte more.
        """
        self._link.write(frames)
        self._flush()

    def forward(self, frames: bytes, scanned: Scanned) -> None:
        """As `write`, of whole frames of which `frames.scan` has said this."""
        link = self._link
        link.forward(frames, scanned)
        outgoing = link.outgoing
        if outgoing:
            if len(outgoing) == 1 and self._wire is not None:
                self._wire.wire.send(outgoing.pop())
            else:
                self._flush()

    def delivered(self, total: int) -> None:
        """So many stream bytes, headers included, are with the program, or will never be wanted."""
        if self._closing:
            return
        link = self._link
        link.delivered(total, self._clock())
        if link.outgoing:
            self._flush()
        if link.due < self._timer_at:
            self._arm()

    async def close(self, limit: float = 5.0) -> None:
        """Send what is left and BYE, and wait at most `limit` seconds until the peer has all of it.

        What arrives from now on is dropped, and the receiver is told nothing any more.
        """
        if not self._closing:
            self._closing = True
            self._link.finish()
            self._swallow()
            self._flush()
        if self._link.sent or self._link.attached:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ended.wait(), limit)
        self.abort()

    def abort(self) -> None:
        """Drop the link and its wire at once, whatever is left; the peer is told nothing."""
        self._closing = True
        if self._ended.is_set():
            return
        self._ended.set()
        self._detach()
        for wire in list(self._left):
            self._dismiss(wire)
        self._link.abandon()
        if self._seeker:
            self._seeker.stop()
        self._forget(self)

    # --- for the keeper

    def begin(self, seeker: Connector, delay: float = 0.0) -> None:
        """Start to seek wires, by dialling after `delay`."""
        self._seeker = seeker
        self._patience = seeker.timing.improve
        seeker.seek(delay, first=self._known() if self._known else "")

    def accepted(self, wire: Wire) -> None:
        """The peer dialled; where this end starts the proof and has a young wire, it waits a moment.

        Both ends dial at the same time; the one that is proven first makes the peer drop its own dial,
        which may be this wire. If it is still there after that moment, the peer has lost the other one.
        """
        assert self._seeker
        delay = 0.0
        if self._wire and self._seeker.initiator:
            delay = max(0.0, self._since + self._seeker.timing.settle - self._clock())
        self._seeker.offer(wire, delay)

    def found(self, wire: Wire, proven: Proven) -> None:
        """Here is a proven wire: leave the old one, if there still is one, and resume."""
        info = wire.info
        assert self._seeker
        old = self._wire.wire if self._wire else None
        # The other end must not take the end of the old wire for a loss before it knows of this one.
        self._detach(leave=old is not None and info.network in self._seeker.better(old.info))
        rest = proven.rest
        if not (info.sealed and info.local_key and info.peer_key):
            wire, rest = self._sealed(wire, proven.keys, rest), b""
        attached = self._wire = _Attached(self, wire)
        self._since = self._clock()
        self._link.attach(self._since)
        self._flush()
        if rest:
            attached.wire_data(rest)
        if self._wire is attached:
            wire.start(attached)
        self._arm()
        self._improve_later()

    def hand_over(self, receiver: LinkReceiver) -> None:
        """The user of a link that was opened early is there, and hears of it in the loop's next turn."""
        self._loop.call_soon(self._hand_over, receiver, self._closing)

    def improve(self) -> None:
        """Dial once by each network that would be better; called when one may have begun to work."""
        if self._wire is None or self._seeker is None or self._ended.is_set():
            return
        better = self._seeker.better(self._wire.wire.info)
        if self._known:
            better = tuple(name for name in better if name == self._known())
        if better:
            self._seeker.improve(better)

    # --- inside

    def _sealed(self, wire: Wire, keys: RecordKeys, rest: bytes) -> Wire:
        """The record layer over a wire that has no encryption of its own, or none bound to the offers."""
        return RecordWire(wire, keys, self._crypto, rest)

    def _hand_over(self, receiver: LinkReceiver, over: bool) -> None:
        early, self._receiver = self._receiver, receiver
        if self._wire is not None:
            self._wire._receiver = receiver
        # It may have ended by itself before; but whoever has closed it since wants to hear nothing.
        if self._closing is over and isinstance(early, EarlyReceiver):
            early.tell(receiver)

    def _improve_later(self) -> None:
        """Try for a better network after a while, as long as there is one."""
        if self._improving is not None:
            self._improving.cancel()
            self._improving = None
        if self._seeker and self._wire and self._seeker.better(self._wire.wire.info):
            self._improving = self._loop.call_later(self._patience, self._improve_now)

    def _improve_now(self) -> None:
        self._improving = None
        assert self._seeker
        # Both ends do this at the same times, since by some networks both have to come.
        self._patience = min(2 * self._patience, self._seeker.timing.improve_most)
        self.improve()
        self._improve_later()

    def _dismiss(self, wire: Wire) -> None:
        self._left.pop(wire).cancel()
        wire.abort()

    def _tried(self, info: WireInfo) -> tuple[tuple[str, str], ...]:
        """What became of the networks that would have been better than that of this wire."""
        assert self._seeker
        better = self._seeker.better(info)
        known = {name for name, _ in self._peer.without}
        tried = self._seeker.tried.items()
        return tuple((name, why) for name, why in tried if name in better or name in known)

    def _flush(self) -> None:
        if self._wire is not None:
            data = self._link.output()
            if data:
                self._wire.wire.send(data)

    def _data(self, slices: Sequence[Slice]) -> None:
        """The link has taken what the present wire brought: these frames, and perhaps news."""
        link = self._link
        if link.outgoing:
            self._flush()
        over = bool(link.events) and self._happened()
        for frames in slices:
            if not self._closing:
                self._receiver.link_frames(frames)
        if self._closing:
            self._swallow()
        if over:
            self._over()
        if link.due < self._timer_at:
            self._arm()

    def _happened(self) -> bool:
        """Pass on the link's events but OVER, which comes last; whether that was among them."""
        events, self._link.events = self._link.events, []
        for event in events:
            if event is Happened.ONLINE:
                self._online = True
                if not self._closing and self._wire and self._seeker:
                    info = self._wire.wire.info
                    self._receiver.link_restored(replace(info, rtt=self._seeker.rtt, tried=self._tried(info)))
            elif event is Happened.TAKEN and not self._closing:
                self._receiver.link_taken(self._link.acked)
            elif event is Happened.SILENT:
                self._lost(f"nothing was heard for {SILENCE:g} s")
        return Happened.OVER in events

    def _lost(self, reason: str) -> None:
        """The present wire is gone."""
        flapping = self._clock() - self._since < FLAPPING
        was_online = self._online
        self._detach()
        if self._ended.is_set() or self._seeker is None:
            return
        first = self._known() if self._known else ""
        self._seeker.seek(self._seeker.timing.backoff if flapping else 0.0, first=first)
        if was_online and not self._closing:
            self._receiver.link_lost(reason)

    def _over(self) -> None:
        """The peer said BYE, and so does this end."""
        if self._ended.is_set():
            return
        self._flush()
        quiet = self._closing or self._link.ended_there
        if self._wire:
            self._wire.wire.close()
            self._wire = None
        self.abort()
        if not quiet:
            name = self._peer.name
            self._receiver.link_failed(
                PeerError(f"{name} has left", peer=name, hint=f"Ask {name} what happened there.")
            )

    def _fail(self, error: HuddleError) -> None:
        quiet = self._closing
        self.abort()
        if not quiet:
            self._receiver.link_failed(error)

    def _swallow(self) -> None:
        """Nobody is there for what arrived; let the peer's window not suffer."""
        self._link.delivered(self._link.received, self._clock())
        self._flush()

    def _detach(self, *, leave: bool = False) -> None:
        if self._improving is not None:
            self._improving.cancel()
            self._improving = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._timer_at = NEVER
        wire, self._wire = self._wire, None
        self._online = False
        if wire is not None and leave and self._seeker is not None:
            left = wire.wire
            self._left[left] = self._loop.call_later(self._seeker.timing.linger, self._dismiss, left)
        elif wire is not None:
            wire.wire.abort()
        self._link.detach()

    def _arm(self) -> None:
        due = self._link.due
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._timer_at = due
        if due < NEVER:
            self._timer = self._loop.call_later(max(0.0, due - self._clock()), self._tick)

    def _tick(self) -> None:
        self._timer = None
        self._timer_at = NEVER
        self._link.handle_timer(self._clock())
        self._flush()
        if self._link.events:
            self._happened()
        if self._link.due < self._timer_at:
            self._arm()


class _Attached:
    """The receiver of one wire, so that nothing of an old one ever reaches the link."""

    __slots__ = ("_end", "_link", "_receiver", "wire")

    def __init__(self, end: Link, wire: Wire) -> None:
        self._end = end
        self._link = end._link
        self._receiver = end._receiver
        self.wire = wire

    def wire_data(self, data: bytes) -> None:
        end, link = self._end, self._link
        if end._wire is not self:
            return
        try:
            slices = link.receive(data, end._clock())
        except PeerError as exc:
            end._fail(exc)
            return
        # Most of what arrives is nothing but frames for the program.
        if link.outgoing or link.events or end._closing or len(slices) != 1:
            end._data(slices)
        else:
            self._receiver.link_frames(slices[0])
            if link.due < end._timer_at:
                end._arm()

    def wire_lost(self, reason: str) -> None:
        if self._end._wire is self:
            self._end._lost(reason)
