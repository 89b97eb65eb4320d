"""The event loop of a runner: MPyC's connections to its peers, over the sockets that the supervisor gave.

`Session` holds one `Channel` per peer: a socket that carries stream frames in both directions (see
huddle/links/frames.py). `loop_class` makes an event loop whose `create_connection` to `p2.huddle` and
whose `create_server` at this party's own port hand out a `PeerTransport` over the channel; every other
host and port is left to the base class. MPyC opens its connections anew in every `mpc.start()`, so a channel
carries connections one after another, each ended by one EOF frame from *either* side:

    this side closes    EOF goes out, what still comes in before the peer's EOF is dropped
    the peer closes     its EOF comes in, connection_lost(None), an EOF goes out in answer

What a peer sends for a connection that is not yet open here is kept until it is. END says that the
peer's program is over. A program that could only wait for it for ever is ended by a `Verdict`.

All writes of one tick of the loop leave in one send. The depth of a write is one more than the largest
depth received from any peer.

This file must not import huddle: a runner loads it by its path, in any interpreter from Python 3.10 on.
It knows nothing of processes, files or MPyC's messages, but for the two bytes of a client's pid.
"""

import asyncio
import selectors
import socket
import time
from collections import deque
from typing import Any

PORT = 11365  # of party 0, as in MPyC; any number would do, no such port is opened
PATIENCE = 1.0  # seconds without any traffic for a program whose peer is gone: what it needs may all be there
EARLY = 1 << 20  # bytes kept for a connection that is not open yet; then the peer's window fills up
READ = 1 << 18
DEEPEST = 0xFFFFFFFE  # so that a lying peer does not keep this side from writing the next depth


class Verdict(SystemExit):
    """Ends the program from within its event loop. `peer` is the pid of the party whose doing it is."""

    def __init__(self, reason: str, peer: "int | None" = None) -> None:
        super().__init__(76)  # EX_PROTOCOL of sysexits.h
        self.reason = reason
        self.peer = peer


def host(pid: int) -> str:
    """The host name by which MPyC knows a party."""
    return f"p{pid}.huddle"


class PeerTransport(asyncio.Transport):
    """One connection of MPyC to one peer."""

    def __init__(self, channel: "Channel", protocol: asyncio.Protocol) -> None:
        super().__init__(extra={"peername": (host(channel.pid), PORT + channel.pid)})
        self.channel = channel
        self.protocol = protocol
        self.closing = False
        # A client's first two bytes are its pid: claimed to MPyC, known to us.
        self.claim: bytes | None = b"" if channel.pid < channel.session.pid else None

    def write(self, data: Any) -> None:
        if not isinstance(data, bytes):
            data = bytes(data)
        if data and not self.closing:
            self.channel.write(data)

    def writelines(self, list_of_data: Any) -> None:
        self.write(b"".join(list_of_data))

    def can_write_eof(self) -> bool:
        return False

    def close(self) -> None:
        if not self.closing:
            self.closing = True
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
        return self.channel.unsent

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
                session.end(Verdict(f"{self.channel.name} claimed to be party {pid}", self.channel.pid))
                self.closing = True
        if not self.closing:
            self.protocol.data_received(data)


