"""The runner's end of the lane: the frames of all peers over the one socket that the supervisor gave.

What the program writes in one tick of its event loop leaves in one send, grouped by peer. The format, and
what PEER and ACK are for, stand in huddle/links/frames.py and huddle/running/mux.py.

This file must not import huddle: a runner loads it by its path, in any interpreter from Python 3.10 on.
"""

import selectors
import socket
import time
from collections import deque
from itertools import islice
from typing import Any

READ = 1 << 18
STEP = 1 << 16  # bytes that the program has taken, of which the peer hears at once
LATER = 0.1  # seconds after which it hears of fewer
FEW = 32  # parts that are joined: a copy of what is small costs less than a list of where it is
MANY = 64  # parts for one call, far below the 1,024 of Linux
MASK = 0xFFFFFF


class PeerStream:
    """What goes to one peer and comes from it."""

    def __init__(self, lane: "SupervisorMux", channel: Any) -> None:
        frames = lane.frames
        self.lane = lane
        self.channel = channel
        self.mark = frames.control(frames.PEER, channel.pid)
        self.queue: list[Any] = []  # goes out with the next flush
        self.unsent = 0  # bytes that wait for the window
        self.came = 0  # bytes of frames read
        self.over = 0  # bytes of what came that the program has, or nobody wants
        self.told = 0  # so many of them by the last ACK
        self._waiting: deque[tuple[bytes, Any]] = deque()  # headers and payloads, for the window
        self._sent = 0
        self._limit = self._window = frames.WINDOW
        self._session = channel.session
        self._pack = frames.HEADER.pack
        self._data_head = frames.DATA << 24
        self._most = frames.MAX_PAYLOAD

    @property
    def written(self) -> int:
        """Bytes of frames that the program wrote, sent or not."""
        return self._sent + self.unsent

    def write(self, data: Any) -> None:
        """Send what the program wrote, as one DATA frame, or as several where it is long."""
        session, size, queue = self._session, len(data), self.queue
        session.activity += 1
        if 0 < size <= self._most and not self._waiting and self._sent < self._limit:
            self._sent += size + 8
            if not queue:
                self.lane.due(self)
            queue.append(self._pack(self._data_head + size, session.depth + 1) + data)
            return
        view = memoryview(bytes(data))
        for at in range(0, size, self._most):
            part = view[at : at + self._most]
            self._append(self._pack(self._data_head + len(part), session.depth + 1), part)
        session.slow(self.channel)

    def say(self, kind: int) -> None:
        """Send EOF or END."""
        self._append(self.lane.frames.control(kind), b"")

    def _append(self, header: bytes, payload: Any) -> None:
        if self._waiting or self._sent >= self._limit:
            self._waiting.append((header, payload))
            self.unsent += len(header) + len(payload)
        else:
            self._send(header, payload)

    def _send(self, header: bytes, payload: Any) -> None:
        self._sent += len(header) + len(payload)
        if not self.queue:
            self.lane.due(self)
        self.queue += header, payload

    def acknowledged(self, total: int) -> None:
        """The peer's program has so many bytes."""
        self._limit = limit = total + self._window
        while self._waiting and self._sent < limit:
            header, payload = self._waiting.popleft()
            self.unsent -= len(header) + len(payload)
            self._send(header, payload)

    def taken(self, size: int) -> None:
        """The program has so many bytes more, or nobody wants them."""
        self.over += size
        if self.over - self.told >= STEP:
            self.acknowledge()
        elif not self.lane.telling:
            self.lane.tell_later()

    def acknowledge(self) -> None:
        """Tell the peer how much the program has, where that is news."""
        if self.over > self.told:
            self.told = self.over
            if not self.queue:
                self.lane.due(self)
            self.queue.append(self.lane.frames.control(self.lane.frames.ACK, self.over))

    def state(self) -> "list[int]":
        """How far both directions are."""
        return [self.came, self.over, self.told, self._sent, self._limit]

    def restore(self, state: "list[int]") -> None:
        """Go on with this state."""
        self.came, self.over, self.told, self._sent, self._limit = state

    def gone(self) -> None:
        """Nothing more comes or goes."""
        self.queue.clear()
        self._waiting.clear()
        self.unsent = 0


