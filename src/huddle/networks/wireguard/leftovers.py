"""What a killed session has left of WireGuard, and its removal at the next start.

Normally nothing: each tunnel is closed, and wireguard-go is told by the kernel when its Huddle dies. What
can stay are interfaces of the kernel's WireGuard, a wireguard-go where there is no setpriv, and sockets in
the file system. Names tell whose they were (`keys`); what may belong to somebody alive, or
whom nobody here can see, is left alone.
"""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

import psutil

from huddle.networks.wireguard import system, uapi
from huddle.networks.wireguard.device import PROGRAM
from huddle.networks.wireguard.keys import owner_of

_END = 2.0  # seconds for a process to end, before it is killed


@dataclass(frozen=True, slots=True)
class Leftovers:
    """Names of interfaces whose owners are dead: where there is one, a process, or a socket."""

    interfaces: frozenset[str]
    processes: frozenset[tuple[int, str]]
    sockets: frozenset[str]

    @property
    def names(self) -> list[str]:
        """All of these interfaces, each once."""
        return sorted(self.interfaces | self.sockets | {name for _, name in self.processes})


def find() -> Leftovers:
    """Look for them."""
    sockets = uapi.SOCKETS.glob("*.sock") if uapi.SOCKETS.is_dir() else ()
    return Leftovers(
        frozenset(filter(_orphaned, system.interfaces())),
        frozenset((pid, name) for pid, name in _processes() if _orphaned(name)),
        frozenset(path.stem for path in sockets if _orphaned(path.stem)),
    )


async def remove() -> str:
    """Remove them; what was removed, for people, and nothing where nothing was."""
    remains = await asyncio.to_thread(find)
    if not remains.names:
        return ""
    await asyncio.to_thread(_end, [pid for pid, _ in remains.processes])
    for name in remains.interfaces:
        await system.remove(name)
    for name in remains.names:
        with suppress(OSError):
            (uapi.SOCKETS / f"{name}.sock").unlink(missing_ok=True)
    owners = {owner.pid for owner in map(owner_of, remains.names) if owner}
    whose = ", ".join(str(pid) for pid in sorted(owners))
    return f"A session that was killed (process {whose}) had left {', '.join(remains.names)}: removed."


def _orphaned(name: str) -> bool:
    owner = owner_of(name)
    return owner is not None and not owner.foreign and not owner.alive


def _processes() -> Iterable[tuple[int, str]]:
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            line = process.cmdline()
            if len(line) == 3 and line[0].rpartition("/")[2] == PROGRAM and line[1] == "-f":
                yield process.pid, line[2]


def _end(pids: list[int]) -> None:
    processes = []
    for pid in pids:
        with suppress(psutil.Error):
            process = psutil.Process(pid)
            process.terminate()
            processes.append(process)
    for process in psutil.wait_procs(processes, timeout=_END)[1]:
        with suppress(psutil.Error):
            process.kill()
