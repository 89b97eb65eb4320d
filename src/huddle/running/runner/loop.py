"""MPyC's connections to its peers, over the streams that the supervisor gave.

`PeerConnections` holds one `PeerChannel` per peer, over a stream of frames in both directions
(huddle/links/frames.py).
Every event loop of the program hands out a `PeerTransport` over the channel where MPyC connects to
`p2.huddle`, or serves at this party's own port (running/runner/equip.py). MPyC opens its connections anew in
every `mpc.start()`, so a channel carries connections one after another, each ended by one EOF frame from
*either* side:

    this side closes    EOF goes out, what still comes in before the peer's EOF is dropped
    the peer closes     its EOF comes in, connection_lost(None), an EOF goes out in answer

What a peer sends for a connection that is not yet open here is kept until it is. END says that the
peer's program is over; that ends nothing here. Whether this program can go on without it is for
running/runner/standstill.py and the supervisors to find out: `counts` is what they compare. One that can't
is told so by `hang_up`, as a closed TCP connection would tell it, and then ended by a `ProgramAborted`.

How the frames come and go is the business of the *carrier* (running/runner/mux.py), which has

    stream(channel)     a stream for the channel of a peer: write(data) sends DATA, say(kind) EOF or END,
                        taken(size) says that the program has more of what came earlier; `unsent` bytes wait;
                        `written` and `came` are the bytes of frames that the program's side wrote and read
    move(old, loop)     work by this loop from now on
    flush()             send what can be sent without waiting
    finish(limit)       send everything, without a loop, until this time

and calls `receive`, `receive_eof` and `receive_end` of the channels. The depth of a write is one more than
`PeerConnections.depth`, the largest depth received from any peer.

This file must not import huddle: a runner loads it by its path, in any interpreter from Python 3.10 on.
It knows nothing of processes, files or MPyC's messages, but for the two bytes of a client's pid.
"""

import asyncio
import sys
import time
from collections import deque
from typing import Any

PORT = 11365  # of party 0, as in MPyC; any number would do, no such port is opened
LAST_WORDS = 1.0  # seconds that a program which failed waits until what it wrote has left
DEEPEST = 0xFFFFFFFE  # so that a lying peer does not keep this side from writing the next depth


class ProgramAborted(SystemExit):
    """Ends the program from within its event loop. `peer` is the pid of the party whose doing it is."""

    def __init__(self, reason: str, peer: "int | None" = None) -> None:
        super().__init__(76)  # EX_PROTOCOL of sysexits.h
        self.reason = reason
        self.peer = peer


def host(pid: int) -> str:
    """The host name by which MPyC knows a party."""
    return f"p{pid}.huddle"


def _drop(data: Any) -> None:
    """The connection is closed."""


class PeerTransport(asyncio.Transport):
    """One connection of MPyC to one peer."""

    def __init__(self, channel: "PeerChannel", protocol: asyncio.Protocol) -> None:
        super().__init__(extra={"peername": (host(channel.pid), PORT + channel.pid)})
        self.channel = channel
        self.protocol = protocol
        self.closing = False
        if channel.session.steady:
            self.write = channel.stream.write  # type: ignore[method-assign]
        # A client's first two bytes are its pid: claimed to MPyC, known to us.
        self.claim: bytes | None = b"" if channel.pid < channel.session.pid else None

    def write(self, data: Any) -> None:
        """Send at once: nobody tells when this loop stops. Elsewhere the stream's own `write` stands here."""
        self.channel.stream.write(data)
        self.channel.session.flush()

    def writelines(self, list_of_data: Any) -> None:
        self.write(b"".join(list_of_data))

    def can_write_eof(self) -> bool:
        return False

    def close(self) -> None:
        if not self.closing:
            self.closing = True
            self.write = _drop  # type: ignore[method-assign]
            self.channel.close()
            self.channel.session.loop.call_soon(self.protocol.connection_lost, None)

    abort = close

    def is_closing(self) -> bool:
        return self.closing

    def is_reading(self) -> bool:
        return not self.closing and not self.channel.paused

    def pause_reading(self) -> None:
        self.channel.pause(True)

    def resume_reading(self) -> None:
        self.channel.pause(False)

    def get_write_buffer_size(self) -> int:
        unsent: int = self.channel.stream.unsent
        return unsent

    def get_write_buffer_limits(self) -> "tuple[int, int]":
        return 0, self.channel.session.max_queue

    def set_write_buffer_limits(self, high: "int | None" = None, low: "int | None" = None) -> None:
        """Nothing: `--max-queue` is the limit, and MPyC does not stop writing when told to."""

    def set_protocol(self, protocol: Any) -> None:
        self.protocol = protocol

    def get_protocol(self) -> Any:
        return self.protocol

    def received(self, data: bytes) -> None:
        if self.claim is not None:
            self.claim += data
            if len(self.claim) < 2:
                return
            data, self.claim = self.claim, None
            pid = int.from_bytes(data[:2], "little")
            if pid != self.channel.pid:
                session = self.channel.session
                session.end(
                    ProgramAborted(f"{self.channel.name} claimed to be party {pid}", self.channel.pid)
                )
                self.closing = True
        if not self.closing:
            self.protocol.data_received(data)


