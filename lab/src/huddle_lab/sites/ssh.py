"""The provider ssh: parties on hosts that one has.

Each is prepared on its own, so that a slow one delays nobody else, and a lost one fails its own cells only.

A cell's parties are on the first hosts of the hosts file that are in its scenario's regions; cells that
share no host run at the same time. Delays are what they are: the times between hosts are measured and in
the rows. The reference runs (no delay) have all parties on one host.
"""

import asyncio
import contextlib
import itertools
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from huddle.errors import LocalError
from huddle_lab.sites import needs, server
from huddle_lab.sites.base import RunFailed, Take
from huddle_lab.sites.remote import LoopThread, RemoteHost, RemoteJob, library
from huddle_lab.study.hosts import SshHost, SshHosts
from huddle_lab.study.scenarios import REFERENCE
from huddle_lab.study.trials import Trial

MOST_RUNS = 8


@dataclass(frozen=True, slots=True)
class SshMachine:
    """A machine of one run; several may be on one host."""

    index: int
    there: RemoteHost
    folder: str
    address: str

    @property
    def dns(self) -> str:
        """The host's name."""
        return self.there.host.dns

    @property
    def via(self) -> str:
        """Whatever suits."""
        return ""

    @property
    def python(self) -> str:
        """With the Huddle that was installed."""
        return self.there.python

    @property
    def ahead(self) -> float:
        """By the exchange with the shortest way."""
        return self.there.ahead

    def start(
        self,
        command: Sequence[str],
        take: Take,
        *,
        env: Mapping[str, str],
        without: tuple[str, ...],
        cwd: str | None = None,
    ) -> RemoteJob:
        """Start a process there."""
        return self.there.start(command, take, env, without, cwd)


class SshSite:
    """The hosts of one run."""

    def __init__(self, provider: "Ssh", machines: list[SshMachine], rendezvous: SshMachine) -> None:
        self.machines, self.rendezvous = machines, rendezvous
        self._provider = provider
        self._everywhere = {one.folder: one.there for one in (*machines, rendezvous)}
        self._before = self._loads()

    @property
    def hosts(self) -> list[RemoteHost]:
        """Each host once."""
        return list({host.host.name: host for host in self._everywhere.values()}.values())

    def put(self, files: Mapping[str, bytes]) -> None:
        """Write these files everywhere."""
        for folder, host in self._everywhere.items():
            for name, content in files.items():
                host.put(f"{folder}/{name}", content)

    def begun(self) -> None:
        """Hosts are left as they are."""

    def columns(self) -> dict[str, Any]:
        """What the hosts are, how far apart, and who else used them."""
        shares = [_foreign(before, after) for before, after in zip(self._before, self._loads(), strict=True)]
        known = [share for share in shares if share is not None]
        rtt = self._provider.distances(self.machines)
        far = [ms for ms in rtt.values() if ms is not None]
        return {
            "machine": self.machines[0].there.machine,
            "hosts": [
                {"name": host.host.name, "region": host.host.region, **host.machine} for host in self.hosts
            ],
            "calibration": {"backend": "hosts", "rtt_ms": rtt},
            "one_way_ms": round(max(far, default=0.0) / 2, 4) if len(far) == len(rtt) else None,
            "foreign": round(max(known), 3) if known else None,
            "late": {},
        }

    def _loads(self) -> list[dict[str, Any]]:
        found = []
        for host in self.hosts:
            try:
                found.append(host.ask({"do": "load"}))
            except RunFailed:
                found.append({"busy": None})
        return found


def _foreign(before: Mapping[str, Any], after: Mapping[str, Any]) -> float | None:
    """The share of a host's processors that others used between two loads, 0 to 1."""
    if before["busy"] is None or after["busy"] is None:
        return None
    used = after["busy"] - before["busy"] - (after["own"] - before["own"])
    available = (after["at"] - before["at"]) * after["cores"]
    return min(1.0, max(0.0, used / available)) if available > 0 else None


