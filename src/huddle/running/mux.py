"""The lane: the one socket between a supervisor and its runner, with the streams of all peers on it.

    runner --lane--> LaneChannel --forward--> link      and back: link_frames --> LaneChannel --> lane

All that a runner writes to its peers in one tick arrives in one read, and what several peers sent leaves
in one write. PEER says whose the stream frames are that follow. Either side may be `ROOM_SIZE` bytes of each
stream ahead of what the other has taken, and a write over it; ROOM says how far that is by now. So the lane
is always read, and neither a slow peer nor a program that does not want one peer's messages yet holds
up another. The runner has *taken* what its program has; the supervisor what a link has.

A runner runs a stranger's code: anything but whole frames within the room ends the run.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, cast

from huddle.links import frames
from huddle.links.frames import LANE, PEER, ROOM, ROOM_SIZE, FrameError, control, lane_frame, scan
from huddle.running.channel import END, Channel, OpenLink

if TYPE_CHECKING:
    from huddle.running.run import Run

_HEADER, _MARK = frames.HEADER.size, frames.NUMBER.size
_WRITE = 1 << 18  # what a single read, of a lane or a wire, may bring over the room


class MuxChannel(Channel):
    """One peer's channel, over the lane that it shares with the others."""

    def __init__(self, run: "Run", pid: int, lane: "RunnerMux", open_link: OpenLink) -> None:
        super().__init__(run, pid)
        self.mark = control(PEER, pid)
        self._lane = lane
        self._held: deque[tuple[bytes, frames.Scanned]] = deque()  # for the link, while its window is full
        self._held_size = 0
        self._forwarded = 0  # bytes of the runner's stream
        self._room = ROOM_SIZE
        self._pending: deque[frames.Slice] = deque()  # for the runner, when it has room
        self._sent = 0
        self._limit = ROOM_SIZE
        self._draining = False
        self.link = open_link(self)
        self._writable = self.link.writable

    # --- from the runner

    def take(self, data: bytes, scanned: frames.Scanned) -> None:
        """Whole stream frames of the program; raises FrameError where there was no room for them."""
        if not self._from_runner:
            return
        if not self._writable:
            self._hold(data, scanned)
            return
        self._writable = self.link.forward(data, scanned)
        forwarded = self._forwarded = self._forwarded + len(data)
        if scanned[3]:
            self._shut()
        elif forwarded > self._room - ROOM_SIZE // 2:
            self._room = forwarded + ROOM_SIZE
            self._lane.send(self, control(ROOM, self._room))

    def _hold(self, data: bytes, scanned: frames.Scanned) -> None:
        self._held.append((data, scanned))
        self._held_size += len(data)
        if self._forwarded + self._held_size > self._room + _WRITE:
            raise FrameError("more than there is room for")

    def link_writable(self) -> None:
        """The window has room again."""
        self._writable = True
        held, self._held, self._held_size = self._held, deque(), 0
        for piece in held:
            self.take(*piece)
        if self._draining and not self._held:
            self.finish()

    def drain(self, well: bool = True) -> None:
        """The runner is gone: forward what it left, as the window allows, then END."""
        self._to_runner = False
        self._pending.clear()
        self.link.delivered(self._received)
        self._draining = True
        if not (well and self._held):
            self.finish()

    def _shut(self) -> None:
        super()._shut()
        self._held.clear()

    # --- to the runner

    def link_frames(self, data: frames.Slice) -> None:
        """Whole stream frames from the peer."""
        lane, sent = self._lane, self._sent
        if self._pending or sent >= self._limit or not self._to_runner or data[-_HEADER:] == END:
            super().link_frames(data)
            return
        # The way of almost all frames, in one call instead of three.
        self._received += len(data)
        sent = self._sent = sent + len(data)
        if lane.writing is self:
            lane.put(data)
        else:
            lane.send(self, data)
        self.link.delivered(sent)

    def _bring(self, data: frames.Slice) -> None:
        if self._pending or self._sent >= self._limit:
            self._pending.append(data)
            return
        self._sent += len(data)
        self._lane.send(self, data)
        self.link.delivered(self._sent)

    def grant(self, limit: int) -> None:
        """The runner has room up to this offset; raises FrameError where it can't have."""
        if not self._limit <= limit <= self._sent + ROOM_SIZE:
            raise FrameError(f"room up to {limit}, with {self._sent} sent")
        self._limit = limit
        pending, self._pending = self._pending, deque()
        for data in pending:
            self._bring(data)

    def close(self) -> None:
        """Forget the runner."""
        super().close()
        self._pending.clear()


