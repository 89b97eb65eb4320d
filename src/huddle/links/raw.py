"""A link to plain MPyC: TCP with nothing of Huddle's in it, towards a run as any other link.

    run  --stream frames-->  RawLink  --MPyC's own bytes-->  TCP        and back

There is no proof, no resumption and nothing that acknowledges: what was sent on a connection that is lost
is lost, and so is the run. Who is at the other end is known by the tunnel that the connection comes
through, and that is for whoever makes the connections to see to. MPyC's connections follow one another as in
a run (see running/runner/loop.py): each is ended by one EOF from either side. The lower pid dials, as in
MPyC.

What comes is cut as it is read, and its depth is one more than the largest that was sent by then: messages
and rounds are approximations here.
"""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, Protocol, cast

from huddle.errors import HuddleError, PeerError
from huddle.links import frames
from huddle.links.receiver import LinkStats
from huddle.links.wire import WireInfo

ROOM = 1 << 20  # bytes that wait for the program here, or for the other end, before somebody has to stop
STEP = 1 << 16  # bytes of the program after which it is told that there is room for more
AFTER = 3.0  # seconds without a further connection until the other end's program counts as over
_DEEPEST = 0xFFFFFFFE

Connect = Callable[["RawConnection"], Coroutine[Any, Any, None]]


class RawReceiver(Protocol):
    """What a run does with a link, as of any other (`huddle.links.receiver.LinkReceiver`)."""

    def link_frames(self, data: bytes) -> None: ...

    def link_taken(self, total: int) -> None: ...

    def link_restored(self, info: WireInfo) -> None: ...

    def link_failed(self, error: HuddleError) -> None: ...