class Ssh:
    """All hosts of a study's hosts file that its cells need."""

    def __init__(self, hosts: SshHosts, cells: Sequence[Trial]) -> None:
        library()
        self._hosts = hosts
        self._places = {cell.id: self._place(cell) for cell in cells}
        self._needs: dict[str, dict[str, None]] = {}  # by host: the commands that its cells' networks need
        for cell in cells:
            for host, wanted in self._wanted(cell):
                self._needs.setdefault(host, {}).update(dict.fromkeys(wanted))
        self._loop = LoopThread()
        self._there = {
            host.name: RemoteHost(host, self._loop, hosts.known_hosts)
            for host in hosts.hosts
            if host.name in self._needs
        }
        self._numbers = itertools.count(1)
        self._rtt: dict[tuple[str, str], float | None] = {}
        self._lock = threading.Lock()
        self.parallel = max(1, min(MOST_RUNS, len(self._there)))

    def _place(self, cell: Trial) -> list[SshHost]:
        if cell.scenario.name == REFERENCE:
            return [self._hosts.hosts[0]] * (cell.parties + 1)
        return self._hosts.place(cell.parties, cell.scenario.regions)

    def __enter__(self) -> "Ssh":
        self._preparing = self._loop.start(self._prepare())
        return self

    def __exit__(self, *error: Any) -> None:
        self._preparing.cancel()
        leaving = [host.leave() for host in self._there.values()]
        with contextlib.suppress(TimeoutError):
            self._loop.call(_all(leaving), 60)
        self._loop.close()

    async def _prepare(self) -> None:
        bound = asyncio.Semaphore(self._hosts.parallel)

        async def one(host: RemoteHost) -> None:
            async with bound:
                await host.prepare(tuple(self._needs[host.host.name]), install=self._hosts.install)

        await asyncio.gather(*(one(host) for host in self._there.values()))

    def _wanted(self, cell: Trial) -> Iterator[tuple[str, tuple[str, ...]]]:
        """The hosts of a cell, and the commands that its network needs there."""
        *parties, there = self._places[cell.id]
        for host in parties:
            yield host.name, needs.at_parties(cell.network.network)
        yield there.name, tuple(command.name for command in server.commands(cell.network))

    def claims(self, cell: Trial) -> frozenset[str]:
        """Its hosts."""
        return frozenset(host.name for host in self._places[cell.id])

    def ready(self, cell: Trial) -> bool:
        """All hosts are ready, or one is lost."""
        hosts = [self._there[name] for name in self.claims(cell)]
        return any(host.lost for host in hosts) or all(host.ready for host in hosts)

    @contextlib.contextmanager
    def site(self, cell: Trial) -> Iterator[SshSite]:
        """A folder on each host."""
        places = [self._there[host.name] for host in self._places[cell.id]]
        for host in places:
            host.check()
        for name, wanted in self._wanted(cell):
            for command in wanted:
                if why := self._there[name].missing.get(command):
                    raise RunFailed(f"{cell.network.network} can't run on the host {name}: {why}")
        number = next(self._numbers)
        alone = len(set(places)) == 1
        machines = []
        for index, host in enumerate(places):
            address = "127.0.0.1" if alone else host.host.address
            machines.append(SshMachine(index, host, f"{host.folder}/run-{number}-{index}", address))
        try:
            yield SshSite(self, machines[:-1], machines[-1])
        finally:
            for machine in machines:
                with contextlib.suppress(RunFailed):
                    machine.there.ask({"do": "remove", "name": machine.folder})

    def distances(self, machines: Sequence[SshMachine]) -> dict[str, float | None]:
        """The round-trip times between the hosts of these machines in milliseconds; null: not reachable."""
        names = sorted({machine.there.host.name for machine in machines})
        found = {}
        for pair in itertools.combinations(names, 2):
            with self._lock:
                known = pair in self._rtt
            if not known:
                one, other = (self._there[name] for name in pair)
                request = {"do": "rtt", "address": other.host.address, "port": other.port}
                with contextlib.suppress(RunFailed):
                    self._rtt[pair] = one.ask(request)["ms"]
            found[" ".join(pair)] = self._rtt.get(pair)
        return found


async def _all(work: Sequence[Any]) -> None:
    await asyncio.gather(*work, return_exceptions=True)


def suits(cells: Sequence[Trial]) -> None:
    """LocalError where scenarios ask for what hosts can't do."""
    for cell in cells:
        one = cell.scenario
        if one.rtt_ms or one.jitter_ms or one.rate_mbit or one.loss or one.nat or one.changes:
            raise LocalError(
                f"the scenario {one.name} has delays, routers or changes of its own, which hosts can't have",
                hint="Scenarios of hosts have regions only, or nothing; see docs/lab.md.",
            )
