"""Runs a study: each cell on machines that have the scenario's delays, one row for each run.

Knows no terminal: it tells what happens to a function, and what is done is in the file of results.
"""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import huddle
from huddle.errors import LocalError
from huddle.lab import entry as entry_module
from huddle.lab import netem, plain, rows, session
from huddle.lab.calibrate import calibrate
from huddle.lab.cells import Cell, LeftOut, Progress, is_session, plan
from huddle.lab.measured import Measured, RunFailed, columns
from huddle.lab.model import References
from huddle.lab.netns import Net, sweep
from huddle.lab.scenarios import shipped
from huddle.lab.study import Study
from huddle.lab.surroundings import Load, commit, machine

ENTRY = "lab_entry.py"
BUSY_SHARE, QUEUE_SHARE, CROWDED_SHARE = 0.05, 0.05, 0.25
QUEUE_SECONDS = 0.05  # of waiting, that are never held against a run
LATE_P99_MS = 1.0


@dataclass(frozen=True, slots=True)
class Told:
    """What a running study tells: `text`, and after a run its row and how long the rest will take."""

    text: str
    row: rows.Row | None = None
    left: int = 0
    seconds_left: float | None = None


Tell = Callable[[Told], None]


def run_study(study: Study, results: Path, tell: Tell) -> list[LeftOut]:
    """Run all cells that have no good row in `results` yet; what of the matrix was left out."""
    done = rows.read(results)
    cells, left_out = plan(study)
    progress = Progress(cells)
    settled = rows.settled(done, study.attempts)
    todo = [cell for cell in cells if cell.id not in settled]
    _learn(progress, cells, settled, done)
    for name in sweep():
        tell(Told(f"removed what an earlier run left: {name}"))
    if len(todo) < len(cells):
        tell(Told(f"{len(cells) - len(todo)} of {len(cells)} cells are done already"))
    if todo:
        if study.backend == "netem" and not netem.available():
            raise LocalError("this kernel has no netem", hint='Say backend = "emulator" in the study.')
        with Net(max(2, *(cell.parties + 1 for cell in todo)), backend=study.backend) as net:
            tell(Told("calibrating the emulator"))
            lab = _Lab(study, net, calibrate(net).as_dict(), References(done))
            for cell in todo:
                tries = sum(row["id"] == cell.id for row in done)
                for attempt in range(tries + 1, study.attempts + 1):
                    tell(Told(f"{cell.title}{f', attempt {attempt}' if attempt > 1 else ''}"))
                    row = lab.run(cell, attempt)
                    rows.append(results, row)
                    if not rows.again(row) or attempt == study.attempts:
                        progress.done(cell, row["wall_s"])
                        tell(Told(cell.title, row, progress.left, progress.seconds_left()))
                        break
                    tell(Told("again: " + (row["error"] or "; ".join(row["marks"])), row, progress.left))
    return left_out


def _learn(progress: Progress, cells: list[Cell], settled: set[str], done: list[rows.Row]) -> None:
    took = {row["id"]: row["wall_s"] for row in done}
    for cell in cells:
        if cell.id in settled:
            progress.done(cell, took.get(cell.id))


