"""`huddle` on a terminal of its own: what a person would type, and what they would have seen."""

import fcntl
import os
import re
import struct
import subprocess
import sys
import termios
import threading
import time
from pathlib import Path

from tests.e2e.harness import LOOPBACK, PATIENCE

_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[()][A-Z0-9]|[\r\x07]")
SHOW_CURSOR, HIDE_CURSOR = "\x1b[?25h", "\x1b[?25l"


class Terminal:
    """One command on a pseudo-terminal of 100 columns; `raw` is all that it wrote."""

    def __init__(self, folder: Path, name: str, command: str, *args: str) -> None:
        self.home = folder / name
        self.temp = folder / f"{name}.tmp"
        self.temp.mkdir(parents=True, exist_ok=True)
        self.raw = ""
        self._seen = 0  # how much of `text` has been waited for
        self._news = threading.Condition()
        self._over = False
        self._master, slave = os.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 100, 0, 0))
        own = {"HUDDLE_HOME": str(self.home), "TMPDIR": str(self.temp), "TERM": "xterm-256color"}
        environment = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "LINES")}
        options = ("--name", name, *LOOPBACK) if command in ("host", "join") else ()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "huddle", command, *options, *args],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=environment | own,
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
            with self._news:
                self.raw += data.decode("utf-8", "replace")
                self._over = not data
                self._news.notify_all()

    @property
    def text(self) -> str:
        """All that was shown, without colours and movements."""
        return _CONTROL.sub("", self.raw)

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
