"""A rendezvous that lies: in front of an honest one, it changes what is shown of its rooms.

    def lie(before: list[bytes], record: bytes, who: int) -> list[bytes]

gets the records that a connection would have been shown before, the next one, and the number of the
connection (0 for the first to a room, which is the host's), and returns what is shown instead of that
record. Indices are numbered anew, so that only the records themselves can tell. Relayed bytes pass
unchanged. Made of the messages of `huddle.rendezvous`.
"""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from huddle.codec import DecodeError
from huddle.rendezvous.messages import MAX_MESSAGE, Entry, Open, pack, unpack

Lie = Callable[[list[bytes], bytes, int], list[bytes]]


def honest(before: list[bytes], record: bytes, who: int) -> list[bytes]:
    """The truth."""
    return [record]


class Liar:
    """Listens on `url`; `lie` and `rooms` (a path for each path asked for) may be changed at any time."""

    def __init__(self, target: str) -> None:
        self.lie: Lie = honest
        self.rooms: dict[str, str] = {}
        self.seen: list[str] = []  # the rooms asked for, in this order
        self.url = ""
        self._target = target.replace("http", "ws", 1)
        self._readers = 0
        self._loop = asyncio.new_event_loop()
        self._stop: asyncio.Event | None = None
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="liar", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._stop is not None
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        self._stop = asyncio.Event()
        async with serve(self._visited, "127.0.0.1", 0, max_size=MAX_MESSAGE, compression=None) as server:
            self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            self._ready.set()
            await self._stop.wait()

    async def _visited(self, guest: ServerConnection) -> None:
        assert guest.request is not None
        path = guest.request.path
        if "/rooms/" in path:
            self.seen.append(path)
        path = self.rooms.get(path, path)
        with suppress(ConnectionClosed, OSError):
            async with connect(self._target + path, max_size=MAX_MESSAGE, compression=None) as there:
                number = self._readers
                self._readers += "/rooms/" in path
                forth = asyncio.create_task(self._forth(guest, there))
                try:
                    await self._back(there, guest, number if "/rooms/" in path else None)
                finally:
                    forth.cancel()
                    await asyncio.gather(forth, return_exceptions=True)

    async def _forth(self, guest: ServerConnection, there: Any) -> None:
        async for data in guest:
            if isinstance(data, bytes) and data and data[0] == Open.type:
                # From the beginning: what was shown before has other numbers than here.
                opening = unpack(data, Open)
                data = pack(Open(0, opening.create, opening.owner, opening.lifetime, opening.client))
            await there.send(data)
        await there.close()

    async def _back(self, there: Any, guest: ServerConnection, number: int | None) -> None:
        shown, before = 0, list[bytes]()
        async for data in there:
            try:
                entry = unpack(data, Entry) if number is not None else None
            except DecodeError:
                entry = None
            if entry is None:
                await guest.send(data)
                continue
            for record in self.lie(before, entry.record, number or 0):
                await guest.send(pack(Entry(shown, record)))
                shown += 1
            before.append(entry.record)
        await guest.close()
