"""A process and all that descend from it, as Linux's /proc tells it; nobody else tells it so cheaply.

It is looked at every half a second while a program runs, on machines with hundreds of processes: so each
costs three system calls, and nothing that Python could spare.
"""

import os
from collections import defaultdict

# Of proc_pid_stat(5), counted from the state, the first field behind the name.
PARENT, WORK, THREADS, RESIDENT = 1, slice(11, 15), 17, 21


def known() -> bool:
    """Whether this system tells it."""
    return os.path.isdir("/proc/self/task")


def family(root: int) -> dict[int, list[bytes]]:
    """The fields of `root` and of its descendants, by process id; empty where it does not exist."""
    fields: dict[int, list[bytes]] = {}
    children: dict[int, list[int]] = defaultdict(list)
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            file = os.open(f"/proc/{name}/stat", os.O_RDONLY | os.O_CLOEXEC)
            try:
                # The name of a process may hold anything, but no field behind it holds a bracket.
                words = os.read(file, 4096).rpartition(b")")[2].split()
            finally:
                os.close(file)
        except OSError:  # it has ended
            continue
        if len(words) > RESIDENT:
            fields[int(name)] = words
            children[int(words[PARENT])].append(int(name))
    ours, more = dict[int, list[bytes]](), [root]
    while more:
        pid = more.pop()
        if pid in fields:
            ours[pid] = fields[pid]
            more += children[pid]
    return ours
