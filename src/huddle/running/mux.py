"""The lane: the one socket between a supervisor and its runner, with the streams of all peers on it.

    runner --lane--> MuxChannel --forward--> link      and back: link_frames --> MuxChannel --> lane

All that a runner writes to its peers in one tick arrives in one read; what a peer sent leaves at once, in one
write. PEER says whose the frames are that follow. A stream has one window, between the two programs
(huddle/links/frames.py), so nothing is held here: what comes is passed on at once, and so are the ACKs of
the two. Neither a slow peer nor a program that does not want one peer's messages yet holds up another.

A runner runs a stranger's code: anything but whole frames within the window ends the run.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, cast

from huddle.links import frames
from huddle.links.frames import ACK, LANE, PEER, WINDOW, FrameError, control, lane_frame, scan
from huddle.running.channel import END, OpenLink, RunChannel

if TYPE_CHECKING:
    from huddle.running.run import Run

Forward = Callable[[bytes, frames.Scanned], None]

_HEADER, _MARK = frames.HEADER.size, frames.NUMBER.size
_SLACK = 2 << 20  # what one peer may be over its window, and what a single read brings


class MuxChannel(RunChannel):
    """One peer's channel, over the lane that it shares with the others."""

    def __init__(self, run: "Run", pid: int, lane: "RunnerMux", open_link: OpenLink) -> None:
        super().__init__(run, pid)
        self.mark = control(PEER, pid)
        self._lane = lane
        self._taken = 0  # of what was received, by the runner's word
        self.link = open_link(self)
        self.forward: Forward = self.link.forward  # what the program writes

    # --- from the runner

    def take_end(self, data: bytes, scanned: frames.Scanned) -> None:
        """The last frames of the program."""
        self.forward(data, scanned)
        self._shut()

    def take_ack(self, total: int) -> None:
        """The program has so many bytes; raises FrameError where that can't be."""
        if not self._taken <= total <= self._received:
            raise FrameError(f"{total} bytes taken of {self._received}, {self._taken} before")
        self._taken = total
        if self._to_runner and not self.peer_ended:
            self.link.delivered(total)

    def drain(self, well: bool = True) -> None:
        """The runner is gone: END, and nothing is wanted any more."""
        self._to_runner = False
        self.link.delivered(self._received)
        self.finish()

    def _shut(self) -> None:
        super()._shut()
        self.forward = _forget

    # --- to the runner

    def link_frames(self, data: frames.Slice) -> None:
        """Whole stream frames from the peer."""
        self._received += len(data)
        # Few frames end like an END; only then is it worth a look.
        if data[-_HEADER:] == END or not self._to_runner:
            self._last_frames(data)
        else:
            self._lane.send(self, data)

    def _last_frames(self, data: frames.Slice) -> None:
        """The stream may end here, or its runner is gone: no window has to wait for a program any more."""
        if not self.peer_ended and frames.scan(data)[3]:
            self._end_there()
        if self._to_runner:
            self._lane.send(self, data)
        if self.peer_ended or not self._to_runner:
            self.link.delivered(self._received)

    def link_taken(self, total: int) -> None:
        """So many bytes of what the program wrote are with the peer's program."""
        self._lane.send(self, control(ACK, total))


def _forget(data: bytes, scanned: frames.Scanned) -> None:
    """Nobody wants it."""


def _drop(data: Iterable[frames.Slice]) -> None:
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
        self._writing: MuxChannel | None = None
        self._put: Callable[[Iterable[frames.Slice]], None] = _drop

    def open(self, run: "Run", openers: Mapping[int, OpenLink]) -> Mapping[int, RunChannel]:
        """The channels of a run, each with its link."""
        self._run = run
        if self._transport:
            self._transport.set_write_buffer_limits(high=(WINDOW + _SLACK) * (len(openers) + 1))
        for pid, open_link in openers.items():
            channel = self._channels[pid] = MuxChannel(run, pid, self, open_link)
            self._marks[channel.mark] = channel
        return self._channels

    def send(self, channel: MuxChannel, data: frames.Slice) -> None:
        """Write frames of this peer, in one call: uvloop's transports write at once, and each write wakes."""
        if self._writing is channel:
            self._put((data,))
        else:
            self._writing = channel
            self._put((channel.mark, data))

    def close(self) -> None:
        """Drop the socket, and what was to go out on it."""
        if self._transport:
            self._transport.abort()
            self._transport = None
            self._put = _drop

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
        self._put = self._transport.writelines

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
                    (channel.take_end if scanned[3] else channel.forward)(data[start:at], scanned)
                elif frame := lane_frame(data, at):
                    kind, number, end = frame
                    if kind == ACK:
                        channel.take_ack(number)
                        at = end
                    elif number not in self._channels:
                        raise FrameError(f"there is no peer {number}")
                else:
                    break
        except (FrameError, BufferError):
            self._fail("sent something other than frames over its runner's socket")
        self._reading = channel
        self._part = data[at:]

    def pause_writing(self) -> None:
        """More waits for the runner than windows hold: it claims to have taken what it never read."""
        self._fail("claims to have taken what it never read")

    def connection_lost(self, exc: Exception | None) -> None:
        """The runner has closed its end, or this end was closed."""
        self._transport = None
        self._put = _drop
        self.closed.set()
        for channel in self._channels.values():
            channel.drain()
