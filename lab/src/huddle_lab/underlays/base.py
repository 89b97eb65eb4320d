"""What an underlay is: an overlay network that joins a cell's machines before anything runs on them.

A module of this folder says how one overlay is made (`Underlay.plan`), as files and commands for each
machine; `huddle_lab.runs.overlaid` writes the files, starts the commands and takes everything away again.
To add one, write such a module and name it in `registry.py`, or by an entry point of your own distribution.
"""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, runtime_checkable

HERE = "@HERE@"  # in files and commands: the directory on the machine where the files are

Command = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """What one machine is given, and does.

    `files` are by name, in a directory of the machine's own. `daemons` are started there, and run until the
    end. `up` are commands that are tried until each has succeeded, one after the other, before the next
    machine's turn; the hub comes first, then the parties by number. `down` are commands for the end, which
    may fail. `address` is the machine's in the overlay; the hub may have none.
    """

    address: str
    files: Mapping[str, bytes] = field(default_factory=dict)
    daemons: Sequence[Command] = ()
    up: Sequence[Command] = ()
    down: Sequence[Command] = ()


@runtime_checkable
class Underlay(Protocol):
    """One way to make an overlay."""

    @property
    def name(self) -> str:
        """As a study says it: `plain+NAME`."""
        ...

    @property
    def commands(self) -> Mapping[str, str]:
        """The commands and, as paths, other files that each machine needs, each with its Debian package."""
        ...

    def plan(self, machines: Sequence[str], hub: str) -> tuple[list[Place], Place]:
        """What each machine does, and what the hub does, where the rendezvous is.

        Both are given as addresses without the overlay. Keys are made anew at each call.
        """
        ...


def is_here(name: str) -> bool:
    """Whether this computer has that command or file of `Underlay.commands`."""
    return shutil.which(name) is not None or Path(name).is_file()


def pairs(size: int) -> list[tuple[int, int]]:
    """All pairs of so many machines, the lower number first."""
    return [(low, high) for high in range(size) for low in range(high)]
