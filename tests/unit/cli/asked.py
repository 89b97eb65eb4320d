"""A process at a terminal of its own that asks when it is told to, so that one can type before it does."""

import os
import pty
import subprocess
import sys


class Asked:
    """Runs Python code that ends with a question; before it the code stands still until `ask`."""

    def __init__(self, before: str, question: str) -> None:
        waits = "print('ready', flush=True)\nos.read(int(sys.argv[1]), 1)"
        code = f"import os, sys\n{before}\n{waits}\n{question}\n"
        self._master, slave = pty.openpty()
        self._go, self._gone = os.pipe()
        self._child = subprocess.Popen(
            [sys.executable, "-c", code, str(self._go)],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            pass_fds=(self._go,),
            start_new_session=True,
        )
        os.close(slave)
        self._seen = ""
        self.until("ready")

    def type(self, keys: str) -> None:
        """Press keys; Enter is a newline."""
        os.write(self._master, keys.encode())

    def ask(self) -> None:
        """Let the code go on to its question."""
        os.write(self._gone, b".")

    def until(self, text: str) -> None:
        """Read until this was written."""
        while text not in self._seen:
            self._seen += os.read(self._master, 4096).decode()

    def end(self) -> int:
        """Wait for its end: the exit code."""
        code = self._child.wait(10)
        for one in (self._master, self._go, self._gone):
            os.close(one)
        return code