class PeerChannel:
    """One peer: which connection the frames belong to that come and go."""

    def __init__(self, session: "PeerConnections", pid: int, name: str, carrier: Any) -> None:
        self.session = session
        self.pid = pid
        self.name = name
        self.transport: PeerTransport | None = None
        self.paused = False
        self.ended = False  # the peer's program is over
        self.opened = 0  # connections of this side so far
        self.finished = 0  # connections that the peer has ended
        self._early: deque[bytes | None] = deque()  # not wanted yet; None is the end of a connection
        self.stream = carrier.stream(self)

    def open(self, protocol: asyncio.Protocol) -> PeerTransport:
        """Open the next connection, and deliver what has come for it already."""
        if self.transport:
            self.transport.close()
        self.transport = transport = PeerTransport(self, protocol)
        self.opened += 1
        protocol.connection_made(transport)
        self._deliver_early()
        return transport

    def close(self) -> None:
        """End the present connection."""
        self.transport = None
        self.stream.say(self.session.frames.EOF)
        self.pause(False)

    def pause(self, paused: bool) -> None:
        """Stop or go on delivering; MPyC never does."""
        self.paused = paused
        self._deliver_early()

    def awaited(self) -> bool:
        """Whether the program waits for something of this peer, as far as MPyC's protocol shows it."""
        buffers = getattr(self.transport and self.transport.protocol, "buffers", None) or {}
        return any(isinstance(one, asyncio.Future) and not one.done() for one in list(buffers.values()))

    def waiting(self) -> "list[bytes | None]":
        """What has come for connections that are not open yet; None is the end of one."""
        return list(self._early)

    def keep(self, early: "deque[bytes | None]") -> None:
        """This has come for connections to come."""
        self._early = early

    def hang_up(self) -> None:
        """Where the peer's program is over, end the connection that it left open, as TCP does at once."""
        if self.ended and self.transport and self.finished == self.opened - 1 and not self._early:
            self.finished += 1
            self._peer_closed(self.transport)

    # --- from the carrier

    def receive(self, data: bytes) -> bool:
        """The peer wrote this; whether the program has it now, or it is nobody's."""
        if self._early or self.paused or self.finished >= self.opened:
            self._early.append(data)
            return False
        transport = self.transport
        if transport and self.finished == self.opened - 1:
            self.session.activity += 1
            if transport.claim is None and not transport.closing:
                transport.protocol.data_received(data)
            else:
                transport.received(data)
        return True

    def receive_eof(self) -> None:
        """The peer's connection is over."""
        if self._early or self.paused or self.finished >= self.opened:
            self._early.append(None)
            return
        self.finished += 1
        if self.transport and self.finished == self.opened:
            self._peer_closed(self.transport)

    def receive_end(self) -> None:
        """The peer's program is over."""
        self.ended = True

    def _deliver_early(self) -> None:
        early, self._early = self._early, deque()
        while early and not self.paused and self.finished < self.opened:
            data = early.popleft()
            if data is None:
                self.receive_eof()
            elif self.receive(data):
                self.stream.taken(len(data))
        self._early = early + self._early

    def leave(self) -> None:
        """The program is over: say END, and want nothing more."""
        self.transport = None
        self.paused = False
        self.opened = sys.maxsize
        self._deliver_early()
        self.stream.say(self.session.frames.END)

    def _peer_closed(self, transport: PeerTransport) -> None:
        transport.protocol.eof_received()
        transport.close()