class SupervisorMux:
    """The socket, and the streams on it."""

    def __init__(self, frames: Any, sock: socket.socket) -> None:
        self.frames = frames
        self.sock = sock
        sock.setblocking(False)
        self._streams: dict[int, PeerStream] = {}
        self._loop: Any = None
        self._due: list[PeerStream] = []  # those with a queue
        self._backlog: deque[Any] = deque()  # what the socket did not take
        self._flushing = self._blocked = False
        self.telling = False  # what was taken will be told soon
        self._alive = True
        self._reading: Any = None  # the stream whose frames come
        self._marked: dict[bytes, PeerStream] = {}  # the streams by the number in their PEER
        self._unpack, self._data, self._peer = frames.HEADER.unpack_from, frames.DATA, frames.PEER
        self._view = memoryview(bytearray(READ + frames.MAX_PAYLOAD + frames.HEADER.size))
        self._fill = 0

    # --- for the session

    def stream(self, channel: Any) -> PeerStream:
        """A stream for this channel."""
        made = self._streams[channel.pid] = PeerStream(self, channel)
        self._marked[made.mark[8:]] = made
        return made

    def move(self, old: Any, loop: Any) -> None:
        """Read and write by this loop instead of the old one."""
        if old is not None and not old.is_closed():
            old.remove_reader(self.sock.fileno())
            old.remove_writer(self.sock.fileno())
        self._loop = loop
        self._flushing = self._blocked = self.telling = False
        if self._alive:
            loop.add_reader(self.sock.fileno(), self._readable)
            self.flush()

    def due(self, stream: PeerStream) -> None:
        """This stream has something to send when the tick is over."""
        if not self._alive:
            return
        self._due.append(stream)
        if not self._flushing and self._loop is not None and not self._loop.is_closed():
            self._flushing = True
            self._loop.call_soon(self.flush)

    def tell_later(self) -> None:
        """Tell all peers soon what the program has taken by then."""
        if self._loop is not None and not self._loop.is_closed():
            self.telling = True
            self._loop.call_later(LATER, self._tell)

    def _tell(self) -> None:
        self.telling = False
        for stream in self._streams.values():
            stream.acknowledge()

    def flush(self) -> bool:
        """Send what can be sent without waiting; says whether nothing is left for the socket."""
        self._flushing = False
        backlog = self._backlog
        if self._due:
            parts: list[Any] = []
            for stream in self._due:
                parts.append(stream.mark)
                parts += stream.queue
                stream.queue.clear()
            self._due.clear()
            if len(parts) <= FEW:
                backlog.append(b"".join(parts))
            else:
                backlog += parts
        try:
            while backlog:
                one = len(backlog) == 1
                size = self.sock.send(backlog[0]) if one else self.sock.sendmsg(islice(backlog, MANY))
                while backlog and size >= len(backlog[0]):
                    size -= len(backlog.popleft())
                if size:
                    backlog[0] = memoryview(backlog[0])[size:]
                    break
        except (BlockingIOError, InterruptedError):
            pass
        except OSError:
            self._gone()
            return True
        if backlog or self._blocked:
            self._wait_writable()
        return not backlog

    def finish(self, limit: "float | None") -> None:
        """Send everything until this time, without a loop; what comes meanwhile is nobody's any more."""
        with selectors.DefaultSelector() as selector:
            both = selectors.EVENT_READ | selectors.EVENT_WRITE
            selector.register(self.sock, selectors.EVENT_READ)
            while self._alive and (limit is None or time.monotonic() < limit):
                ready = self.flush()
                if ready and not any(stream.unsent for stream in self._streams.values()):
                    return
                selector.modify(self.sock, selectors.EVENT_READ if ready else both)
                for _, events in selector.select(limit and max(0.0, limit - time.monotonic())):
                    if events & selectors.EVENT_READ:
                        self._readable()

    # --- a program that replaces itself

    def state(self) -> "dict[str, Any]":
        """What another process needs to know, to go on with the socket."""
        return {
            "reading": self._reading and self._reading.channel.pid,
            "part": bytes(self._view[: self._fill]).hex(),
            "streams": {pid: stream.state() for pid, stream in self._streams.items()},
        }

    def restore(self, state: "dict[str, Any]") -> None:
        """Go on with this state."""
        self._reading = self._streams.get(state["reading"])
        part = bytes.fromhex(state["part"])
        self._fill = len(part)
        self._view[: self._fill] = part
        for pid, kept in state["streams"].items():
            self._streams[int(pid)].restore(kept)

    # --- the socket

    def _wait_writable(self) -> None:
        blocked = bool(self._backlog)
        if blocked is not self._blocked and self._loop is not None and not self._loop.is_closed():
            self._blocked = blocked
            if blocked:
                self._loop.add_writer(self.sock.fileno(), self.flush)
            else:
                self._loop.remove_writer(self.sock.fileno())

    def _readable(self) -> None:
        view = self._view
        try:
            size = self.sock.recv_into(view[self._fill :] if self._fill else view)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            size = 0
        if not size:
            self._gone()
            return
        unpack, data = self._unpack, self._data
        at, end = 0, self._fill + size
        stream = self._reading
        deepest = 0
        parts: list[Any] = []
        try:
            while end - at >= 8:
                word, depth = unpack(view, at)
                start, stop = at + 8, at + 8 + (word & MASK)
                if stop > end:
                    break
                at, kind = stop, word >> 24
                if kind == data:
                    parts.append(view[start:stop])
                    if depth > deepest:
                        deepest = depth
                    continue
                if parts:
                    self._deliver(stream, parts, deepest)
                if kind == self._peer:
                    stream = self._reading = self._marked[bytes(view[start:stop])]
                else:
                    self._other(stream, kind, view[start:stop])
            if parts:
                self._deliver(stream, parts, deepest)
        finally:
            self._fill = end - at
            if at and self._fill:
                view[: self._fill] = bytes(view[at:end])

    def _deliver(self, stream: PeerStream, parts: "list[Any]", depth: int) -> None:
        channel = stream.channel
        if depth > channel.session.depth:
            channel.session.deepen(depth)
        data = b"".join(parts)
        size = 8 * len(parts) + len(data)
        parts.clear()
        stream.came += size
        stream.over += size if channel.receive(data) else size - len(data)
        if not self.telling or stream.over - stream.told >= STEP:
            stream.taken(0)

    def _other(self, stream: PeerStream, kind: int, payload: Any) -> None:
        """A frame that is rare."""
        if kind == self.frames.ACK:
            stream.acknowledged(int.from_bytes(payload, "big"))
            return
        stream.over += 8
        stream.came += 8
        if kind == self.frames.EOF:
            stream.channel.receive_eof()
        else:
            stream.channel.receive_end()

    def _gone(self) -> None:
        """The supervisor has closed the socket: nothing more comes or goes."""
        self._alive = False
        if self._loop is not None and not self._loop.is_closed():
            self._loop.remove_reader(self.sock.fileno())
        self._due.clear()
        self._backlog.clear()
        self._wait_writable()
        for stream in self._streams.values():
            stream.gone()
