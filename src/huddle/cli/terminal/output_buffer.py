"""Standard output that nobody waits for: a thread writes what the session prints.

A terminal that its person has stopped (Ctrl-S), or a pipe whose reader is slow, would otherwise stop the
supervisor, and the other parties would take this one for gone.
"""

import io
import threading
from collections import deque
from typing import TextIO

LIMIT = 32 << 20  # characters that may wait; a program that prints more than anybody reads is waited for


class OutputBuffer(io.TextIOBase):
    """A text stream in front of `target`. Once that is broken, `write` raises BrokenPipeError."""

    def __init__(self, target: TextIO) -> None:
        self._target = target
        self._texts: deque[str] = deque()
        self._waiting = 0
        self._broken: OSError | None = None
        self._over = False
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
                text = "".join(self._texts)
                self._texts.clear()
            try:
                self._target.write(text)
                self._target.flush()
            except OSError as exc:
                with self._changed:
                    self._broken = exc
                    self._changed.notify_all()
                return
            with self._changed:
                self._waiting -= len(text)
                self._changed.notify_all()
