"""What a provider of machines gives to the lab: sites with machines on which processes run.

    provider        netns, ssh or cloud, for a whole sitting
    site            the machines of one run: one for each party, and one for the rendezvous
    machine         runs jobs in a folder of the run
    job             one process there, and its lines as they come

Runs (plain.py, session.py) know nothing else of where they happen.
"""

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from huddle_lab.study.trials import Trial

GLANCE = 0.5  # seconds between two looks at all jobs
Take = Callable[[str], None]


class RunFailed(Exception):
    """A run did not come to its end; the text says why."""


class Job(Protocol):
    """One process on a machine, in a group of its own."""

    code: int | None  # None while it runs
    ended: float  # by this computer's clock (time.time())
    lines: deque[str]  # the last that it wrote

    @property
    def cpu(self) -> float:
        """Seconds of processor time, its children's included; known after its end."""
        ...

    def run_queue(self) -> float | None:
        """Seconds for which its main thread was ready and waited for a processor, about now."""
        ...

    def join(self, deadline: float) -> bool:
        """Wait for its end until then (time.monotonic()); whether it has ended.

        RunFailed: its host is lost.
        """
        ...

    def stop(self, patience: float = 5.0) -> None:
        """End it, politely first."""
        ...


class Machine(Protocol):
    """Where a party runs, for one run."""

    @property
    def index(self) -> int:
        """Its number in the site."""
        ...

    @property
    def address(self) -> str:
        """Under which the other machines reach it."""
        ...

    @property
    def dns(self) -> str:
        """A name under which they reach it; empty where it has none."""
        ...

    @property
    def via(self) -> str:
        """The address that sessions are held at; empty: whatever suits."""
        ...

    @property
    def python(self) -> str:
        """The interpreter there that has Huddle."""
        ...

    @property
    def folder(self) -> str:
        """The directory of this run there."""
        ...

    @property
    def ahead(self) -> float:
        """Seconds by which its clock is ahead of this computer's."""
        ...

    def start(
        self,
        command: Sequence[str],
        take: Take,
        *,
        env: Mapping[str, str],
        without: tuple[str, ...],
        cwd: str | None = None,
    ) -> Job:
        """Start a process; its environment is the machine's, without names that begin so, and `env`."""
        ...


class Site(Protocol):
    """The machines of one run."""

    @property
    def machines(self) -> Sequence[Machine]:
        """One for each party."""
        ...

    @property
    def rendezvous(self) -> Machine:
        """Where the rendezvous runs."""
        ...

    def put(self, files: Mapping[str, bytes]) -> None:
        """Write these files, by relative path, into the folder of each machine."""
        ...

    def begun(self) -> None:
        """The parties are connected: what the scenario changes during a run is due from now on."""
        ...

    def columns(self) -> dict[str, Any]:
        """Of the row: machine, hosts, calibration, one_way_ms, foreign, late."""
        ...


class Provider(Protocol):
    """Makes sites. Entered before the first and left after the last."""

    parallel: int  # so many sites at once, at most

    def claims(self, cell: Trial) -> frozenset[str]:
        """What the cell occupies; cells that claim the same run one after the other."""
        ...

    def ready(self, cell: Trial) -> bool:
        """Whether all that it claims is there, or known to be lost; False while it is being prepared."""
        ...

    def site(self, cell: Trial) -> AbstractContextManager[Site]:
        """The machines for a run of this cell; RunFailed where they can't be had."""
        ...

    def __enter__(self) -> "Provider": ...

    def __exit__(self, *error: Any) -> None: ...


def environment(own: Mapping[str, str], env: Mapping[str, str], without: tuple[str, ...]) -> dict[str, str]:
    """The environment of a job on a machine whose own one is `own`."""
    return {name: value for name, value in own.items() if not name.startswith(without)} | dict(env)


def wait_for(jobs: Sequence[Job], deadline: float) -> None:
    """Until all have ended, or then (time.monotonic()). RunFailed as soon as the host of any is lost."""
    while running := [job for job in jobs if not job.join(0)]:
        left = deadline - time.monotonic()
        if left <= 0:
            return
        running[0].join(time.monotonic() + min(left, GLANCE))


def stop(jobs: Sequence[Job]) -> None:
    """End all of them, also those after one that can't be."""
    for job in jobs:
        job.stop()
