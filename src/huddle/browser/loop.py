"""The event loop of a worker: asyncio's own, over a mailbox that JavaScript fills (web/src/core/mailbox.ts).

Where the system's loops wait in `select`, this one lets JavaScript run until something has come, by the
engine's promise integration (JSPI). So Python is never entered while it is at work, `run_until_complete`
returns as it does elsewhere, and MPyC runs as it is.

A `PortSocket` stands for a socket that does not block: `add_reader` and `add_writer` take it. Everything
else comes as notes, for whoever listens to their id.
"""

import asyncio
import selectors
import time
from asyncio.selector_events import BaseSelectorEventLoop
from collections.abc import Callable
from functools import partial
from typing import Any, SupportsIndex

from js import Uint8Array
from pyodide.ffi import JsProxy, run_sync

# Pyodide's own loop, which never runs here: promises that come to Python have to belong to some loop that
# is not the one that is blocked by waiting for them.
_promises = asyncio.get_event_loop()

_LONGEST = 86_400.0  # seconds: JavaScript's timers have 32 bits of milliseconds
SLICE = 0.008  # seconds of work after which JavaScript gets a turn, so that messages arrive meanwhile

Note = Callable[[int, Any], None]  # kind and value


def wait_for(ask: Callable[[], Any]) -> Any:
    """The result of the JavaScript promise that `ask` returns, if any; nothing of Python runs meanwhile."""
    running = asyncio._get_running_loop()
    asyncio._set_running_loop(_promises)
    try:
        promise = ask()
        return None if promise is None else run_sync(promise)
    finally:
        asyncio._set_running_loop(running)


def wait_until(box: Any, sock: "PortSocket", mask: int) -> None:
    """Block until that socket can be read or written."""
    box.armStream(_streams[sock.fileno()], mask)
    wait_for(lambda: box.promise)


def sleep_by(box: Any) -> Callable[[float | SupportsIndex], None]:
    """What `time.sleep` is here. Pyodide's own waits for the running loop, which waits for it."""

    def sleep(seconds: float | SupportsIndex, /) -> None:
        left = float(seconds)
        if left < 0:
            raise ValueError("sleep length must be non-negative")
        end = time.monotonic() + left
        while True:
            wait_for(partial(box.pause, 1000 * min(max(left, 0.0), _LONGEST)))
            left = end - time.monotonic()
            if left <= 0:
                return

    return sleep


def array(data: Any) -> JsProxy:
    """The bytes as a fresh Uint8Array."""
    made = Uint8Array.new(len(data))
    made.assign(data)
    return made


