"""What the lab's own processes cost this computer: all below this one, the dead and the orphaned as well.

The time of a process goes to its parent when that waits for it. bubblewrap's outer process does not wait for
its inner one, so the time of a sandboxed program would be lost, and be taken for somebody else's. After
`adopt` such an orphan becomes a child of this process, and stays one, dead, until `bury`. `release` ends it.
"""

import contextlib
import ctypes
import os
from collections.abc import Container

import psutil

_PR_SET_CHILD_SUBREAPER = 36


def adopt() -> None:
    """From now on processes whose parents end become children of this one. Linux only."""
    _subreaper(1)


def release() -> None:
    """They do so no more, and none that is dead is left."""
    _subreaper(0)
    bury()


def _subreaper(value: int) -> None:
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, value, 0, 0, 0)


def seconds() -> float:
    """Processor time in seconds that this process and all below it have had so far."""
    total = sum(os.times()[:4])
    for one in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            times = one.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total


def bury(but: Container[int] = ()) -> None:
    """Take dead children, but for those, off the kernel's table; their time then is this process's own."""
    for one in psutil.Process().children():
        with contextlib.suppress(psutil.NoSuchProcess, ChildProcessError):
            if one.status() == psutil.STATUS_ZOMBIE and one.pid not in but:
                os.waitpid(one.pid, os.WNOHANG)
