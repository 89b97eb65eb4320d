"""The lines that a person types, for whoever asks: a question of Huddle's, or the program.

A thread reads standard input, since no event loop can do that for files and terminals alike; it is a
daemon, so that a read that never returns keeps nobody from leaving. There is one reader for a process.
"""

import asyncio
import contextlib
import sys
import threading
from collections.abc import Iterator

AHEAD = 1_000  # lines read before somebody wants them; a pipe may have any number


class Keyboard:
    """Standard input as an asynchronous source of lines."""

    def __init__(self) -> None:
        self._lines: asyncio.Queue[str | None] = asyncio.Queue()
        self._loop = asyncio.get_running_loop()
        self._over = False
        self._room = threading.Semaphore(AHEAD)
        threading.Thread(target=self._read, name="keyboard", daemon=True).start()

    async def line(self) -> str | None:
        """The next line without its end; None where the input is at its end."""
        if self._over and self._lines.empty():
            return None
        line = await self._lines.get()
        self._room.release()
        self._over = self._over or line is None
        return line

    def forget_typed_ahead(self) -> None:
        """Drop what was typed before the question stood on the screen; a pipe's lines are kept."""
        while sys.stdin.isatty() and not self._lines.empty():
            self._over = self._over or self._lines.get_nowait() is None
            self._room.release()

    def _read(self) -> None:
        for line in self._stdin():
            self._room.acquire()
            if not self._put(line.rstrip("\r\n")):
                return
        self._put(None)

    @staticmethod
    def _stdin() -> Iterator[str]:
        with contextlib.suppress(ValueError, OSError):  # closed under us: the input is at its end
            yield from iter(sys.stdin.readline, "")

    def _put(self, line: str | None) -> bool:
        try:
            self._loop.call_soon_threadsafe(self._lines.put_nowait, line)
        except RuntimeError:  # the loop is closed: nobody asks any more
            return False
        return True
