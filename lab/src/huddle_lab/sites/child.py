"""A process that the lab starts: its lines as they come, its end, and what it cost the machine."""

import os
import resource
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

KEPT_LINES = 200  # of what it wrote, for messages


def run_queue(pid: int) -> float | None:
    """Seconds for which a process's main thread was ready and waited for a processor so far."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9
    except (OSError, ValueError, IndexError):
        return None


class Child:
    """One process, in a group of its own. `take` gets each line that it writes, from another thread."""

    def __init__(
        self,
        command: Sequence[str],
        take: Callable[[str], None] = lambda _: None,
        *,
        env: dict[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        self.code: int | None = None
        self.usage: resource.struct_rusage | None = None
        self.ended: float = 0.0
        self.lines: deque[str] = deque(maxlen=KEPT_LINES)
        self.began = time.time()
        self._take = take
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=env,
            cwd=cwd,
            start_new_session=True,  # Ctrl-C is for the one who tidies up
        )
        self.pid = self._process.pid
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._read, self._wait)]
        for thread in self._threads:
            thread.start()

    @property
    def cpu(self) -> float:
        """Seconds of processor time, its children's included; known after its end."""
        return 0.0 if self.usage is None else self.usage.ru_utime + self.usage.ru_stime

    @property
    def memory_mb(self) -> float:
        """The most memory that it, or one of its children, held."""
        return 0.0 if self.usage is None else self.usage.ru_maxrss * 1024 / 1e6

    def run_queue(self) -> float | None:
        """Seconds for which its main thread waited for a processor so far."""
        return run_queue(self.pid)

    def join(self, deadline: float) -> bool:
        """Wait for its end until then (time.monotonic()); whether it has ended."""
        for thread in self._threads[::-1]:
            thread.join(max(0.0, deadline - time.monotonic()))
        return self.code is not None

    def stop(self, patience: float = 5.0) -> None:
        """End it, politely first."""
        self._signal(signal.SIGTERM)
        if not self.join(time.monotonic() + patience):
            self._signal(signal.SIGKILL)
            self.join(time.monotonic() + patience)

    def _signal(self, number: signal.Signals) -> None:
        with self._lock:
            if self.code is None:
                os.killpg(self.pid, number)

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as pipe:
            for data in pipe:
                line = data.decode("utf-8", "replace").rstrip("\n")
                self.lines.append(line)
                self._take(line)

    def _wait(self) -> None:
        # First without taking it off the kernel's table, so that a signal never meets another process.
        os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)
        self.ended = time.time()
        with self._lock:
            _, status, self.usage = os.wait4(self.pid, 0)
            self.code = self._process.returncode = os.waitstatus_to_exitcode(status)