class Channel:
    """The socket of one peer: frames in and out, and which connection they belong to."""

    def __init__(self, session: "Session", pid: int, name: str, sock: socket.socket) -> None:
        self.session = session
        self.pid = pid
        self.name = name
        self.sock = sock
        sock.setblocking(False)
        self.transport: PeerTransport | None = None
        self.paused = False
        self.ended = False  # the peer's program is over
        self.unasked = False  # a peer with a higher pid closed first, which MPyC's shutdown never does
        self.opened = 0  # connections of this side so far
        self.finished = 0  # connections that the peer has ended
        self.unsent = 0
        self._early: deque[bytes | None] = deque()  # None is the end of a connection
        self._early_size = 0
        self._queue: list[Any] = []
        self._backlog: deque[Any] = deque()
        self._flushing = False
        self._blocked = False
        self._reading = False
        self._alive = True
        self._buffer = bytearray(READ + session.frames.MAX_PAYLOAD + session.frames.HEADER.size)
        self._view = memoryview(self._buffer)
        self._fill = 0

    # --- connections

    def open(self, protocol: asyncio.Protocol) -> PeerTransport:
        """Open the next connection, and deliver what has come for it already."""
        if self.transport:
            self.transport.close()
        self.transport = transport = PeerTransport(self, protocol)
        self.opened += 1
        self.unasked = False
        protocol.connection_made(transport)
        while self._early and not transport.closing:
            data = self._early.popleft()
            if data is None:
                self._peer_closed(transport)
                break
            self._early_size -= len(data)
            transport.received(data)
        if not self.paused:
            self._watch(self._alive)
        if self.ended:
            self.session.suspect()
        return transport

    def close(self) -> None:
        """End the present connection."""
        self.transport = None
        self._append(self.session.frames.EOF, 0, b"")
        if self._early_size <= EARLY:
            self.pause(False)

    def stuck(self) -> bool:
        """Whether the program can only wait for this peer, whose own program is over."""
        return self.ended and (self.transport is not None or (self.unasked and self.session.connected()))

    def _peer_closed(self, transport: PeerTransport) -> None:
        self.unasked = self.pid > self.session.pid
        transport.protocol.eof_received()
        transport.close()

    def _receive(self, parts: "list[memoryview]") -> None:
        data = b"".join(parts)
        parts.clear()
        if self.finished >= self.opened:
            self._early.append(data)
            self._early_size += len(data)
            if self._early_size > EARLY:
                self._watch(False)
        elif self.transport and self.finished == self.opened - 1:
            self.session.activity += 1
            self.transport.received(data)

    def _receive_eof(self) -> None:
        if self.finished >= self.opened:
            self._early.append(None)
        elif self.transport and self.finished == self.opened - 1:
            self._peer_closed(self.transport)
        self.finished += 1

    # --- reading

    def pause(self, paused: bool) -> None:
        """Stop or go on reading; MPyC never does."""
        self.paused = paused
        self._watch(self._alive and not paused)

    def move(self, old: Any) -> None:
        """Read and write by the session's new loop instead of the old one."""
        if old is not None and not old.is_closed():
            old.remove_reader(self.sock.fileno())
            old.remove_writer(self.sock.fileno())
        self._reading = self._blocked = self._flushing = False
        self._watch(self._alive and not self.paused and self._early_size <= EARLY)
        self._wait_writable(bool(self._backlog))

    def _watch(self, reading: bool) -> None:
        if reading is not self._reading and not self.session.loop.is_closed():
            self._reading = reading
            if reading:
                self.session.loop.add_reader(self.sock.fileno(), self._readable)
            else:
                self.session.loop.remove_reader(self.sock.fileno())

    def _readable(self) -> None:
        try:
            size = self.sock.recv_into(self._view[self._fill :])
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            size = 0
        if not size:
            self._gone()
            return
        session, frames = self.session, self.session.frames
        view, unpack, at, end = self._view, frames.HEADER.unpack_from, 0, self._fill + size
        parts: list[memoryview] = []
        while end - at >= 8:
            word, depth = unpack(view, at)
            stop = at + 8 + (word & 0xFFFFFF)
            if stop > end:
                break
            kind = word >> 24
            if kind == frames.DATA:
                if depth > session.depth:
                    session.depth = min(depth, DEEPEST)
                parts.append(view[at + 8 : stop])
            else:
                if parts:
                    self._receive(parts)
                if kind == frames.EOF:
                    self._receive_eof()
                elif kind == frames.END:
                    self.ended = True
                    session.suspect()
            at = stop
        if parts:
            self._receive(parts)
        self._fill = end - at
        if at and self._fill:
            view[: self._fill] = bytes(view[at:end])

    def _gone(self) -> None:
        """The supervisor has closed the socket: nothing more comes or goes."""
        self._alive = False
        self._watch(False)
        self._queue.clear()
        self._backlog.clear()
        self.unsent = 0

    # --- writing

    def write(self, data: bytes) -> None:
        """Send what the program wrote, as one DATA frame, or as several where it is long."""
        session = self.session
        session.activity += 1
        depth, most, kind = session.depth + 1, session.frames.MAX_PAYLOAD, session.frames.DATA
        if len(data) <= most:
            self._append(kind, depth, data)
        else:
            view = memoryview(data)
            for at in range(0, len(data), most):
                self._append(kind, depth, view[at : at + most])

    def _append(self, kind: int, depth: int, data: Any) -> None:
        if not self._alive:
            return
        header = self.session.frames.HEADER.pack(kind << 24 | len(data), depth)
        self._queue.append(header)
        self._queue.append(data)
        self.unsent += len(data) + len(header)
        if not self._flushing and not self.session.loop.is_closed():
            self._flushing = True
            self.session.loop.call_soon(self.flush)

    def flush(self) -> bool:
        """Send what can be sent without waiting; says whether all of it was."""
        self._flushing = False
        if self._queue:
            self._backlog.append(b"".join(self._queue))
            self._queue.clear()
        while self._backlog:
            chunk = self._backlog[0]
            try:
                size = self.sock.send(chunk)
            except (BlockingIOError, InterruptedError):
                break
            except OSError:
                self._gone()
                break
            self.unsent -= size
            if size == len(chunk):
                self._backlog.popleft()
            else:
                self._backlog[0] = memoryview(chunk)[size:]
        self._wait_writable(bool(self._backlog))
        most = self.session.max_queue
        if most and self.unsent > most:
            self.session.end(
                Verdict(
                    f"{self.name} is slow: {self.unsent} bytes for it wait here, more than {most}", self.pid
                )
            )
        return not self._backlog

    def _wait_writable(self, blocked: bool) -> None:
        if blocked is not self._blocked and not self.session.loop.is_closed():
            self._blocked = blocked
            if blocked:
                self.session.loop.add_writer(self.sock.fileno(), self.flush)
            else:
                self.session.loop.remove_writer(self.sock.fileno())

    def end(self) -> None:
        """Say that the program is over."""
        self._append(self.session.frames.END, 0, b"")


