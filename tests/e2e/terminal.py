"""`huddle` on a terminal of its own: what a person would type, and what they would have seen."""

import fcntl
import os
import re
import select
import struct
import subprocess
import sys
import termios
import threading
import time
from pathlib import Path

import pyte

from tests.e2e.harness import LOOPBACK, PATIENCE

SHOW_CURSOR, HIDE_CURSOR = "\x1b[?25h", "\x1b[?25l"
_SPINNER = re.compile("^[\u2800-\u28ff] ")
_QUIET = 0.03  # seconds without news, after which a screen is taken to be painted whole
_COLUMNS, _ROWS = 100, 50


class Terminal:
    """One command on a pseudo-terminal of 100 columns.

    `raw` is all that it wrote; `text` all lines that stood on its screen, each as often as it came anew.
    """

    def __init__(self, folder: Path, name: str, command: str, *args: str, **environment: str) -> None:
        self.home = folder / name
        self.temp = folder / f"{name}.tmp"
        self.temp.mkdir(parents=True, exist_ok=True)
        self.raw = ""
        self.text = ""
        self._seen = 0  # how much of `text` has been waited for
        self._screen = pyte.HistoryScreen(_COLUMNS, _ROWS, history=10_000, ratio=0.5)
        self._stream = pyte.ByteStream(self._screen)
        self._stood: set[str] = set()  # the lines on the screen
        self._scrolled = 0  # lines of the history that are in `text`
        self._news = threading.Condition()
        self._over = False
        self._master, slave = os.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", _ROWS, _COLUMNS, 0, 0))
        own = {
            "HUDDLE_HOME": str(self.home),
            "TMPDIR": str(self.temp),
            "TERM": "xterm-256color",
            **environment,
        }
        kept = {
            key: value for key, value in os.environ.items() if key not in ("COLUMNS", "LINES", "HUDDLE_PLAIN")
        }
        options = ("--name", name, *LOOPBACK) if command in ("host", "join") else ()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "huddle", command, *options, *args],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=kept | own,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # so that Ctrl-C is a signal there
        )
        os.close(slave)
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        data = b"start"
        while data:
            try:
                data = os.read(self._master, 65_536)
            except OSError:  # the last process at the terminal has ended
                data = b""
            self._stream.feed(data)
            self.raw += data.decode("utf-8", "replace")
            if data and select.select([self._master], [], [], _QUIET)[0]:
                continue
            with self._news:
                self._note()
                self._over = not data
                self._news.notify_all()

    def _note(self) -> None:
        """Add the lines that are new on the screen, and those that only passed over it, to the text."""
        history = self._screen.history.top
        passed = ["".join(row[x].data for x in range(_COLUMNS)) for row in list(history)[self._scrolled :]]
        self._scrolled = len(history)
        standing = [_SPINNER.sub("", line.rstrip()) for line in self._screen.display]
        for line in [*(_SPINNER.sub("", line.rstrip()) for line in passed), *standing]:
            if line not in self._stood and (line or not self.text.endswith("\n\n")):
                self.text += line + "\n"
        self._stood = set(standing) - {""}

    @property
    def screen(self) -> str:
        """What stands on the screen now."""
        with self._news:
            return "\n".join(line.rstrip() for line in self._screen.display).rstrip()

    def stands(self, pattern: str, timeout: float = PATIENCE) -> None:
        """Wait until something stands on the screen, be it new or not: a question asked before, say."""
        with self._news:
            if not self._news.wait_for(lambda: re.search(pattern, "\n".join(self._screen.display)), timeout):
                raise AssertionError(f"{pattern!r} does not stand on the screen:\n{self._screen.display}")

    def asks(self, question: str, timeout: float = PATIENCE) -> None:
        """Wait until this question stands on the screen and counts what is typed.

        What is typed between an answer's news and the next question is forgotten. A question that was
        answered stays among the lines too, but with its answer behind it.
        """
        self.stands(rf"{question} *\n", timeout)

    def wait(self, pattern: str, timeout: float = PATIENCE) -> re.Match[str]:
        """Wait for something after what was waited for last."""
        deadline = time.monotonic() + timeout
        with self._news:
            while True:
                found = re.compile(pattern).search(self.text, self._seen)
                if found:
                    self._seen = found.end()
                    return found
                left = deadline - time.monotonic()
                if self._over or left <= 0:
                    raise AssertionError(
                        f"{pattern!r} was not shown; after the last:\n{self.text[self._seen :]}"
                    )
                self._news.wait(left)

    def type(self, line: str) -> None:
        """Type a line and Enter."""
        os.write(self._master, f"{line}\n".encode())

    def press(self, key: str) -> None:
        """Press a key, without Enter."""
        os.write(self._master, key.encode())

    def ctrl_c(self) -> None:
        """Press Ctrl-C."""
        os.write(self._master, b"\x03")

    def end(self, timeout: float = PATIENCE) -> int:
        """Wait for the end; the exit code."""
        code = self.process.wait(timeout)
        self._thread.join(5)
        return code

    def close(self) -> None:
        """End it, if it has not ended, and forget the terminal."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(5)
        self._thread.join(5)
        os.close(self._master)