class PortSocket:
    """A stream of the mailbox, with what Huddle uses of a `socket.socket` that does not block."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._fd: int = stream.fd
        # Looked up once: every look into JavaScript costs.
        self._read, self._send = stream.read, stream.send
        _streams[self._fd] = stream

    def fileno(self) -> int:
        return self._fd

    def setblocking(self, flag: bool) -> None:
        """It never blocks."""

    def recv(self, most: int) -> bytes:
        data = self._read(most)
        if data is None:
            raise BlockingIOError
        received: bytes = data.to_bytes()
        return received

    def recv_into(self, buffer: memoryview) -> int:
        data = self._read(len(buffer))
        if data is None:
            raise BlockingIOError
        size: int = data.length
        if size:
            data.assign_to(buffer[:size])
        return size

    def send(self, data: bytes | memoryview) -> int:
        if not self._send(array(data)):
            if self._stream.over:
                raise BrokenPipeError
            raise BlockingIOError
        return len(data)

    def close(self) -> None:
        self._stream.close()
        _streams.pop(self._fd, None)


_streams: dict[int, Any] = {}
_selecting: "MailboxSelector | None" = None  # whose streams the mailbox watches


class BrowserSocket:
    """A WebSocket of the browser; its notes are 0 open, 1 bytes, 2 closed with a reason."""

    def __init__(self, socket: Any) -> None:
        self._socket = socket
        self.id: int = socket.id

    @property
    def open(self) -> bool:
        return bool(self._socket.open)

    def send(self, data: bytes | memoryview) -> None:
        self._socket.send(array(data))

    def close(self) -> None:
        self._socket.close()


class MailboxSelector(selectors._BaseSelectorImpl):  # type: ignore[name-defined, misc, unused-ignore]
    """A selector of `PortSocket`s, by their numbers."""

    def __init__(self, box: Any) -> None:
        super().__init__()
        self.noted = False  # whether there are notes to take
        self._box = box
        self._wait, self._poll = box.wait, box.poll
        self._timeout = -1.0  # milliseconds; negative: for ever
        self._last = time.perf_counter()

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        key: selectors.SelectorKey = super().register(fileobj, events, data)
        self._watch(key.fd, events)
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        key: selectors.SelectorKey = super().unregister(fileobj)
        self._watch(key.fd, 0)
        return key

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        key: selectors.SelectorKey = super().modify(fileobj, events, data)
        self._watch(key.fd, events)
        return key

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Wait until a stream is ready or a note is there."""
        self._take_over()
        if timeout is None or timeout > 0:
            self._timeout = -1.0 if timeout is None else timeout * 1000
            wait_for(self._waited)
            self._last = time.perf_counter()
        elif time.perf_counter() - self._last > SLICE:
            wait_for(self._tick)
            self._last = time.perf_counter()
        ready = self._poll()
        if ready is None:
            self.noted = False
            return []
        flat = ready.to_py()
        self.noted = flat[0] == 1
        keys = self.get_map()
        return [(keys[fd], mask) for fd, mask in zip(flat[1::2], flat[2::2], strict=True) if fd in keys]

    def _watch(self, fd: int, events: int) -> None:
        if _selecting is self and fd in _streams:
            self._box.watch(_streams[fd], events)

    def _take_over(self) -> None:
        """A worker may have several loops, of which one runs: what the others wait for must not wake it."""
        global _selecting
        if _selecting is not self:
            _selecting = self
            self._box.unwatch()
            for key in self.get_map().values():
                self._watch(key.fd, key.events)

    def _waited(self) -> Any:
        return self._wait(self._timeout)

    def _tick(self) -> Any:
        self._box.armTick()
        return self._box.promise


class MailboxLoop(BaseSelectorEventLoop):
    """An event loop over a mailbox."""

    def __init__(self, box: Any) -> None:
        self.box = box
        self._listeners: dict[int, Note] = {}
        self._selected = MailboxSelector(box)
        super().__init__(self._selected)

    def listen(self, id_: int, listener: Note) -> None:
        """Call the listener with each note of that id, as the loop calls everything."""
        self._listeners[id_] = listener

    def unlisten(self, id_: int) -> None:
        """Drop the notes of that id from now on."""
        self._listeners.pop(id_, None)

    array = staticmethod(array)

    @property
    def rtc(self) -> Any:
        """The page's WebRTC (`Rtc` in web/src/core/rtc.ts); None where there is none."""
        return getattr(self.box, "rtc", None)

    def open_websocket(self, url: str, listener: Note) -> BrowserSocket:
        """A WebSocket, which is not open yet."""
        socket = BrowserSocket(self.box.socket(url))
        self.listen(socket.id, listener)
        return socket

    def _process_events(self, event_list: Any) -> None:
        super()._process_events(event_list)  # type: ignore[misc, unused-ignore]
        if not self._selected.noted:
            return
        notes = self.box.take()
        if notes is None:
            return
        flow = iter(notes)
        for id_, kind, value in zip(flow, flow, flow, strict=True):
            self.call_soon(self._deliver, id_, kind, value)

    def _deliver(self, id_: int, kind: int, value: Any) -> None:
        listener = self._listeners.get(id_)
        if listener is not None:
            listener(kind, value)

    # There are no threads and no signals here that would have to wake it.

    def _make_self_pipe(self) -> None:
        self._ssock = self._csock = None

    def _close_self_pipe(self) -> None:
        """There is none."""

    def _write_to_self(self) -> None:
        """Nobody else is there to do so."""
