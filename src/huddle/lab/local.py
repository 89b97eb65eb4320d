"""The provider netns: a namespace for each machine on this computer, with the scenario's delays between them.

One run at a time, because all share this computer.
"""

import contextlib
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huddle.errors import LocalError
from huddle.lab import netem
from huddle.lab.calibrate import calibrate
from huddle.lab.cells import Cell
from huddle.lab.child import Child
from huddle.lab.netns import Machine, Net
from huddle.lab.place import Take, environment
from huddle.lab.scenarios import shipped
from huddle.lab.surroundings import Load, machine

HERE = frozenset({"this computer"})


@dataclass(frozen=True, slots=True)
class Here:
    """A namespace, for one run."""

    machine: Machine
    folder: str
    dns: str = ""
    python: str = sys.executable
    ahead: float = 0.0

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
        return Child(
            self.machine.command(command),
            take,
            env=environment(os.environ, env, without),
            cwd=Path(cwd) if cwd else None,
        )


class NetnsSite:
    """The namespaces of one run, which share a folder."""

    def __init__(self, net: Net, cell: Cell, calibration: dict[str, Any], about: dict[str, Any]) -> None:
        self._net, self._cell, self._calibration, self._about = net, cell, calibration, about
        self.folder = net.folder()
        everybody = [Here(one, str(self.folder)) for one in net.machines[: cell.parties + 1]]
        self.machines, self.rendezvous = everybody[:-1], everybody[-1]
        net.shape(cell.scenario.shapes(cell.parties, shipped()[0]))
        net.reset()
        self._load, self._own = Load(), sum(os.times()[:4])

    def put(self, files: Mapping[str, bytes]) -> None:
        """Write these files into the folder."""
        for name, content in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    def begun(self) -> None:
        """Nothing changes during a run."""

    def columns(self) -> dict[str, Any]:
        """What the emulator did, and who else used this computer."""
        # Its children's time is counted when they are waited for; the emulator is none of those yet.
        late = self._net.stats()
        foreign = self._load.foreign(sum(os.times()[:4]) - self._own + late.get("cpu_s", 0.0))
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
        """Remove the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)


class Netns:
    """Machines for all cells, made and calibrated once."""

    parallel = 1

    def __init__(self, cells: Sequence[Cell], backend: str, say: Callable[[str], None]) -> None:
        if backend == "netem" and not netem.available():
            raise LocalError("this kernel has no netem", hint='Say backend = "emulator" in the study.')
        self._net = Net(max(2, *(cell.parties + 1 for cell in cells)), backend=backend)
        self._say = say
        self._about = machine()

    def __enter__(self) -> "Netns":
        self._net.__enter__()
        try:
            self._say("calibrating the emulator")
            self._calibration = calibrate(self._net).as_dict()
        except BaseException:
            self._net.close()
            raise
        return self

    def __exit__(self, *error: Any) -> None:
        self._net.close()

    def claims(self, cell: Cell) -> frozenset[str]:
        """All of this computer."""
        return HERE

    def ready(self, cell: Cell) -> bool:
        """Always."""
        return True

    @contextlib.contextmanager
    def site(self, cell: Cell) -> Iterator[NetnsSite]:
        """The first machines, with the delays of the cell's scenario."""
        site = NetnsSite(self._net, cell, self._calibration, self._about)
        try:
            yield site
        finally:
            site.close()
