"""The provider netns: a namespace for each machine on this computer, with the scenario's delays between them.

One run at a time, because all share this computer.
"""

import contextlib
import os
import shutil
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from huddle.errors import LocalError
from huddle_lab.sites import dns, homes, netem, own
from huddle_lab.sites.base import Take, environment
from huddle_lab.sites.calibrate import calibrate
from huddle_lab.sites.child import Child
from huddle_lab.sites.host_info import Load, machine
from huddle_lab.sites.netns import Net, NetworkNamespace
from huddle_lab.sites.tun import inside
from huddle_lab.sites.wan import address
from huddle_lab.study.scenarios import Change, shipped
from huddle_lab.study.trials import Trial

HERE = frozenset({"this computer"})


@dataclass(frozen=True, slots=True)
class NamespaceMachine:
    """A namespace, for one run."""

    machine: NetworkNamespace
    folder: str
    dns: str = ""
    via: str = ""
    python: str = sys.executable
    ahead: float = 0.0
    resolver: str = ""  # what it has as /etc/resolv.conf, where it has names

    @property
    def index(self) -> int:
        """Its number."""
        return self.machine.index

    @property
    def address(self) -> str:
        """Under which the others reach it."""
        return self.machine.address

    def start(
        self,
        command: Sequence[str],
        take: Take,
        *,
        env: Mapping[str, str],
        without: tuple[str, ...],
        cwd: str | None = None,
    ) -> Child:
        """Start a process there."""
        if self.resolver:
            script = 'mount --bind "$0" /etc/resolv.conf && exec "$@"'
            command = ["unshare", "--mount", "sh", "-c", script, self.resolver, *command]
        return Child(
            self.machine.command(command),
            take,
            env=environment(os.environ, env, without),
            cwd=Path(cwd) if cwd else None,
        )


class NetnsSite:
    """The namespaces of one run, which share a folder."""

    def __init__(self, net: Net, cell: Trial, calibration: dict[str, Any], about: dict[str, Any]) -> None:
        self._net, self._cell, self._calibration, self._about = net, cell, calibration, about
        self.folder = net.folder()
        self._undo = ExitStack()
        self._undo.callback(shutil.rmtree, self.folder, ignore_errors=True)
        self._timers: list[threading.Timer] = []
        self._moved: dict[int, str] = {}
        net.shape(cell.scenario.shapes(cell.parties, shipped()[0]))
        try:
            *self.machines, self.rendezvous = self._place()
        except BaseException:
            self._undo.close()
            raise
        net.reset()
        self._load, self._own = Load(), own.seconds()

    def put(self, files: Mapping[str, bytes]) -> None:
        """Write these files into the folder."""
        for name, content in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    def _place(self) -> list[NamespaceMachine]:
        """The machines of the parties, behind their routers, and at the end that of the rendezvous."""
        parties, nat = self._cell.parties, self._cell.scenario.nat
        found = []
        for one in self._net.machines[: parties + 1]:
            kind = nat[one.index % len(nat)] if nat and one.index < parties else "open"
            if kind == "open":
                found.append(NamespaceMachine(one, str(self.folder)))
                continue
            self._undo.callback(self._net.no_home, one)
            found.append(NamespaceMachine(self._net.home(one, kind), str(self.folder)))
        if self._cell.network.name == "plain-dns":
            found = self._named(found)
        return found

    def _named(self, machines: list[NamespaceMachine]) -> list[NamespaceMachine]:
        """The same with names, which they ask of a server where the rendezvous would be."""
        names = {f"party{one.index}.lab": one.address for one in machines[:-1]}
        there = machines[-1]
        with inside(there.machine.name):
            bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        bound.bind((there.address, dns.PORT))
        self._undo.callback(dns.DnsServer(bound, names).close)
        resolver = self.folder / "resolv.conf"
        resolver.write_text(f"nameserver {there.address}\n")
        return [replace(one, dns=f"party{one.index}.lab", resolver=str(resolver)) for one in machines]

    def begun(self) -> None:
        """The scenario's changes happen from now on."""
        for change in self._cell.scenario.changes:
            if change.machine < self._cell.parties:
                timer = threading.Timer(change.at, self._change, (change,))
                self._timers.append(timer)
                timer.start()

    def _change(self, change: Change) -> None:
        machine = self._net.machines[change.machine]
        if change.up is not None:
            shapes = self._cell.scenario.shapes(self._cell.parties, shipped()[0])
            self._net.shape(
                {ends: replace(one, up=change.up) for ends, one in shapes.items() if change.machine in ends}
            )
            return
        old = self._moved.get(machine.index, machine.address)
        new = address(len(self._net.machines) + machine.index + (0 if old == machine.address else 100))
        self._net.readdress(machine, old, new)
        self._moved[machine.index] = new

    def columns(self) -> dict[str, Any]:
        """What the emulator did, and who else used this computer."""
        late = self._net.stats()
        foreign = self._load.foreign(own.seconds() - self._own)
        one_way = self._cell.scenario.one_way_ms(
            self._cell.parties, shipped()[0], relayed=self._cell.network.relayed
        )
        return {
            "machine": self._about,
            "hosts": [],
            "calibration": self._calibration,
            "one_way_ms": round(one_way, 4),
            "foreign": None if foreign is None else round(foreign, 3),
            "late": late,
        }

    def close(self) -> None:
        """Make everything as it was."""
        for timer in self._timers:
            timer.cancel()
            timer.join()
        for index, new in self._moved.items():
            self._net.readdress(self._net.machines[index], new, self._net.machines[index].address)
        self._undo.close()
        own.bury()


class Netns:
    """Machines for all cells, made and calibrated once."""

    parallel = 1

    def __init__(self, cells: Sequence[Trial], backend: str, say: Callable[[str], None]) -> None:
        if backend == "netem" and not netem.available():
            raise LocalError("this kernel has no netem", hint='Say backend = "emulator" in the study.')
        if any(cell.scenario.nat for cell in cells):
            homes.check()
        self._net = Net(max(2, *(cell.parties + 1 for cell in cells)), backend=backend)
        self._say = say
        self._about = machine()

    def __enter__(self) -> "Netns":
        own.adopt()
        self._net.__enter__()
        try:
            self._about["tcp"] = self._net.congestion
            self._say("calibrating the emulator")
            self._calibration = calibrate(self._net).as_dict()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *error: Any) -> None:
        self._net.close()
        own.release()

    def claims(self, cell: Trial) -> frozenset[str]:
        """All of this computer."""
        return HERE

    def ready(self, cell: Trial) -> bool:
        """Always."""
        return True

    @contextlib.contextmanager
    def site(self, cell: Trial) -> Iterator[NetnsSite]:
        """The first machines, with the delays of the cell's scenario."""
        site = NetnsSite(self._net, cell, self._calibration, self._about)
        try:
            yield site
        finally:
            site.close()