class RawLink:
    """One peer's link in one run.

    `connect` makes a connection, where this side is to: it tries until it can.
    """

    def __init__(self, name: str, receiver: RawReceiver, info: WireInfo, connect: Connect | None) -> None:
        self._name = name
        self._receiver = receiver
        self._info = info
        self._connect = connect
        self._loop = asyncio.get_running_loop()
        self._connection: RawConnection | None = None
        self._next: RawConnection | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._waiting: list[bytes] = []  # for the connection that is being made
        self._waits = 0
        self._opened = 0  # connections that there were, or that are being made
        self._ended_here = 0  # of these, those that the program here has ended,
        self._ended_there = 0  # and those that it was told are over
        self._received = self._delivered = self._sent = self._taken = 0
        self._messages_in = self._messages_out = self._depth = 0
        self._over = False  # the program here is done
        self._told_end = False
        self._shown = False
        self._timer: asyncio.TimerHandle | None = None
        self._empty = asyncio.Event()
        self._empty.set()

    def __repr__(self) -> str:
        return f"<RawLink to {self._name}, {'connected' if self._connection else 'apart'}>"

    # --- for the run

    @property
    def over(self) -> bool:
        """Whether the program here is done."""
        return self._over

    @property
    def writable(self) -> bool:
        """Whether there is room for more."""
        return self._waits < ROOM and (self._connection is None or self._connection.room)

    @property
    def stats(self) -> LinkStats:
        """The counters."""
        network, path = (self._info.network, self._info.path) if self._connection else ("", "")
        return LinkStats(
            bytes_sent=self._sent,
            bytes_received=self._received,
            messages_sent=self._messages_out,
            messages_received=self._messages_in,
            rounds=self._depth,
            rtt=None,
            last_rtt=None,
            reconnects=0,
            network=network,
            path=path,
            queued=self._waits + (self._connection.unsent if self._connection else 0),
        )

    def write(self, data: bytes) -> None:
        """Whole stream frames of the program."""
        self._sent += len(data)
        for kind, depth, payload in frames.frames_in(data)[0]:
            if self._over:
                break
            if kind == frames.DATA:
                self._depth = max(self._depth, depth)
                self._messages_out += 1
                self._out(payload)
            elif kind == frames.EOF:
                self._end_here()
            else:
                self._finish()
                self._tell_end()
        self.room()

    def forward(self, data: bytes, scanned: frames.Scanned) -> None:
        """As `write`."""
        self.write(data)

    def delivered(self, total: int) -> None:
        """The program has so many bytes of frames."""
        self._delivered = total
        if self._connection is not None:
            self._connection.pause(self._received - total > ROOM)

    async def close(self, within: float) -> None:
        """Let go; what was written has so many seconds to leave."""
        self._finish()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._empty.wait(), within)
        if self._connection is not None:
            self._connection.abort()
            self._connection = None

    # --- the connection

    def made(self, connection: "RawConnection") -> None:
        """There is a connection, dialled by either side."""
        if self._over or self._next is not None:
            connection.abort()
            return
        if self._connection is not None:
            # The other end has ended the one before, which is about to be seen here.
            self._next = connection
            connection.pause(True)
            return
        if self._connect is None:
            self._opened += 1
        self._connection, self._connecting = connection, None
        self._empty.clear()
        self._stop_timer()
        waiting, self._waiting, self._waits = self._waiting, [], 0
        for data in waiting:
            connection.send(data)
        self.room()
        connection.pause(self._received - self._delivered > ROOM)
        if not self._shown:
            self._shown = True
            self._receiver.link_restored(self._info)
        if self._ended_here == self._opened:
            self._hang_up()

    def came(self, data: bytes) -> None:
        """The other end wrote this."""
        if self._over:
            return
        self._depth = min(self._depth + 1, _DEEPEST)
        self._messages_in += 1
        self._bring(frames.data_frames(data, self._depth))

    def room(self) -> None:
        """Where there is room for more, what was written counts as taken."""
        if (self._over or self.writable) and self._sent - self._taken >= STEP:
            self._taken = self._sent
            self._receiver.link_taken(self._taken)

    def gone(self, connection: "RawConnection", error: Exception | None) -> None:
        """The connection is over: in order, or because of this."""
        if connection is self._next:
            self._next = None
            return
        if connection is not self._connection:
            self._empty.set()
            return
        self._connection = None
        self._empty.set()
        if self._over:
            return
        if error is not None:
            self._fail(f"the connection to {self._name}'s MPyC was lost: {error}")
            return
        self._follow()

    def _follow(self) -> None:
        """A connection is over: the program is told, and the next one begins, if it is there."""
        self._tell_eof()
        following, self._next = self._next, None
        if following is not None:
            self.made(following)
        else:
            self._timer = self._loop.call_later(AFTER, self._tell_end)

    def _out(self, payload: bytes) -> None:
        if self._connection is not None:
            if self._ended_here < self._opened:
                self._connection.send(payload)
            return
        if self._connect is None or self._opened > self._ended_here:
            # To a connection that is being made; what a server writes to one that is over is nobody's.
            if self._connecting is not None:
                self._hold(payload)
            return
        self._opened += 1
        self._hold(payload)
        self._connecting = self._loop.create_task(self._keep_connecting(self._connect))

    def _hold(self, payload: bytes) -> None:
        self._waiting.append(payload)
        self._waits += len(payload)

    async def _keep_connecting(self, connect: Connect) -> None:
        await connect(RawConnection(self))

    def _end_here(self) -> None:
        """The program has ended its connection, or answers that the other end has."""
        self._ended_here += 1
        if self._ended_there < self._ended_here and self._connection is not None:
            self._hang_up()

    def _hang_up(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
        self._follow()

    def _finish(self) -> None:
        self._over = True
        self._stop_timer()
        if self._connecting is not None:
            self._connecting.cancel()
            self._connecting = None
        if self._next is not None:
            self._next.abort()
        if self._connection is not None:
            self._connection.close()
        else:
            self._empty.set()

    def _tell_eof(self) -> None:
        self._ended_there += 1
        self._bring(frames.control(frames.EOF))

    def _tell_end(self) -> None:
        """Nothing more comes, as far as can be known."""
        apart = self._connection is None and self._connecting is None
        if not self._told_end and (self._over or apart):
            self._told_end = True
            self._bring(frames.control(frames.END))

    def _bring(self, data: bytes) -> None:
        self._received += len(data)
        self._receiver.link_frames(data)
        if self._connection is not None:
            self._connection.pause(self._received - self._delivered > ROOM)

    def _fail(self, why: str) -> None:
        self._finish()
        self._receiver.link_failed(
            PeerError(
                f"{why[0].upper()}{why[1:]}",
                peer=self._name,
                hint=f"A link to plain MPyC can't be resumed: let {self._name} see whether program and "
                "tunnel still run, then start the run again.",
            )
        )

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class RawConnection(asyncio.Protocol):
    """One TCP connection to plain MPyC."""

    def __init__(self, link: RawLink) -> None:
        self.room = True
        self._link = link
        self._transport: asyncio.Transport | None = None
        self._paused = False

    @property
    def unsent(self) -> int:
        """Bytes that wait here to be sent."""
        return self._transport.get_write_buffer_size() if self._transport else 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=ROOM)
        self._link.made(self)

    def data_received(self, data: bytes) -> None:
        self._link.came(data)

    def pause_writing(self) -> None:
        self.room = False

    def resume_writing(self) -> None:
        self.room = True
        self._link.room()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._link.gone(self, exc)

    def send(self, data: bytes) -> None:
        """Send, without waiting."""
        if self._transport is not None:
            self._transport.write(data)

    def pause(self, paused: bool) -> None:
        """Stop reading, or go on."""
        if self._transport is not None and paused is not self._paused and not self._transport.is_closing():
            self._paused = paused
            (self._transport.pause_reading if paused else self._transport.resume_reading)()

    def close(self) -> None:
        """Send what is left, then close."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Drop it."""
        if self._transport is not None:
            self._transport.abort()