class Session:
    """The channels to all peers, and what they have in common."""

    def __init__(
        self, frames: Any, pid: int, max_queue: int = 0, selector: Any = selectors.DefaultSelector
    ) -> None:
        self.frames = frames
        self._selector = selector
        self.pid = pid
        self.max_queue = max_queue
        self.depth = 0  # the largest received
        self.activity = 0
        self.channels: dict[int, Channel] = {}
        self.verdict: Verdict | None = None
        self.loop: Any = None
        self._suspecting = False

    def attach(self, peers: "dict[int, tuple[str, socket.socket]]") -> None:
        """These are the peers: pid, name and socket."""
        for pid, (name, sock) in peers.items():
            self.channels[pid] = Channel(self, pid, name, sock)

    def use(self, loop: Any) -> None:
        """Read and write by this loop from now on."""
        if loop is not self.loop:
            old, self.loop = self.loop, loop
            for channel in self.channels.values():
                channel.move(old)

    def connected(self) -> bool:
        """Whether any connection is open."""
        return any(channel.transport for channel in self.channels.values())

    def connect(self, loop: Any, pid: int, factory: Any) -> "tuple[PeerTransport, Any]":
        """A connection to a peer with a higher pid."""
        self.use(loop)
        protocol = factory()
        return self.channels[pid].open(protocol), protocol

    def serve(self, loop: Any, factory: Any) -> "Server":
        """Connections from all peers with a lower pid."""
        self.use(loop)
        for pid in range(self.pid):
            self.channels[pid].open(factory())
        return Server(self.loop)

    def end(self, verdict: Verdict) -> None:
        """End the program, now and whenever it enters its loop again."""
        if self.verdict is None:
            self.verdict = verdict
            self.loop.set_exception_handler(lambda *_: None)  # what is left undone is no news
            self.loop.call_soon(self.judge)

    def judge(self) -> None:
        """Raise the verdict; from a callback, since a task or a protocol would keep it to itself."""
        if self.verdict is not None:
            raise self.verdict

    def suspect(self) -> None:
        """A peer's program is over: see whether this one gets on without it."""
        if not self._suspecting:
            self._suspecting = True
            self.loop.call_later(PATIENCE, self._examine, self.activity)

    def _examine(self, activity: int) -> None:
        self._suspecting = False
        stuck = next((channel for channel in self.channels.values() if channel.stuck()), None)
        if stuck and activity == self.activity:
            self.end(
                Verdict(f"the program of {stuck.name} ended before this one was done with it", stuck.pid)
            )
        elif stuck:
            self.suspect()

    def flush(self) -> None:
        """Send what a loop that has just stopped has left, as far as it goes without waiting."""
        for channel in self.channels.values():
            channel.flush()

    def finish(self, well: bool) -> None:
        """Send END to all and wait until everything has left; needs no loop.

        A program that failed does not wait long for a peer that is slow, nor for one that has ended it.
        """
        self.max_queue = 0
        limit = None if well else time.monotonic() + PATIENCE
        with self._selector() as selector:
            for channel in self.channels.values():
                channel.end()
                if not channel.flush():
                    selector.register(channel.sock, selectors.EVENT_WRITE, channel)
            while selector.get_map() and (limit is None or time.monotonic() < limit):
                for key, _ in selector.select(limit and PATIENCE):
                    if key.data.flush():
                        selector.unregister(key.fileobj)


class Server(asyncio.AbstractServer):
    """What `create_server` returns: the peers are connected already, so there is nothing to close."""

    sockets: "tuple[Any, ...]" = ()

    def __init__(self, loop: Any) -> None:
        self._loop = loop
        self._serving = True

    def close(self) -> None:
        self._serving = False

    def get_loop(self) -> Any:
        return self._loop

    def is_serving(self) -> bool:
        return self._serving

    async def start_serving(self) -> None:
        """It serves."""

    async def serve_forever(self) -> None:
        await self._loop.create_future()

    async def wait_closed(self) -> None:
        """It is closed as soon as it is told to."""


def loop_class(base: Any, session: Session) -> Any:
    """An event loop class over `base` that connects the session's parties."""

    class Loop(base):  # type: ignore[misc]
        async def create_connection(self, protocol_factory, host=None, port=None, **options):  # type: ignore[no-untyped-def]
            for pid in range(session.pid + 1, len(session.channels) + 1):
                if (host, port) == (f"p{pid}.huddle", PORT + pid):
                    return session.connect(self, pid, protocol_factory)
            return await super().create_connection(protocol_factory, host, port, **options)

        async def create_server(self, protocol_factory, host=None, port=None, **options):  # type: ignore[no-untyped-def]
            if host is None and port == PORT + session.pid:
                return session.serve(self, protocol_factory)
            return await super().create_server(protocol_factory, host, port, **options)

        def run_forever(self) -> None:
            if session.verdict:
                self.call_soon(session.judge)
            try:
                super().run_forever()
            finally:
                if self is session.loop:
                    session.flush()

    return Loop
