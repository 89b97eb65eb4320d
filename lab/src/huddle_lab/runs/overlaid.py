"""Brings an underlay up on the machines of a site, and takes it away again.

What it starts bears a mark in its environment, by which all of it is found at the end, daemons too that have
left their process groups.
"""

import contextlib
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from huddle_lab.sites.base import Job, Machine, RunFailed, Site, Take
from huddle_lab.underlays.base import HERE, Command, Place
from huddle_lab.underlays.registry import UNDERLAYS

PATIENCE = 60.0  # until every machine reaches every other
_AGAIN = 0.1
_MARK = "HUDDLE_UNDERLAY"

# A refusal comes from the machine itself, so that the way is there.
_REACH = """
import socket, sys, time
until = time.monotonic() + float(sys.argv[1])
left = sys.argv[2:]
while left and time.monotonic() < until:
    try:
        socket.create_connection((left[0], 9), 1).close()
    except ConnectionRefusedError:
        left.pop(0)
    except OSError:
        time.sleep(0.05)
print(*left)
"""
_SWEEP = """
import os, signal, sys
for name in os.listdir("/proc"):
    if name.isdigit() and int(name) != os.getpid():
        try:
            with open(f"/proc/{name}/environ", "rb") as file:
                if sys.argv[1].encode() in file.read().split(b"\\0"):
                    os.kill(int(name), signal.SIGKILL)
        except OSError:
            pass
"""


@dataclass(frozen=True, slots=True)
class OverlaidMachine:
    """A machine as it is reached through the overlay."""

    machine: Machine
    address: str
    names: Mapping[str, str]  # of all machines, where addresses are IPv6, which MPyC's -P can't read

    @property
    def index(self) -> int:
        """Its number."""
        return self.machine.index

    @property
    def dns(self) -> str:
        """Its name in the overlay; empty where it needs none."""
        return next((name for name, address in self.names.items() if address == self.address), "")

    @property
    def via(self) -> str:
        """Sessions are held over the overlay."""
        return self.address

    @property
    def python(self) -> str:
        """The interpreter there."""
        return self.machine.python

    @property
    def folder(self) -> str:
        """The directory of this run there."""
        return self.machine.folder

    @property
    def ahead(self) -> float:
        """Its clock's."""
        return self.machine.ahead

    def start(
        self,
        command: Sequence[str],
        take: Take,
        *,
        env: Mapping[str, str],
        without: tuple[str, ...],
        cwd: str | None = None,
    ) -> Job:
        """Start a process there, which finds the names in its /etc/hosts."""
        if self.names:
            lines = "".join(f"{address} {name}\\n" for name, address in self.names.items())
            bind = 'mount -t tmpfs none /mnt && { cat /etc/hosts; printf "$0"; } > /mnt/hosts'
            script = f'{bind} && mount --bind /mnt/hosts /etc/hosts && umount /mnt && exec "$@"'
            command = ["unshare", "--mount", "sh", "-c", script, lines, *command]
        return self.machine.start(command, take, env=env, without=without, cwd=cwd)


@dataclass(frozen=True, slots=True)
class OverlaidSite:
    """The same site, whose parties meet in the overlay; `seconds` is how long that took to be there."""

    site: Site
    machines: Sequence[OverlaidMachine]
    seconds: float

    @property
    def rendezvous(self) -> Machine:
        """Where it was: the overlay is for the parties."""
        return self.site.rendezvous

    def put(self, files: Mapping[str, bytes]) -> None:
        """As the site does it."""
        self.site.put(files)

    def begun(self) -> None:
        """As the site does it."""
        self.site.begun()

    def columns(self) -> dict[str, Any]:
        """As the site tells it."""
        return self.site.columns()


@contextlib.contextmanager
def overlaid(site: Site, name: str) -> Iterator[OverlaidSite]:
    """The site with this underlay; RunFailed where it does not come up."""
    one = _Running(site, name)
    try:
        yield one.up()
    finally:
        one.down()


