"""A channel to a runner worker: one peer's stream over a port of its own.

While a link's window is full its port is not read; what a link brings is kept until the runner takes it,
which the peer's window bounds.
"""

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any

from huddle.browser.loop import PortSocket
from huddle.engine.channel import Channel, OpenLink
from huddle.links import frames

if TYPE_CHECKING:
    from huddle.engine.run import Run

_buffer = memoryview(bytearray(1 << 18))  # for all ports: each read is copied out of it at once
_WIRE_KINDS = frames.ACK  # a frame whose first byte is this or more never comes from a runner


def _receive(sock: PortSocket) -> bytes:
    return bytes(_buffer[: sock.recv_into(_buffer)])


class PortChannel(Channel):
    """One peer's port to the runner, and the receiver of the link to that peer."""

    def __init__(self, run: "Run", pid: int, sock: PortSocket, open_link: OpenLink) -> None:
        super().__init__(run, pid)
        self._loop = asyncio.get_running_loop()
        self._sock = sock
        self._part = b""  # the start of a frame of which the runner has not written the rest
        self._pending: deque[Any] = deque()  # for the runner
        self._pending_size = 0
        self._reading = self._writing = False
        self.link = open_link(self)
        self._watch(self.link.writable)

    # --- from the runner

    def _watch(self, reading: bool) -> None:
        if reading is not self._reading:
            self._reading = reading
            if reading:
                self._loop.add_reader(self._sock.fileno(), self._readable)
            else:
                self._loop.remove_reader(self._sock.fileno())

    def _readable(self) -> None:
        try:
            data = _receive(self._sock)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if data:
            self._forward(self._part + data if self._part else data)
        else:
            self.finish()

    def _forward(self, data: bytes) -> None:
        try:
            end, _, _, ended = frames.scan(data)
            if end < len(data) and (ended or data[end] >= _WIRE_KINDS):
                raise frames.FrameError("no stream frame")
        except frames.FrameError:
            self._run.stop("the program sent something other than frames over its runner's socket")
            self.finish()
            return
        if end:
            self.link.write(data if end == len(data) else data[:end])
        self._part = data[end:]
        if ended:
            self._shut()
        elif not self.link.writable:
            self._watch(False)

    def _shut(self) -> None:
        self._watch(False)
        super()._shut()

    def drain(self, well: bool = True) -> None:
        """The runner is gone: forward what it left, as the window allows, then END."""
        self._to_runner = False
        self._discard()
        while self._reading:
            try:
                data = _receive(self._sock)
            except OSError:
                data = b""
            if data:
                self._forward(self._part + data if self._part else data)
            else:
                self.finish()
        if not well:
            self.finish()

    def link_writable(self) -> None:
        """The window has room again."""
        if self._from_runner:
            self._watch(True)
            if not self._to_runner and self._run.exited:
                self.drain()

    # --- to the runner

    def _bring(self, data: bytes) -> None:
        self._pending.append(data)
        self._pending_size += len(data)
        if not self._writing:
            self._send()

    def _send(self) -> None:
        while self._pending:
            data = self._pending[0]
            try:
                size = self._sock.send(data)
            except (BlockingIOError, InterruptedError):
                break
            except OSError:
                self._to_runner = False
                self._discard()
                return
            self._pending_size -= size
            if size == len(data):
                self._pending.popleft()
            else:
                self._pending[0] = memoryview(data)[size:]
        self._wait_writable(bool(self._pending))
        self.link.delivered(self._received - self._pending_size)

    def _wait_writable(self, writing: bool) -> None:
        if writing is not self._writing:
            self._writing = writing
            if writing:
                self._loop.add_writer(self._sock.fileno(), self._send)
            else:
                self._loop.remove_writer(self._sock.fileno())

    def _discard(self) -> None:
        self._wait_writable(False)
        self._pending.clear()
        self._pending_size = 0
        self.link.delivered(self._received)

    def close(self) -> None:
        """Forget the runner."""
        super().close()
        self._wait_writable(False)
        self._sock.close()
