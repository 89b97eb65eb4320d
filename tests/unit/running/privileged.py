"""Becomes a command whose exec may give it more rights, although it asks the kernel that it may not.

    python privileged.py COMMAND [ARGUMENT ...]

bubblewrap always says PR_SET_NO_NEW_PRIVS. Here the kernel answers that with "done" and does nothing: a
filter of a process that has all capabilities in a user namespace of its own, which needs no such word.
"""

import ctypes
import os
import struct
import sys

from huddle.running import seccomp

CLONE_NEWUSER = 0x10000000
PR_SET_SECCOMP, SECCOMP_MODE_FILTER, PR_SET_NO_NEW_PRIVS = 22, 2, 38
LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06  # of BPF: a word at an offset, jump if equal, return
ALLOWED, DONE = 0x7FFF0000, 0x00050000  # SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO with no error


class Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_char_p))


def main(*command: str) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    uid, gid = os.getuid(), os.getgid()
    os.unshare(CLONE_NEWUSER)
    for name, line in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(line)
    steps = (
        (LOAD, 0, 0, 0),  # the call's number
        (EQUAL, 0, 3, seccomp.numbers("allowed")["prctl"]),
        (LOAD, 0, 0, 16),  # its first argument
        (EQUAL, 0, 1, PR_SET_NO_NEW_PRIVS),
        (RETURN, 0, 0, DONE),
        (RETURN, 0, 0, ALLOWED),
    )
    code = b"".join(struct.pack("HBBI", *step) for step in steps)
    given = ctypes.byref(Program(len(steps), code))
    if libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, given, 0, 0):
        raise OSError(ctypes.get_errno(), "no filter")
    os.execv(command[0], command)  # noqa: S606 - it is what this is for


if __name__ == "__main__":
    main(*sys.argv[1:])
