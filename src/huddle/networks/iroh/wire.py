"""A wire on a QUIC stream.

What the link sends waits here until QUIC takes it, and the link's window bounds it. While too much waits for
a receiver the stream is not read, which QUIC tells the other end.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from huddle.errors import NetworkError
from huddle.links.buffered_wire import BufferedWire
from huddle.links.wire import WireInfo
from huddle.networks.iroh.library import IrohStream

LINGER = 2.0  # seconds that a closed wire may still take to send what is left
_PIECE = 1 << 20  # bytes of one write: more only costs memory


class IrohWire(BufferedWire):
    """A `Wire`; `ended` is called once with the wire when its connection is closed or given up."""

    def __init__(self, stream: IrohStream, own: bytes, ended: Callable[["IrohWire"], None]) -> None:
        super().__init__(WireInfo("iroh", "direct", own, stream.peer, sealed=True))
        self._stream = stream
        self._ended = ended
        self._closing = False
        self._queue: deque[bytes] = deque()
        self._news = asyncio.Event()
        self._flowing = asyncio.Event()
        self._flowing.set()
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._read()), loop.create_task(self._write())]
        self._reported = False
        self._look()  # once it is lost nobody knows any more

    @property
    def info(self) -> WireInfo:
        """What is known of it; the path may change while it lives."""
        self._look()
        return self._info

    def _look(self) -> None:
        where, relayed = ("", False) if self._reported else self._stream.path()
        if where:
            host, _, port = where.rpartition(":")
            path = f"relayed by {where}" if relayed else f"direct, {host.strip('[]')} port {port}"
            self.inform(replace(self._info, path=path))

    def send(self, data: bytes) -> None:
        """Send, without waiting; does nothing on a lost or closed wire."""
        if not self.over and data:
            self._queue.append(data)
            self._news.set()

    def close(self) -> None:
        """Send what is left, then close; what does not go out within two seconds is dropped."""
        if not self._over:
            self._shut()
            self._closing = True
            self._news.set()
            asyncio.get_running_loop().call_later(LINGER, self._end)

    def abort(self) -> None:
        """Drop the wire at once."""
        self._shut()
        self._end()

    def lost(self, reason: str) -> None:
        """The connection is gone."""
        self._end()
        super().lost(reason)

    async def gone(self) -> None:
        """Wait until nothing of it works any more."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # --- inside

    def _pause(self, paused: bool) -> None:
        self._flowing.clear() if paused else self._flowing.set()

    async def _read(self) -> None:
        reason = "closed by the other end"
        try:
            while data := await self._stream.read():
                self.arrived(data)
                await self._flowing.wait()
        except NetworkError as error:
            reason = f"connection lost: {error.message}"
        self.lost(reason)

    async def _write(self) -> None:
        with suppress(NetworkError):  # the reader says why
            while True:
                while self._queue:
                    await self._stream.write(self._next())
                if self._closing:
                    await self._stream.finish()
                    break
                self._news.clear()
                await self._news.wait()
            self._end()

    def _next(self) -> bytes:
        """Some of what waits, in one piece: each write costs a trip to another thread."""
        if len(self._queue) == 1:
            return self._queue.popleft()
        pieces, size = [], 0
        while self._queue and size < _PIECE:
            piece = self._queue.popleft()
            pieces.append(piece)
            size += len(piece)
        return b"".join(pieces)

    def _end(self) -> None:
        if self._reported:
            return
        self._reported = True
        self._stream.close()
        current = asyncio.current_task()
        for task in self._tasks:
            if task is not current:
                task.cancel()
        self._ended(self)
