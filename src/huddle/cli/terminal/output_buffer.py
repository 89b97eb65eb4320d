"""Standard output that nobody waits for: a thread writes what the session prints.

A terminal that its person has stopped (Ctrl-S), or a pipe whose reader is slow, would otherwise stop the
supervisor, and the other parties would take this one for gone. Who writes much asks `caught_up` in between.
"""

import asyncio
import contextlib
import io
import threading
from collections import deque
from typing import TextIO

LIMIT = 32 << 20  # characters that may wait, should somebody write them without asking in between
AHEAD = 1 << 18  # characters that wait before `caught_up` does, so that Ctrl-C is not far behind
_PIECE = 1 << 16  # characters that are written at once


class OutputBuffer(io.TextIOBase):
    """A text stream in front of `target`. Once that is broken, `write` raises BrokenPipeError."""

    def __init__(self, target: TextIO) -> None:
        self._target = target
        self._texts: deque[str] = deque()
        self._waiting = 0
        self._broken: OSError | None = None
        self._over = False
        self._caught_up: tuple[asyncio.AbstractEventLoop, asyncio.Event] | None = None
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="output", daemon=True)
        self._thread.start()

    @property
    def encoding(self) -> str:  # type: ignore[override]  # a plain attribute in the base class
        """The target's."""
        return self._target.encoding

    def isatty(self) -> bool:
        """Whether the target is a terminal."""
        return self._target.isatty()

    def fileno(self) -> int:
        """The target's."""
        return self._target.fileno()

    def writable(self) -> bool:
        """Yes."""
        return True

    def write(self, text: str) -> int:
        """Take the text; waits only beyond LIMIT."""
        with self._changed:
            self._changed.wait_for(lambda: self._broken or self._waiting < LIMIT)
            if self._broken is not None:
                raise BrokenPipeError(*self._broken.args)
            self._texts.append(text)
            self._waiting += len(text)
            self._changed.notify_all()
        return len(text)

    def flush(self) -> None:
        """Nothing: the thread flushes whenever it has caught up."""

    @property
    def behind(self) -> bool:
        """Whether more than AHEAD characters wait to be written."""
        return self._waiting > AHEAD and self._broken is None

    async def caught_up(self) -> None:
        """Wait until it is not behind, and let the loop go on meanwhile."""
        with self._changed:
            if not self.behind:
                return
            event = asyncio.Event()
            self._caught_up = asyncio.get_running_loop(), event
        await event.wait()

    def finish(self) -> None:
        """Wait until all is written, or the target is broken; Ctrl-C ends the waiting."""
        with self._changed:
            self._over = True
            self._changed.notify_all()
        while self._thread.is_alive():
            self._thread.join(0.2)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._texts or self._over)
                if not self._texts:
                    return
                text = self._next()
            try:
                self._target.write(text)
                if not self._texts:
                    self._target.flush()
            except OSError as exc:
                with self._changed:
                    self._broken = exc
                    self._tell()
                return
            with self._changed:
                self._waiting -= len(text)
                self._tell()

    def _next(self) -> str:
        """The next piece of what waits."""
        taken: list[str] = []
        room = _PIECE
        while self._texts and room:
            text = self._texts.popleft()
            if len(text) > room:
                self._texts.appendleft(text[room:])
            taken.append(text[:room])
            room -= len(taken[-1])
        return "".join(taken)

    def _tell(self) -> None:
        self._changed.notify_all()
        if self._caught_up is not None and not self.behind:
            loop, event = self._caught_up
            self._caught_up = None
            with contextlib.suppress(RuntimeError):  # a loop that is closed waits for nothing
                loop.call_soon_threadsafe(event.set)