class _Running:
    def __init__(self, site: Site, name: str) -> None:
        self._site, self._name = site, name
        self._mark = secrets.token_hex(8)
        self._jobs: list[Job] = []
        places, hub = UNDERLAYS[name].plan(
            [machine.address for machine in site.machines], site.rendezvous.address
        )
        self._places: list[tuple[Machine, Place]] = [
            *zip(site.machines, places, strict=True),
            (site.rendezvous, hub),
        ]

    def up(self) -> OverlaidSite:
        """Start everything, until every machine reaches every other."""
        began = time.monotonic()
        deadline = began + PATIENCE
        for number, (machine, place) in enumerate(self._places):
            here = self._here(number)
            self._site.put(
                {
                    f"{here}/{name}": content.replace(HERE.encode(), f"{machine.folder}/{here}".encode())
                    for name, content in {**place.files, "underlay": self._name.encode()}.items()
                }
            )
        hub, *parties = [len(self._places) - 1, *range(len(self._places) - 1)]
        for number in (hub, *parties):
            place = self._places[number][1]
            self._jobs += [self._start(number, command) for command in place.daemons]
            for command in place.up:
                self._until(number, command, deadline)
        self._reach(deadline)
        machines = [
            OverlaidMachine(machine, place.address, self._names()) for machine, place in self._places[:-1]
        ]
        return OverlaidSite(self._site, machines, time.monotonic() - began)

    def down(self) -> None:
        """End everything; what can't be undone is left to the end of the machine."""
        for job in self._jobs:
            with contextlib.suppress(RunFailed):
                job.stop()
        for number, (machine, place) in enumerate(self._places):
            sweep = (machine.python, "-c", _SWEEP, f"{_MARK}={self._mark}")
            for marked, command in ((False, sweep), *((True, command) for command in place.down)):
                with contextlib.suppress(RunFailed):
                    self._start(number, command, marked=marked).join(time.monotonic() + 10)

    def _here(self, number: int) -> str:
        return f"underlay/{number}"

    def _names(self) -> dict[str, str]:
        addresses = [place.address for _, place in self._places[:-1]]
        if not any(":" in address for address in addresses):
            return {}
        return {f"party{number}.lab": address for number, address in enumerate(addresses)}

    def _start(self, number: int, command: Command, *, marked: bool = True) -> Job:
        machine, _ = self._places[number]
        folder = f"{machine.folder}/{self._here(number)}"
        return machine.start(
            [part.replace(HERE, folder) for part in command],
            lambda _: None,
            env={_MARK: self._mark} if marked else {},
            without=("PYTHON",),
            cwd=folder,
        )

    def _until(self, number: int, command: Command, deadline: float) -> None:
        """Try it until it succeeds."""
        while True:
            job = self._start(number, command)
            if job.join(deadline) and job.code == 0:
                return
            if time.monotonic() >= deadline:
                raise RunFailed(f"{self._name} did not come up: {' '.join(command[:3])}: {self._story(job)}")
            time.sleep(_AGAIN)

    def _reach(self, deadline: float) -> None:
        addresses = [place.address for _, place in self._places[:-1]]
        patience = f"{deadline - time.monotonic():.1f}"
        jobs = [
            self._start(number, (machine.python, "-c", _REACH, patience, *(a for a in addresses if a != own)))
            for number, (machine, _) in enumerate(self._places[:-1])
            if (own := addresses[number])
        ]
        for number, job in enumerate(jobs):
            if not job.join(deadline + 5) or job.code or "".join(job.lines).strip():
                missing = "".join(job.lines).strip()
                raise RunFailed(f"{self._name}: party {number} can't reach {missing}: {self._story(job)}")

    def _story(self, job: Job) -> str:
        said = [line for one in (job, *self._jobs) for line in list(one.lines)[-2:]]
        return " | ".join(said)[-500:]
