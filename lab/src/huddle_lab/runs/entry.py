"""The entry that the lab puts before a program, so that its runs can be repeated and measured.

It lies beside the program as `lab_entry.py` with a file `lab_entry.json`, {"program": file, "seed": text},
and is run in its place, by plain MPyC and in sessions alike. It

- seeds `secrets.token_bytes` and `random`, differently for each party: MPyC draws its keys for
  pseudorandom secret sharing from the former, so that a program which tries until it succeeds needs the
  same number of tries, and the same rounds, in each run with this seed. ALL SECRETS OF SUCH A RUN CAN BE
  GUESSED: it is for measuring only;
- lets MPyC count its steps as with `--mix32-64bit`, everywhere: from its count it draws what the parties draw
  together, and its other way of counting depends on the word size, so that a seed would draw otherwise in a
  browser. Nothing else of MPyC is changed; a step costs about a microsecond more;
- takes the time of what MPyC logs (connected, stopped), and at the end prints one line: MARK and JSON.

It may import nothing but the standard library, and nothing of huddle: it runs in any interpreter.
"""

import atexit
import hashlib
import itertools
import json
import logging
import os
import random
import re
import secrets
import sys
import time
import types
from typing import Any

try:
    import resource
except ImportError:  # in a browser
    resource = None  # type: ignore[assignment]

MARK = "huddle-lab: "


def peak_mb(counted: int) -> float:
    """The most memory that this process held; what getrusage(2) `counted`, in KiB, may be its parent's."""
    try:
        with open("/proc/self/status") as file:
            kibibytes = next(int(line.split()[1]) for line in file if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        kibibytes = counted
    return kibibytes * 1024 / 1e6


def seed(text: str, pid: str) -> None:
    """Make what this party draws follow from the text."""
    source = random.Random(f"{text}/{pid}")  # noqa: S311 - to be guessed is its purpose

    def token_bytes(nbytes: int | None = None) -> bytes:
        return source.randbytes(32 if nbytes is None else nbytes)

    secrets.token_bytes = token_bytes
    random.seed(f"{text}/{pid}/random")


def count_alike() -> None:
    """Let MPyC's count of steps follow from the program alone, on any machine."""
    asyncoro: Any = sys.modules.get("mpyc.asyncoro")

    def hop(counter: list[int]) -> int:
        digest = hashlib.sha1(str(counter).encode(), usedforsecurity=False).digest()
        return int.from_bytes(digest[:8], "little", signed=True)

    if asyncoro:
        asyncoro._hop = hop


def index(arguments: list[str]) -> str:
    """The party's number in MPyC's arguments, or 0."""
    for name, value in itertools.pairwise(arguments):
        if name in ("-I", "--index"):
            return value
    return "0"


def queued() -> float | None:
    """Seconds for which this process's threads were ready and had to wait for a processor."""
    total = 0
    try:
        for task in os.listdir("/proc/self/task"):
            with open(f"/proc/self/task/{task}/schedstat") as file:
                total += int(file.read().split()[1])
    except (OSError, IndexError, ValueError):
        return None
    return total / 1e9


class Watch:
    """The times and counts of MPyC's own log, which is otherwise left as it is."""

    def __init__(self) -> None:
        self.began = time.time()
        self.connected: list[float] = []
        self.stopped: list[float] = []
        self.sent = 0
        self._alone = False
        self._queued = 0.0
        self.queued: float | None = None
        self._make = logging.getLogRecordFactory()
        logging.setLogRecordFactory(self.record)

    def record(self, *args: Any, **kwargs: Any) -> logging.LogRecord:
        """A record is made, of which MPyC's messages tell what it does."""
        record = self._make(*args, **kwargs)
        text = str(record.msg)
        if text.startswith("Start MPyC runtime"):
            self._alone = True
            count_alike()
        elif re.match(r"All \d+ parties connected", text):
            self._alone = False
            self._connect(time.time())
        elif text.startswith("Stop MPyC"):
            now = time.time()
            if self._alone:
                self._connect(self.began)
            self.stopped.append(now)
            self.sent += int(text.rpartition("bytes sent: ")[2] or 0)
            if (total := queued()) is not None:
                self.queued = (self.queued or 0.0) + total - self._queued
        return record

    def _connect(self, when: float) -> None:
        self.connected.append(when)
        self._queued = queued() or 0.0

    def report(self) -> None:
        """Print what was found."""
        usage = resource.getrusage(resource.RUSAGE_SELF) if resource else None
        found = {
            "began": self.began,
            "connected": self.connected,
            "stopped": self.stopped,
            "sent": self.sent,
            "cpu": usage.ru_utime + usage.ru_stime if usage else None,
            "memory_mb": peak_mb(usage.ru_maxrss) if usage else None,
            "queued": self.queued,
            "python": sys.version.split()[0],
            "modules": {
                name: str(getattr(sys.modules[name], "__version__", ""))
                for name in ("mpyc", "numpy", "gmpy2", "uvloop")
                if name in sys.modules
            },
        }
        print(f"\n{MARK}{json.dumps(found)}", flush=True)


def main() -> None:
    """Run the program as Python would."""
    here = os.path.dirname(os.path.abspath(__file__))
    with open(os.path.join(here, "lab_entry.json"), encoding="utf-8") as file:
        config = json.load(file)
    path = os.path.join(here, config["program"])
    with open(path, "rb") as file:
        code = compile(file.read(), path, "exec", dont_inherit=True)
    seed(config["seed"], index(sys.argv))
    atexit.register(Watch().report)
    sys.argv[0] = config["program"]
    program = types.ModuleType("__main__")
    program.__dict__.update(__file__=path, __builtins__=__builtins__)
    sys.modules["__main__"] = program
    exec(code, program.__dict__)  # noqa: S102 - it is what this file is for


if __name__ == "__main__":
    main()