def _drop(data: frames.Slice) -> None:
    """There is no runner any more."""


class RunnerMux(asyncio.Protocol):
    """The supervisor's end of a lane."""

    def __init__(self) -> None:
        self.closed = asyncio.Event()  # all that the runner wrote was read
        self._run: Run | None = None
        self._channels: dict[int, MuxChannel] = {}
        self._marks: dict[bytes, MuxChannel] = {}  # the channels by their PEER
        self._transport: asyncio.Transport | None = None
        self._part = b""  # the start of a frame of which the runner has not written the rest
        self._reading: MuxChannel | None = None  # whose frames come, and go
        self.writing: MuxChannel | None = None
        self.put: Callable[[frames.Slice], None] = _drop  # as `send`, for the channel that is `writing`

    def open(self, run: "Run", openers: Mapping[int, OpenLink]) -> Mapping[int, Channel]:
        """The channels of a run, each with its link."""
        self._run = run
        if self._transport:
            self._transport.set_write_buffer_limits(high=(ROOM_SIZE + 4 * _WRITE) * (len(openers) + 1))
        for pid, open_link in openers.items():
            channel = self._channels[pid] = MuxChannel(run, pid, self, open_link)
            self._marks[channel.mark] = channel
        return self._channels

    def send(self, channel: MuxChannel, data: frames.Slice) -> None:
        """Write frames of this peer; what is written in one tick leaves at once."""
        if self.writing is not channel:
            self.writing = channel
            self.put(channel.mark)
        self.put(data)

    def close(self) -> None:
        """Drop the socket, and what was to go out on it."""
        if self._transport:
            self._transport.abort()
            self._transport = None
            self.put = _drop

    def _fail(self, why: str) -> None:
        self.close()
        assert self._run
        self._run.fault(f"it {why}")
        for channel in self._channels.values():
            channel.drain(well=False)

    # --- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """There is a lane."""
        self._transport = cast(asyncio.Transport, transport)
        self.put = self._transport.write

    def data_received(self, data: bytes) -> None:
        """The runner wrote."""
        if self._transport is None:
            return
        if self._part:
            data = self._part + data
        at, size, channel, marks = 0, len(data), self._reading, self._marks
        try:
            while size - at >= _HEADER:
                if named := marks.get(data[at : at + _MARK]):
                    channel = named
                    at += _MARK
                if channel is None:
                    raise FrameError("frames of nobody")
                scanned = scan(data, at, LANE)
                if scanned[0] > at:
                    start, at = at, scanned[0]
                    channel.take(data[start:at], scanned)
                elif frame := lane_frame(data, at):
                    kind, number, end = frame
                    if kind == ROOM:
                        channel.grant(number)
                        at = end
                    elif number not in self._channels:
                        raise FrameError(f"there is no peer {number}")
                else:
                    break
        except FrameError:
            self._fail("sent something other than frames over its runner's socket")
        self._reading = channel
        self._part = data[at:]

    def pause_writing(self) -> None:
        """More waits for the runner than it can have room for: it claims to have taken what it never read."""
        self._fail("claims room that it does not have")

    def connection_lost(self, exc: Exception | None) -> None:
        """The runner has closed its end, or this end was closed."""
        self._transport = None
        self.put = _drop
        self.closed.set()
        for channel in self._channels.values():
            channel.drain()
