"""What carries the frames of a runner worker: one port to the session worker for each peer.

The counterpart of `huddle.running.runner.mux`; see `huddle.running.runner.loop` for what it owes to whom.
"""

import selectors
import time
from collections import deque
from typing import Any

from huddle.browser.loop import PortSocket
from huddle.links import frames

READ = 1 << 18
UNTAKEN = 1 << 20  # bytes that the program has not wanted yet, after which no more is read


class PortStream:
    """The port of one peer: frames in and out."""

    def __init__(self, channel: Any, sock: PortSocket) -> None:
        self.sock = sock
        self.unsent = 0
        self.written = self.came = 0  # bytes of frames
        self._channel = channel
        self._session = channel.session
        self._untaken = 0
        self._queue: list[Any] = []
        self._backlog: deque[Any] = deque()
        self._flushing = self._blocked = self._reading = False
        self._alive = True
        self._part = b""  # the start of a frame of which the rest has not come

    # --- writing

    def write(self, data: bytes) -> None:
        """Send what the program wrote, as one DATA frame, or as several where it is long."""
        if not data:
            return
        self._session.activity += 1
        self._append(frames.data_frames(data, self._session.depth + 1))

    def say(self, kind: int) -> None:
        """Send EOF or END."""
        self._append(frames.control(kind))

    def _append(self, data: bytes) -> None:
        if not self._alive:
            return
        self._queue.append(data)
        self.unsent += len(data)
        self.written += len(data)
        if not self._flushing and not self._session.loop.is_closed():
            self._flushing = True
            self._session.loop.call_soon(self.flush)

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
            except BlockingIOError:
                break
            except OSError:
                self._gone()
                break
            self.unsent -= size
            if size == len(chunk):
                self._backlog.popleft()
            else:
                self._backlog[0] = memoryview(chunk)[size:]
        if self._backlog or self._blocked:
            self._wait_writable(bool(self._backlog))
            self._session.slow(self._channel)
        return not self._backlog

    def _wait_writable(self, blocked: bool) -> None:
        if blocked is not self._blocked and not self._session.loop.is_closed():
            self._blocked = blocked
            if blocked:
                self._session.loop.add_writer(self.sock.fileno(), self.flush)
            else:
                self._session.loop.remove_writer(self.sock.fileno())

    # --- reading

    def move(self, old: Any) -> None:
        """Read and write by the session's new loop instead of the old one."""
        if old is not None and not old.is_closed():
            old.remove_reader(self.sock.fileno())
            old.remove_writer(self.sock.fileno())
        self._reading = self._blocked = self._flushing = False
        self._watch()
        self._wait_writable(bool(self._backlog))

    def taken(self, size: int) -> None:
        """The program has so many bytes more of what it did not want before."""
        self._untaken -= size
        if not self._reading:
            self._watch()

    def _watch(self) -> None:
        """Read, unless much waits that the program does not want yet."""
        reading = self._alive and self._untaken <= UNTAKEN
        if reading is not self._reading and not self._session.loop.is_closed():
            self._reading = reading
            if reading:
                self._session.loop.add_reader(self.sock.fileno(), self._readable)
            else:
                self._session.loop.remove_reader(self.sock.fileno())

    def _readable(self) -> None:
        try:
            data = self.sock.recv(READ)
        except BlockingIOError:
            return
        if not data:
            self._gone()
            return
        if self._part:
            data = self._part + data
        found, end = frames.frames_in(data)
        self.came += end
        self._part = data[end:]
        parts: list[bytes] = []
        for kind, depth, payload in found:
            if kind == frames.DATA:
                if depth > self._session.depth:
                    self._session.deepen(depth)
                parts.append(payload)
                continue
            self._deliver(parts)
            if kind == frames.EOF:
                self._channel.receive_eof()
            else:
                self._channel.receive_end()
        self._deliver(parts)

    def _deliver(self, parts: list[bytes]) -> None:
        if parts:
            data = b"".join(parts)
            parts.clear()
            if not self._channel.receive(data):
                self._untaken += len(data)
                self._watch()

    def _gone(self) -> None:
        """The session worker has closed the port: nothing more comes or goes."""
        self._alive = False
        self._watch()
        self._queue.clear()
        self._backlog.clear()
        self.unsent = 0


class Ports:
    """The ports of all peers."""

    def __init__(self, socks: dict[int, PortSocket]) -> None:
        self._socks = socks
        self._streams: list[PortStream] = []

    def stream(self, channel: Any) -> PortStream:
        """A stream for this channel."""
        made = PortStream(channel, self._socks[channel.pid])
        self._streams.append(made)
        return made

    def move(self, old: Any, loop: Any) -> None:
        """Read and write by this loop instead of the old one."""
        for stream in self._streams:
            stream.move(old)

    def flush(self) -> None:
        """Send what can be sent without waiting."""
        for stream in self._streams:
            stream.flush()

    def finish(self, limit: float | None) -> None:
        """Send everything until this time, without a loop."""
        with selectors.PollSelector() as selector:
            for stream in self._streams:
                if not stream.flush():
                    selector.register(stream.sock, selectors.EVENT_WRITE, stream)
            while selector.get_map() and (limit is None or time.monotonic() < limit):
                for key, _ in selector.select(None if limit is None else max(0.0, limit - time.monotonic())):
                    if key.data.flush():
                        selector.unregister(key.fileobj)
