"""A wire on a QUIC stream.

What the link sends waits here until QUIC takes it, and the link's window bounds it.
What arrives before somebody starts the wire waits in it; beyond a limit the stream is not read, which
QUIC tells the other end.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from huddle.errors import NetworkError
from huddle.links.wire import WireInfo, WireReceiver
from huddle.networks.iroh.library import IrohStream

HELD = 64 << 10  # bytes that may wait for a receiver; a link proof is a few hundred
LINGER = 2.0  # seconds that a closed wire may still take to send what is left
_PIECE = 1 << 20  # bytes of one write: more only costs memory


class IrohWire:
    """A `Wire`; `ended` is called once with the wire when its connection is closed or given up."""

    def __init__(self, stream: IrohStream, own: bytes, ended: Callable[["IrohWire"], None]) -> None:
        self._stream = stream
        self._own = own
        self._ended = ended
        self._path = "direct"
        self._receiver: WireReceiver | None = None
        self._held: list[bytes] = []
        self._held_bytes = 0
        self._lost: str | None = None  # why, until a receiver has been told
        self._over = False  # closed or aborted here, or its receiver knows that it is lost
        self._closing = False
        self._queue: deque[bytes] = deque()
        self._news = asyncio.Event()
        self._started = asyncio.Event()
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._read()), loop.create_task(self._write())]
        self._reported = False

    def __repr__(self) -> str:
        state = "over" if self._over else "lost" if self._lost is not None else "open"
        return f"<IrohWire {self.info.path}, {state}>"

    @property
    def over(self) -> bool:
        """Whether nobody here uses it any more."""
        return self._over

    # --- Wire

    @property
    def info(self) -> WireInfo:
        """What is known of it; the path may change while it lives."""
        where, relayed = ("", False) if self._reported else self._stream.path()
        if relayed:
            self._path = f"relayed by {where}"
        elif where:
            host, _, port = where.rpartition(":")
            self._path = f"direct, {host.strip('[]')} port {port}"
        return WireInfo("iroh", self._path, self._own, self._stream.peer, sealed=True)

    def start(self, receiver: WireReceiver) -> None:
        """Deliver to this receiver from now on, and first what arrived before."""
        self._receiver = receiver
        while self._held and self._receiver is receiver and not self._over:
            data = b"".join(self._held)
            self._held.clear()
            self._held_bytes = 0
            receiver.wire_data(data)
        self._started.set()
        if self._lost is not None and self._receiver is receiver and not self._over:
            self._tell()

    def send(self, data: bytes) -> None:
        """Send, without waiting; does nothing on a lost or closed wire."""
        if not self._over and self._lost is None and data:
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

    async def gone(self) -> None:
        """Wait until nothing of it works any more."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # --- inside

    async def _read(self) -> None:
        reason = "closed by the other end"
        try:
            while data := await self._stream.read():
                await self._take(data)
        except NetworkError as error:
            reason = f"connection lost: {error.message}"
        self._drop(reason)

    async def _take(self, data: bytes) -> None:
        if self._over:
            return
        if self._receiver is not None:
            self._receiver.wire_data(data)
            return
        self._held.append(data)
        self._held_bytes += len(data)
        if self._held_bytes > HELD:
            await self._started.wait()

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

    def _drop(self, reason: str) -> None:
        """The connection is gone."""
        self._end()
        if self._over:
            return
        self._lost = reason
        if self._receiver is not None and not self._held:
            self._tell()

    def _tell(self) -> None:
        reason, receiver = self._lost, self._receiver
        self._over = True
        if receiver is not None:
            receiver.wire_lost(reason or "")

    def _shut(self) -> None:
        self._over = True
        self._receiver = None
        self._held.clear()
        self._started.set()

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
