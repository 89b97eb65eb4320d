"""The last step before the sandbox: a process that gives up what bubblewrap can't take away, and becomes it.

    python -I -S launcher.py JSON COMMAND [ARGUMENT ...]

JSON: `keyctl`, this machine's number of that system call (null: none known); `nice`, added to the process's
niceness; `oom_score_adj` (proc_pid_oom_score_adj(5)). Then COMMAND, an absolute path, runs with no
environment at all, no core, and a new session keyring in place of the person's: what is in theirs, such as
Kerberos tickets, is not even within reach of a hole in the filter. Each is as much as this system allows.

Standard library only: a supervisor starts it with `-I -S`, so that it takes some milliseconds.
"""

import ctypes
import json
import os
import resource
import sys
from contextlib import suppress

KEYCTL_JOIN_SESSION_KEYRING = 1  # linux/keyctl.h


def main(arguments: list[str]) -> None:
    """Do all that, and become the command."""
    given = json.loads(arguments[0])
    if given["keyctl"] is not None:
        ctypes.CDLL(None).syscall(given["keyctl"], KEYCTL_JOIN_SESSION_KEYRING, None, 0, 0, 0)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(OSError):
        os.nice(given["nice"])
    with suppress(OSError), open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
        file.write(str(given["oom_score_adj"]))
    os.execve(arguments[1], arguments[1:], {})  # noqa: S606 - it is what this process is for


if __name__ == "__main__":
    main(sys.argv[1:])
