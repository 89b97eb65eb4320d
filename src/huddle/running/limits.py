"""How much of a machine a program may take in its sandbox, as its person says it: `--limit memory=4G`.

A program that takes more is ended, and is to blame. Who has no sandbox has no limits.
"""

import os
import platform
import re
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Self

from huddle.errors import LocalError

_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_STEP = 256 << 20  # so that people read 11776M, and not 12342048K
_LEAST = {"processes": 8, "memory": 64 << 20, "files": 1 << 20, "file": 1 << 10, "open": 64}


def _half_of_memory() -> int:
    """Half of this machine's memory in bytes, in whole steps of 256 MiB, and no less than 1 GiB."""
    try:
        total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):  # a browser, say, where nothing is limited here
        total = 0
    return max(1 << 30, total // 2 // _STEP * _STEP)


@dataclass(frozen=True, slots=True)
class RunLimits:
    """What a program may have at once.

    `processes`: processes and threads together. `memory`: bytes of all of them together, with what lies in
    its files, which are in memory. `files`: bytes of all its files together; `file`: of one (0: as much as
    of all); `open`: descriptors in one process. Raises LocalError for what no program could start with.
    """

    processes: int = 256
    memory: int = 0  # 0: half of this machine's
    files: int = 512 << 20
    file: int = 0
    open: int = 1024

    def __post_init__(self) -> None:
        object.__setattr__(self, "memory", self.memory or _half_of_memory())
        object.__setattr__(self, "file", self.file or self.files)
        for name, least in _LEAST.items():
            if getattr(self, name) < least:
                raise LocalError(f"No program can run with {name}={getattr(self, name)}.", hint=_hint(least))

    @classmethod
    def read(cls, texts: Iterable[str]) -> Self:
        """The usual limits but for these: `NAME=NUMBER`, with K, M, G or T for powers of 1,024."""
        found: dict[str, int] = {}
        for text in texts:
            name, _, value = text.partition("=")
            number = re.fullmatch(r"([0-9]{1,12})([KMGT]?)i?B?", value.strip(), re.IGNORECASE)
            if name not in _LEAST or number is None:
                raise LocalError(f"--limit {text} is no limit.", hint=f"Say {', '.join(usual())}.")
            found[name] = int(number[1]) * _UNITS[number[2].upper()]
        return cls(**found)

    def in_force(self) -> dict[str, int]:
        """The kernel's limits of each process (setrlimit(2)), by name.

        Of address space a process may reserve more than it uses: each thread an arena and a stack, numpy
        buffers for each processor.
        """
        reserved = (1 << 30) + (96 << 20) * (os.cpu_count() or 1)
        limits = {"CORE": 0, "AS": self.memory + reserved, "FSIZE": self.file, "NOFILE": self.open}
        if _counted_apart(platform.release()):
            limits["NPROC"] = self.processes
        return limits

    def told(self) -> tuple[str, ...]:
        """Each as `--limit` would take it."""
        return tuple(f"{one.name}={_shown(one.name, getattr(self, one.name))}" for one in fields(self))


def _counted_apart(release: str) -> bool:
    """Whether this Linux counts the processes of a user namespace by themselves, as since 5.14.

    Before, all that the person runs counts, and a limit that fits the program would leave it none.
    """
    found = re.match(r"(\d+)\.(\d+)", release)
    return found is not None and (int(found[1]), int(found[2])) >= (5, 14)


@dataclass(frozen=True, slots=True)
class Confinement:
    """What a person is told of the sandbox before they say yes: what it lacks, and the limits in it."""

    weaker: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()


def usual() -> tuple[str, ...]:
    """What there is to say, with its usual values."""
    return RunLimits().told()


def amount(value: int) -> str:
    """A number of bytes as a person reads it."""
    for unit in ("GiB", "MiB", "KiB"):
        size = _UNITS[unit[0]]
        if value >= size:
            return f"{value / size:.1f}".removesuffix(".0") + f" {unit}"
    return f"{value} bytes"


def _shown(name: str, value: int) -> str:
    if name in ("processes", "open"):
        return str(value)
    for unit, size in reversed(_UNITS.items()):
        if value and value % size == 0:
            return f"{value // size}{unit}"
    return str(value)


def _hint(least: int) -> str:
    return f"Give it at least {least if least < 1 << 10 else amount(least)}."
