"""The lines that a person types, or a pipe has, for whoever asks: a question of Huddle's, or the program.

A thread reads standard input, since no event loop can do that for files and terminals alike; it is a
daemon, so that a read that never returns keeps nobody from leaving. It reads one line when one is wanted:
what is typed before stays in the terminal, where `forget_typed_ahead` can drop it.
"""

import asyncio
import contextlib
import os
import select
import sys
import termios
import threading

_MOST = 4096  # bytes of a terminal's line, as Linux has them


class Keyboard:
    """Standard input as an asynchronous source of lines; one for a process."""

    def __init__(self) -> None:
        self._lines: asyncio.Queue[str | None] = asyncio.Queue()
        self._loop = asyncio.get_running_loop()
        self._over = False
        self._reading = False
        self._taking = threading.Lock()  # held while a line that is there is taken from a terminal
        self._begun = b""  # a line that Ctrl-D has cut in two
        self._read_lines = self._put_lines = 0  # compared where they come from a terminal
        self._stale = 0  # lines that were read before a question stood, and have not come here yet
        self._wanted = threading.Semaphore(0)
        threading.Thread(target=self._read, name="keyboard", daemon=True).start()

    async def line(self) -> str | None:
        """The next line without its end; None where the input is at its end."""
        if self._lines.empty():
            if self._over:
                return None
            self._want()
        return await self._lines.get()

    def forget_typed_ahead(self) -> None:
        """Drop what was typed before the question stood on the screen; a pipe's lines are kept."""
        if not _is_terminal():
            return
        with self._taking:  # else a line could have left the terminal, and count as none that was read
            with contextlib.suppress(termios.error):
                termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)
            while not self._lines.empty():
                self._lines.get_nowait()
            self._begun = b""
            self._stale = self._read_lines - self._put_lines

    def _want(self) -> None:
        if not self._reading:
            self._reading = True
            self._wanted.release()

    def _read(self) -> None:
        line = "\n"
        while line:
            self._wanted.acquire()
            try:
                line = self._typed() if _is_terminal() else sys.stdin.readline()
            except (ValueError, OSError):  # closed under us: the input is at its end
                line = ""
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody asks any more
                self._loop.call_soon_threadsafe(self._put, line)

    def _typed(self) -> str:
        """The next line of a terminal, which gives one at a time; empty at the end."""
        terminal = sys.stdin.fileno()
        while True:
            select.select([terminal], [], [])
            with self._taking:
                if not select.select([terminal], [], [], 0)[0]:
                    continue  # it has been dropped
                data = os.read(terminal, _MOST)
                self._begun += data
                if data and not data.endswith(b"\n"):
                    continue
                line, self._begun = self._begun.decode(sys.stdin.encoding), b""
                self._read_lines += 1
                return line

    def _put(self, line: str) -> None:
        self._reading = False
        self._put_lines += 1
        if not line:
            self._over = True
            self._lines.put_nowait(None)
        elif self._stale:
            self._stale -= 1
            self._want()  # somebody waits for the next
        else:
            self._lines.put_nowait(line.rstrip("\r\n"))


def _is_terminal() -> bool:
    try:
        return sys.stdin.isatty()
    except ValueError:  # closed
        return False