class PeerConnections:
    """The channels to all peers, and what they have in common."""

    def __init__(self, frames: Any, pid: int, max_queue: int = 0) -> None:
        self.frames = frames
        self.pid = pid
        self.max_queue = max_queue
        self.depth = 0  # the largest received
        self.activity = 0
        self.channels: dict[int, PeerChannel] = {}
        self.carrier: Any = None
        self.verdict: ProgramAborted | None = None
        self.loop: Any = None  # the one that connected last
        self.steady = True  # it tells when it stops: see equip.py

    def attach(self, names: "dict[int, str]", carrier: Any) -> None:
        """These are the peers, and what carries the frames."""
        self.carrier = carrier
        self.channels = {pid: PeerChannel(self, pid, name, carrier) for pid, name in names.items()}

    def use(self, loop: Any) -> None:
        """Read and write by this loop from now on."""
        if loop is not self.loop:
            old, self.loop = self.loop, loop
            self.steady = getattr(type(loop).run_forever, "tells_huddle", False)
            self.carrier.move(old, loop)

    def connected(self) -> bool:
        """Whether any connection is open."""
        return any(channel.transport for channel in self.channels.values())

    def connect(self, loop: Any, pid: int, factory: Any) -> "tuple[PeerTransport, Any]":
        """A connection to a peer with a higher pid."""
        self.use(loop)
        protocol = factory()
        return self.channels[pid].open(protocol), protocol

    def serve(self, loop: Any, factory: Any) -> None:
        """Connections from all peers with a lower pid."""
        self.use(loop)
        for pid in range(self.pid):
            self.channels[pid].open(factory())

    def end(self, verdict: ProgramAborted) -> None:
        """End the program, now and whenever it enters its loop again."""
        if self.verdict is None:
            self.verdict = verdict
            self.loop.set_exception_handler(lambda *_: None)  # what is left undone is no news
            self.loop.call_soon(self.judge)

    def judge(self) -> None:
        """Raise the verdict; from a callback, since a task or a protocol would keep it to itself."""
        if self.verdict is not None:
            raise self.verdict

    def counts(self) -> "tuple[tuple[int, int, int, bool, bool], ...]":
        """Of each peer: pid, bytes of frames written and read, whether its program is over, and awaited.

        Any thread may ask.
        """
        return tuple(
            (channel.pid, channel.stream.written, channel.stream.came, channel.ended, channel.awaited())
            for channel in self.channels.values()
        )

    def hang_up(self) -> bool:
        """Tell the program which of its peers are gone; whether there was anything to tell."""
        left = [channel for channel in self.channels.values() if channel.ended and channel.transport]
        for channel in left:
            channel.hang_up()
        return bool(left)

    def flush(self) -> None:
        """Send what a loop that has just stopped has left, as far as it goes without waiting."""
        self.carrier.flush()

    def deepen(self, depth: int) -> None:
        """A peer's message of this depth has come, the largest so far."""
        self.depth = min(depth, DEEPEST)

    def slow(self, channel: PeerChannel) -> None:
        """More waits for this peer: end the program if it is more than may wait."""
        unsent = channel.stream.unsent
        if self.max_queue and unsent > self.max_queue:
            self.end(
                ProgramAborted(
                    f"{channel.name} is slow: {unsent} bytes for it wait here, more than {self.max_queue}",
                    channel.pid,
                )
            )

    def finish(self, well: bool) -> None:
        """Send END to all and wait until everything has left; needs no loop.

        A program that failed does not wait long for a peer that is slow, nor for one that has ended it.
        """
        self.max_queue = 0
        for channel in self.channels.values():
            channel.leave()
        self.carrier.finish(None if well else time.monotonic() + LAST_WORDS)