class _Lab:
    """The machines, and what all rows of this sitting have in common."""

    def __init__(self, study: Study, net: Net, calibration: dict[str, Any], references: References) -> None:
        self._study = study
        self._net = net
        self._calibration = calibration
        self._references = references
        self._machine = machine()
        self._commit = commit()

    def run(self, cell: Cell, attempt: int) -> rows.Row:
        """One run of the cell; its row, whatever came of it."""
        regions = shipped()[0]
        self._net.shape(cell.scenario.shapes(cell.parties, regions))
        self._net.reset()
        load, own = Load(), sum(os.times()[:4])
        measured, error = self._measure(cell)
        # Its children's time is counted when they are waited for; the emulator is none of those yet.
        late = self._net.stats()
        foreign = load.foreign(sum(os.times()[:4]) - own + late.get("cpu_s", 0.0))
        foreign = None if foreign is None else round(foreign, 3)
        row = self._row(cell, attempt, measured, error) | {"late": late, "foreign": foreign}
        if measured is not None:
            one_way = row["one_way_ms"]
            model = self._references.model(row, one_way, self._calibration, cell.scenario.rate_mbit)
            row["model"] = model.as_dict() if model else None
            row["marks"] = marks(row)
            self._references.add(row)
        return row

    def _measure(self, cell: Cell) -> tuple[Measured | None, str]:
        machines = self._net.machines[: cell.parties]
        folder = self._net.folder()
        try:
            entry = _lay_out(folder / "program", cell)
            if is_session(cell.network):
                rendezvous = self._net.machines[cell.parties]
                found = session.run(
                    machines, rendezvous, entry, cell.size.args, folder,
                    network=cell.network, timeout=self._study.timeout,
                )  # fmt: skip
            else:
                found = plain.run(
                    machines, entry, cell.size.args, folder,
                    ssl=cell.network == "plain-ssl", timeout=self._study.timeout,
                )  # fmt: skip
            return found, ""
        except RunFailed as exc:
            return None, str(exc)[:2000]
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _row(self, cell: Cell, attempt: int, measured: Measured | None, error: str) -> rows.Row:
        regions = shipped()[0]
        return {
            "version": rows.VERSION,
            "id": cell.id,
            "when": datetime.now(UTC).isoformat(timespec="seconds"),
            "attempt": attempt,
            "outcome": "finished" if measured else "failed",
            "error": error,
            "marks": [],
            "study": {"name": self._study.name, "digest": self._study.digest},
            "provider": self._study.provider,
            "backend": self._study.backend,
            "scenario": {
                **cell.scenario.as_dict(),
                "regions": list(cell.scenario.regions),
                "source": regions.source if cell.scenario.regions else "the study",
            },
            "network": cell.network,
            "demo": cell.demo.name,
            "program": cell.demo.digest,
            "size": cell.size.name,
            "args": list(cell.size.args),
            "parties": cell.parties,
            "repetition": cell.repetition,
            "seed": cell.seed,
            "versions": {"huddle": huddle.__version__, **(measured.versions if measured else {})},
            "commit": self._commit,
            "machine": self._machine,
            "calibration": self._calibration,
            "one_way_ms": round(
                cell.scenario.one_way_ms(cell.parties, regions, relayed=cell.network == "relay"), 4
            ),
            **columns(measured),
            "foreign": None,
            "late": {},
            "model": None,
        }


def _lay_out(folder: Path, cell: Cell) -> Path:
    """The program with the lab's entry before it; the entry's path."""
    folder.mkdir()
    for name, content in cell.demo.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    config = {"program": cell.demo.entry, "seed": cell.seed}
    (folder / ENTRY).with_suffix(".json").write_text(json.dumps(config), encoding="utf-8")
    shutil.copyfile(str(entry_module.__file__), folder / ENTRY)
    return folder / ENTRY


def marks(row: rows.Row) -> list[str]:
    """What speaks against the figures of a run.

    busy and late may be gone at another time; crowded says that the parties are too many for this machine.
    """
    found = []
    waited = max(0.0, row["queue_s"] - QUEUE_SECONDS) / row["seconds"] if row["seconds"] else 0.0
    foreign = row["foreign"] or 0.0
    if foreign > BUSY_SHARE and waited > QUEUE_SHARE:
        found.append(
            f"busy: others used {foreign:.0%} of the machine, parties waited {waited:.0%} of the time"
        )
    elif waited > CROWDED_SHARE:
        found.append(f"crowded: parties waited {waited:.0%} of the time for a processor")
    late = row["late"].get("late_p99_ms")
    if late is not None and late > LATE_P99_MS:
        found.append(f"late: 1% of the packets came {late:g} ms or more too late")
    return found
