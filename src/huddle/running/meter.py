"""What a program in its sandbox takes of the machine, looked at twice a second; the first that is too much.

The kernel keeps most limits itself (`RunLimits.in_force`, and the size of what is in memory), but for each
process, and a program may have many. This adds them up, and has a word for the person. Between two looks a
program may take more for a moment: then the kernel, short of memory, ends it before all others.
"""

import asyncio
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from huddle.running import processes
from huddle.running.limits import RunLimits, amount
from huddle.running.results import Place

EVERY = 0.5
_FILES = 50_000  # names in the program's directories: each takes some memory of the kernel's
_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


@dataclass(frozen=True, slots=True)
class Usage:
    """What a program has at a moment: processes and threads, bytes of memory, bytes and number of files."""

    processes: int
    memory: int
    files: int
    names: int

    def excess(self, limits: RunLimits) -> str:
        """What is too much, as the end of a run says it; empty where nothing is."""
        if self.memory > limits.memory:
            return f"it used more memory than the {amount(limits.memory)} that this machine gives it"
        if self.processes >= limits.processes:
            return f"it started more processes and threads than the {limits.processes} that it may have"
        if self.files >= limits.files * 0.98:
            return f"it wrote more than the {amount(limits.files)} that its files may take"
        if self.names > _FILES:
            return f"it made more than {_FILES:,} files"
        return ""


async def watch(root: int, place: Place, limits: RunLimits) -> str:
    """Wait until the processes under `root`, which write to `place`, take too much, and say what."""
    while True:
        await asyncio.sleep(EVERY)
        usage = await asyncio.to_thread(look, root, place, limits.memory)
        if reason := usage.excess(limits):
            return reason


def look(root: int, place: Place, enough: int) -> Usage:
    """What is taken now. Memory is counted page by page only where there may be more than `enough`."""
    found = processes.family(root)
    found.pop(root, None)
    resident = {pid: int(fields[processes.RESIDENT]) * _PAGE for pid, fields in found.items()}
    threads = sum(int(fields[processes.THREADS]) for fields in found.values())
    files, names = place.written()
    memory = files + sum(resident.values())
    if memory > enough:  # shared pages were counted for each that has them
        memory = files + sum(_exactly(pid, size) for pid, size in resident.items())
    return Usage(threads, memory, files, names)


def _exactly(pid: int, otherwise: int) -> int:
    """This process's part of the pages that it has, in bytes."""
    with suppress(OSError, ValueError, IndexError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return otherwise
