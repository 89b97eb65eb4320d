"""A temporary directory that belongs to a process, and how others tell it from one that a crash left.

It is locked for as long as its owner lives; the system lets go of the lock however the owner ends.
"""

import os
import shutil
import stat
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any

if sys.platform != "emscripten":  # a browser has no other processes, and no locks
    import fcntl


class Scratch:
    """A directory of one's own (0700) with this prefix, until it is removed; `path` is absolute."""

    def __init__(self, prefix: str) -> None:
        self.path = Path(tempfile.mkdtemp(prefix=prefix)).resolve()
        self._lock = -1
        if sys.platform != "emscripten":
            self._lock = os.open(self.path, os.O_RDONLY)
            fcntl.flock(self._lock, fcntl.LOCK_SH)

    def __enter__(self) -> Path:
        return self.path

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.remove()

    def remove(self) -> bool:
        """Remove it with all that is in it; whether it is gone."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1
        return remove(self.path)


def held(path: Path) -> bool:
    """Whether the process that made this directory still lives."""
    if sys.platform == "emscripten":
        return True
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def remove(path: Path) -> bool:
    """Remove a directory with all that is in it, though a program locked parts; whether it is gone."""
    if os.path.lexists(path):
        shutil.rmtree(path, onexc=_open_up)
    return not os.path.lexists(path)


def _open_up(function: Any, path: str, error: BaseException) -> None:
    """Make what a program locked writable, and try once more."""
    for name in (os.path.dirname(path), path):
        if not os.path.islink(name) and os.path.exists(name):
            os.chmod(name, stat.S_IRWXU)
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path, ignore_errors=True)
    elif os.path.lexists(path):
        os.unlink(path)
