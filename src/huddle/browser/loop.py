"""The event loop of a worker: asyncio's own, over a mailbox that JavaScript fills (web/src/core/mailbox.ts).

It waits by poll(2), as asyncio does elsewhere: Pyodide lets JavaScript run meanwhile, by the engine's promise
integration (JSPI), and the mailbox answers for numbers that no file has. So Python is never entered while
it is at work, `run_until_complete` returns as it does elsewhere, and MPyC runs as it is.

A `PortSocket` stands for a socket that does not block: `add_reader` and `add_writer` take it. Everything
else comes as notes, for whoever listens to their id.
"""

import asyncio
import select
import time
from asyncio.selector_events import BaseSelectorEventLoop
from collections import deque
from collections.abc import Callable
from selectors import PollSelector
from typing import Any, SupportsIndex, cast

from huddle.browser.js_values import array

_LONGEST = 86_400.0  # seconds: JavaScript's timers have 32 bits of milliseconds
SLICE = 0.008  # seconds of work after which JavaScript gets a turn, so that messages arrive meanwhile

Note = Callable[[int, Any], None]  # kind and value


def wait_until(fd: int, events: int = select.POLLIN) -> None:
    """Block until what has that number in the mailbox is ready."""
    poll = select.poll()
    poll.register(fd, events)
    poll.poll()


def result_of(outcome: Any) -> Any:
    """Block until that `Outcome` of mailbox.ts is there: its value; raises JsException where it failed."""
    wait_until(outcome.fd)
    return outcome.take()


def sleep(seconds: float | SupportsIndex, /) -> None:
    """What `time.sleep` is here. Pyodide's own waits for the running loop, which waits for it."""
    left = float(seconds)
    if left < 0:
        raise ValueError("sleep length must be non-negative")
    end = time.monotonic() + left
    while True:
        select.poll().poll(1000 * min(max(left, 0.0), _LONGEST))
        left = end - time.monotonic()
        if left <= 0:
            return


class PortSocket:
    """A stream of the mailbox, with what Huddle uses of a `socket.socket` that does not block."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._fd: int = stream.fd
        # Looked up once: every look into JavaScript costs.
        self._read, self._send = stream.read, stream.send

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


class BrowserSocket:
    """A WebSocket of the browser; its notes are 0 open, 1 a message to take, 2 closed with a reason."""

    def __init__(self, script: Any) -> None:
        self.script = script
        self.id: int = script.id

    @property
    def open(self) -> bool:
        return bool(self.script.open)

    def take(self) -> bytes | None:
        """The next message; None where JavaScript takes them."""
        data = self.script.take()
        return None if data is None else cast(bytes, data.to_bytes())

    def send(self, data: bytes | memoryview) -> None:
        self.script.send(array(data))

    def close(self) -> None:
        self.script.close()


class MailboxLoop(BaseSelectorEventLoop):
    """An event loop over a mailbox."""

    def __init__(self, box: Any) -> None:
        self.box = box
        self._listeners: dict[int, Note] = {}
        super().__init__(PollSelector())
        self.add_reader(box.fd, self._take_notes)

    def _run_once(self) -> None:
        """One turn, and what it leads to at once: asking in between what has come costs as much as a step."""
        super()._run_once()  # type: ignore[misc, unused-ignore]
        ready: deque[asyncio.Handle] = self._ready  # type: ignore[attr-defined, unused-ignore]
        until = time.perf_counter() + SLICE
        while ready and not self._stopping and time.perf_counter() < until:  # type: ignore[attr-defined, unused-ignore]
            handle = ready.popleft()
            if not handle._cancelled:
                handle._run()

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

    def _take_notes(self) -> None:
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
