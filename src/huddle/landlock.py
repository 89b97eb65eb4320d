"""Linux's Landlock, as far as Huddle uses it: this process and all that it starts stay among themselves.

A process in a Landlock domain cannot trace one outside of it, nor read its memory and environment, whatever
account both have; here it cannot signal one or connect to its abstract Unix sockets either. So neither a
program without a sandbox nor a hole in Huddle looks into the person's ssh-agent, browser or shell.

Files are not restricted: a domain that restricts any file may not mount, in itself and in its children
(security/landlock/fs.c), and the sandbox of the programs consists of mounts. Nor are Unix sockets that have
a path, such as an ssh-agent's or D-Bus's.

The numbers are those of linux/landlock.h and of all architectures.
"""

import ctypes
import os
import shutil
import stat
import sys

_CREATE_RULESET, _RESTRICT_SELF = 444, 446
_CREATE_RULESET_VERSION = 1
_PR_SET_NO_NEW_PRIVS = 38
_SCOPED = 6  # the version that has scopes: Linux 6.12
_SCOPE_ABSTRACT_UNIX_SOCKET, _SCOPE_SIGNAL = 1, 2


class _Ruleset(ctypes.Structure):
    _fields_ = [("handled_access_fs", ctypes.c_uint64), ("handled_access_net", ctypes.c_uint64),
                ("scoped", ctypes.c_uint64)]  # fmt: skip


def version() -> int:
    """The Landlock of this kernel, 0 where it has none."""
    if sys.platform != "linux":
        return 0
    return max(0, _syscall(_CREATE_RULESET, None, 0, _CREATE_RULESET_VERSION))


def problem() -> str:
    """Why this process can't be restricted; empty where it can."""
    if version() < _SCOPED:
        return "this kernel has no Landlock with scopes (Linux 6.12)"
    path = shutil.which("bwrap")
    if path is not None and os.stat(path).st_mode & stat.S_ISUID:
        return "bubblewrap is setuid here, which a restricted process may not use"
    return ""


def stay_among_ourselves() -> bool:
    """Restrict this process, which has one thread, for good; False where that can't be."""
    if problem():
        return False
    rules = _Ruleset(0, 0, _SCOPE_ABSTRACT_UNIX_SOCKET | _SCOPE_SIGNAL)
    ruleset = _syscall(_CREATE_RULESET, ctypes.byref(rules), ctypes.sizeof(rules), 0)
    if ruleset < 0:
        return False
    try:
        ctypes.CDLL(None).prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        return _syscall(_RESTRICT_SELF, ruleset, 0) == 0
    finally:
        os.close(ruleset)


def _syscall(number: int, *arguments: object) -> int:
    return int(ctypes.CDLL(None, use_errno=True).syscall(number, *arguments))
