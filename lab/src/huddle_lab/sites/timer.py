"""A timer to the microsecond as a descriptor (timerfd), which Python has from 3.13 only.

asyncio's timers are rounded to milliseconds, and so is what select.epoll takes as a timeout.
"""

import ctypes
import os

_CLOCK_MONOTONIC, _ABSOLUTE = 1, 1
_NONBLOCK_CLOEXEC = os.O_NONBLOCK | os.O_CLOEXEC
_PR_SET_TIMERSLACK = 29

_libc = ctypes.CDLL(None, use_errno=True)


class _Timespec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class _Setting(ctypes.Structure):
    _fields_ = (("interval", _Timespec), ("first", _Timespec))


class Timer:
    """Readable once the time of `arm` has come. Times are those of time.monotonic()."""

    def __init__(self) -> None:
        self.fd: int = _libc.timerfd_create(_CLOCK_MONOTONIC, _NONBLOCK_CLOEXEC)
        if self.fd < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create")
        self._setting = _Setting()
        self._pointer = ctypes.byref(self._setting)

    def arm(self, at: float) -> None:
        """Become readable then; an earlier setting is forgotten."""
        first = self._setting.first
        first.seconds = int(at)
        first.nanoseconds = int((at - int(at)) * 1e9)
        if _libc.timerfd_settime(self.fd, _ABSOLUTE, self._pointer, None):
            raise OSError(ctypes.get_errno(), "timerfd_settime")

    def clear(self) -> None:
        """Not readable any more."""
        try:
            os.read(self.fd, 8)
        except BlockingIOError:
            return


def sharpen() -> None:
    """Let the kernel not delay this process's timers to save power (50 microseconds by default)."""
    _libc.prctl(_PR_SET_TIMERSLACK, 1, 0, 0, 0)
