"""A network that misbehaves on command: TCP proxies on loopback, each in front of one listener.

    with Chaos() as chaos:
        proxy = chaos.proxy(port)          # what dials proxy.port reaches 127.0.0.1:port
        proxy.cut()                        # a reset to both ends of every connection
        proxy.half_open()                  # a reset to the listener's end, silence for the dialler's
        proxy.black_hole(); proxy.stall(back=True); proxy.refuse(); proxy.heal()

A black hole goes on accepting, as a network that drops packets does not refuse; nothing comes through,
neither bytes nor an end. It knows nothing of what the bytes mean. All methods may be called from any
thread and take effect before they return.
"""

import asyncio
import contextlib
import socket
import struct
import threading
import time
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

from tests.ports import free_port

_PIECE = 65_536
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER of no time: closing sends a reset

# Fewer cannot push a party's own address out of its offer, which has room for 16.
_DEAD_PORTS = range(1, 16)


class Chaos:
    """The proxies of one test, on an event loop in a thread of their own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="chaos", daemon=True)
        self._proxies: list[Proxy] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for proxy in self._proxies:
            proxy.close()
        self.run(_cancel_all())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def run[T](self, work: Awaitable[T]) -> T:
        """The result of this work, done in the proxies' thread."""

        async def awaited() -> T:
            return await work

        return asyncio.run_coroutine_threadsafe(awaited(), self._loop).result(20)

    def proxy(self, target: int) -> "Proxy":
        """A proxy in front of this port of 127.0.0.1, which need not be there yet."""
        one = Proxy(self, target)
        self._proxies.append(one)
        return one

    def hidden(self, name: str) -> "Hidden":
        """A port for a party's listener that its peers reach through a proxy only."""
        port = free_port()
        return Hidden(name, self.proxy(port), port)


class Hidden:
    """A party whose listener the others know by its proxy alone."""

    def __init__(self, name: str, proxy: "Proxy", port: int) -> None:
        self.name = name
        self.proxy = proxy
        # An offer has room for 16 addresses: the proxy, then dead ones that take the real one's place.
        told = [f"127.0.0.1:{proxy.port}", *(f"127.0.0.1:{dead}" for dead in _DEAD_PORTS)]
        self.options = (
            "--network", "tls", "--via", "127.0.0.1", "--port", str(port),
            *(part for address in told for part in ("--advertise", address)),
        )  # fmt: skip


class Proxy:
    """One listener's proxy."""

    def __init__(self, chaos: Chaos, target: int) -> None:
        self.target = target
        self.accepted = 0  # connections so far
        self.passed = 0  # bytes that went through, both ways together
        self._chaos = chaos
        self._pairs: set[_Pair] = set()
        self._server: asyncio.Server | None = None
        # Forwarding waits for these: towards the listener, and back to the dialler.
        self._forth, self._back = asyncio.Event(), asyncio.Event()
        self._news = threading.Condition()
        self.port = chaos.run(self._listen(0))
        self.heal()

    @property
    def open(self) -> int:
        """How many connections there are now."""
        return len(self._pairs)

    def cut(self) -> int:
        """Reset every connection, at both ends; how many there were."""
        return self._do(lambda: [pair.cut() for pair in list(self._pairs)])

    def half_open(self) -> int:
        """Reset the listener's end of every connection; the dialler's hears nothing of it, ever."""
        return self._do(lambda: [pair.half_open() for pair in list(self._pairs)])

    def black_hole(self) -> None:
        """Nothing comes through any more, in either direction, and nobody is told."""
        self.stall(forth=True, back=True)

    def stall(self, *, forth: bool = False, back: bool = False) -> None:
        """Hold what goes to the listener (`forth`) or comes from it (`back`); the other way stays open."""

        def hold() -> list[None]:
            (self._forth.clear if forth else self._forth.set)()
            (self._back.clear if back else self._back.set)()
            return []

        self._do(hold)

    def refuse(self) -> None:
        """Take no more connections; those there are stay."""
        self._chaos.run(self._stop())

    def heal(self) -> None:
        """Everything passes again, what was held first; connections that are half open stay so."""
        self.stall()
        if self._server is None:
            self._chaos.run(self._listen(self.port))

    def wait_passed(self, total: int, timeout: float) -> bool:
        """Wait until so many bytes went through; whether they did in time."""
        with self._news:
            return self._news.wait_for(lambda: self.passed >= total, timeout)

    def wait_accepted(self, total: int, timeout: float) -> bool:
        """Wait until so many connections have come; whether they did in time."""
        with self._news:
            return self._news.wait_for(lambda: self.accepted >= total, timeout)

    def close(self) -> None:
        """Take it down."""
        self.cut()
        self.refuse()

    # --- in the proxies' thread

    def count(self, size: int) -> None:
        with self._news:
            self.passed += size
            self._news.notify_all()

    def _do(self, work: Callable[[], list[None]]) -> int:
        async def done() -> int:
            return len(work())

        return self._chaos.run(done())

    async def _listen(self, port: int) -> int:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", port)
        number: int = self._server.sockets[0].getsockname()[1]
        return number

    async def _stop(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.close()
            await asyncio.sleep(0)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with self._news:
            self.accepted += 1
            self._news.notify_all()
        await self._forth.wait()
        try:
            there = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            _reset(writer)
            return
        pair = _Pair(self, (reader, writer), there)
        self._pairs.add(pair)
        try:
            await pair.run(self._forth, self._back)
        finally:
            self._pairs.discard(pair)
            pair.abort()


_Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class _Pair:
    """A dialler's connection and the one to the listener."""

    def __init__(self, proxy: Proxy, here: _Stream, there: _Stream) -> None:
        self._proxy = proxy
        self._here, self._there = here, there
        self._silent = asyncio.Event()  # half open: never closed by what the other end does

    async def run(self, forth: asyncio.Event, back: asyncio.Event) -> None:
        await asyncio.gather(
            self._pump(self._here[0], self._there[1], forth), self._pump(self._there[0], self._here[1], back)
        )
        if not self._silent.is_set():
            for _, writer in (self._here, self._there):
                writer.close()

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, gate: asyncio.Event
    ) -> None:
        with contextlib.suppress(OSError):
            while True:
                data = await reader.read(_PIECE)
                await gate.wait()
                if self._silent.is_set():
                    if not data:
                        return
                    continue
                if not data:
                    if writer.can_write_eof():
                        writer.write_eof()
                    return
                writer.write(data)
                await writer.drain()
                self._proxy.count(len(data))
            return
        # An error of either end is the end of both.
        if not self._silent.is_set():
            self.cut()

    def cut(self) -> None:
        for _, writer in (self._here, self._there):
            _reset(writer)

    def half_open(self) -> None:
        self._silent.set()
        _reset(self._there[1])

    def abort(self) -> None:
        for _, writer in (self._here, self._there):
            writer.transport.abort()


def _reset(writer: asyncio.StreamWriter) -> None:
    sock = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()


async def _cancel_all() -> None:
    tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def wait_until(found: Callable[[], bool], timeout: float, every: float = 0.05) -> bool:
    """Whether this became true in time; for what no event tells, such as the end of a process."""
    deadline = time.monotonic() + timeout
    while not found():
        if time.monotonic() > deadline:
            return False
        time.sleep(every)
    return True
