"""Runs a study: each cell on machines of the study's provider, one row for each run.

Knows no terminal: it tells what happens to a function, and what is done is in the file of results. Cells
run in their order; where a provider can have several sites, a cell goes ahead of earlier ones with which it
shares no host.
"""

import json
import time
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import huddle
from huddle_lab.runs import entry as entry_module
from huddle_lab.runs import plain, rows, session
from huddle_lab.runs.measured import Measured, columns
from huddle_lab.runs.overlaid import overlaid
from huddle_lab.runs.unavailable import absent
from huddle_lab.sites.base import Provider, RunFailed, Site
from huddle_lab.sites.host_info import commit, machine
from huddle_lab.sites.netns import sweep
from huddle_lab.sites.providers import provider_of
from huddle_lab.study.scenarios import shipped
from huddle_lab.study.study import Study
from huddle_lab.study.trials import EVERYTHING, LeftOut, Progress, Trial, chosen, plan

ENTRY, PROGRAM = "lab_entry.py", "program"
POLL = 0.2
BUSY_SHARE, QUEUE_SHARE, CROWDED_SHARE = 0.05, 0.05, 0.25
QUEUE_SECONDS = 0.05  # of waiting, that are never held against a run
LATE_P99_MS = 1.0


@dataclass(frozen=True, slots=True)
class StudyProgress:
    """What a running study tells: `text`, and after a run its row and how long the rest will take."""

    text: str
    row: rows.Row | None = None
    left: int = 0
    seconds_left: float | None = None


Tell = Callable[[StudyProgress], None]
Columns = dict[str, Any]
_Found = tuple[Measured | None, str, Columns, bool]  # error, of the site, whether it could not be had
_NOWHERE: Columns = {
    "machine": {}, "hosts": [], "calibration": None, "one_way_ms": None, "foreign": None, "late": {}
}  # fmt: skip


def _learn(progress: Progress, cells: list[Trial], settled: set[str], done: list[rows.Row]) -> None:
    took = {row["id"]: row["wall_s"] for row in done}
    for cell in cells:
        if cell.id in settled:
            progress.done(cell, took.get(cell.id))


def run_study(
    study: Study,
    results: Path,
    tell: Tell,
    only: Mapping[str, frozenset[str]] = EVERYTHING,
    minutes: float | None = None,
) -> list[LeftOut]:
    """Run all cells that have no good row in `results` yet; what of the matrix was left out.

    `only` chooses among them (see `cells.chosen`); after so many `minutes` no run is begun any more. A
    network that can't be run here gets a row that says so, in place of the runs.
    """
    over = None if minutes is None else time.monotonic() + 60 * minutes
    done = rows.read(results)
    cells, left_out = plan(study)
    cells = chosen(cells, only)
    reasons = absent(study)
    for cell in cells:
        if cell.network.name in reasons and cell.repetition == 0:
            _not_run(study, cell, reasons[cell.network.name], done, results)
    left_out += [LeftOut(f"{name}", why) for name, why in reasons.items()]
    cells = [cell for cell in cells if cell.network.name not in reasons]
    progress = Progress(cells)
    settled = rows.settled(done, study.attempts)
    todo = [cell for cell in cells if cell.id not in settled]
    _learn(progress, cells, settled, done)
    for name in sweep():
        tell(StudyProgress(f"removed what an earlier run left: {name}"))
    if len(todo) < len(cells):
        tell(StudyProgress(f"{len(cells) - len(todo)} of {len(cells)} cells are done already"))
    if todo:
        with provider_of(study, todo, lambda text: tell(StudyProgress(text))) as provider:
            _StudyRun(study, provider, done, results, progress, tell).run(todo, over)
    return left_out


def _not_run(study: Study, cell: Trial, why: str, done: list[rows.Row], results: Path) -> None:
    if any(row["id"] == cell.id and row["error"] == why for row in done):
        return
    row = _blank(study, cell) | {"outcome": rows.NOT_RUN, "error": why, "machine": machine()}
    rows.append(results, row)


def _blank(study: Study, cell: Trial) -> rows.Row:
    """A row of this cell before anything is known of its run."""
    regions = shipped()[0].source if cell.scenario.regions else "the study"
    return {
        "version": rows.VERSION,
        "id": cell.id,
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "attempt": 1,
        "outcome": "failed",
        "error": "",
        "marks": [],
        "study": {"name": study.name, "digest": study.digest},
        "provider": study.provider,
        "backend": study.backend,
        "scenario": {
            **cell.scenario.as_dict(),
            "regions": list(cell.scenario.regions),
            "source": regions if study.provider == "netns" else "the hosts",
        },
        "network": cell.network.name,
        "demo": cell.demo.name,
        "program": cell.demo.digest,
        "size": cell.size.name,
        "args": list(cell.size.args),
        "parties": cell.parties,
        "repetition": cell.repetition,
        "seed": cell.seed,
        "versions": {"huddle": huddle.__version__},
        "commit": commit(),
        **_NOWHERE,
        **columns(None),
    }


class _StudyRun:
    """What is running, what is to be run, and the rows. Only `_measure` is run by other threads."""

    def __init__(
        self,
        study: Study,
        provider: Provider,
        done: list[rows.Row],
        results: Path,
        progress: Progress,
        tell: Tell,
    ) -> None:
        self._study, self._provider, self._results = study, provider, results
        self._progress, self._tell = progress, tell
        self._tries: dict[str, int] = {}
        for row in done:
            if row["outcome"] != rows.NOT_RUN:
                self._tries[row["id"]] = self._tries.get(row["id"], 0) + 1

    def run(self, todo: list[Trial], over: float | None = None) -> None:
        """All of them, or those that can begin before then (time.monotonic())."""
        self._over = over
        self._run(todo)
        if todo:
            self._tell(StudyProgress(f"the time is over, {len(todo)} cells are left for another time"))

    def _late(self) -> bool:
        return self._over is not None and time.monotonic() > self._over

    def _run(self, todo: list[Trial]) -> None:
        if self._provider.parallel == 1:
            while todo and not self._late():
                self._begin(todo[0])
                if self._take(todo[0], *self._measure(todo[0])):
                    todo.pop(0)
            return
        running: dict[Future[_Found], Trial] = {}
        with ThreadPoolExecutor(self._provider.parallel) as threads:
            try:
                while running or (todo and not self._late()):
                    for cell in [] if self._late() else self._may_begin(todo, list(running.values())):
                        todo.remove(cell)
                        self._begin(cell)
                        running[threads.submit(self._measure, cell)] = cell
                    over, _ = wait(running, POLL, FIRST_COMPLETED) if running else (set(), None)
                    for future in over:
                        cell = running.pop(future)
                        if not self._take(cell, *future.result()):
                            todo.insert(0, cell)
                    if not running:
                        time.sleep(POLL)  # hosts are being prepared
            except BaseException:
                threads.shutdown(wait=False, cancel_futures=True)
                self._provider.__exit__()  # which ends what they wait for
                raise

    def _may_begin(self, todo: list[Trial], running: list[Trial]) -> list[Trial]:
        """Those that wait for no other: neither for one that runs nor for an earlier one that could."""
        claimed = {claim for cell in running for claim in self._provider.claims(cell)}
        free = self._provider.parallel - len(running)
        found: list[Trial] = []
        for cell in todo:
            if len(found) >= free:
                break
            if not self._provider.ready(cell):
                continue
            claims = self._provider.claims(cell)
            if not claims & claimed:
                found.append(cell)
            claimed |= claims
        return found

    def _begin(self, cell: Trial) -> None:
        attempt = self._tries.get(cell.id, 0) + 1
        self._tries[cell.id] = attempt
        self._tell(StudyProgress(f"{cell.title}{f', attempt {attempt}' if attempt > 1 else ''}"))

    def _measure(self, cell: Trial) -> "_Found":
        found = _NOWHERE
        try:
            with self._provider.site(cell) as site:
                try:
                    measured, error = _run(site, cell, self._study.timeout), ""
                except RunFailed as exc:
                    measured, error = None, str(exc)[:2000]
                found = site.columns()
                return measured, error, found, False
        except RunFailed as exc:
            return None, str(exc)[:2000], found, True

    def _take(self, cell: Trial, measured: Measured | None, error: str, where: Columns, lost: bool) -> bool:
        """Add the row; whether the cell is done for now."""
        attempt = self._tries[cell.id]
        row = _blank(self._study, cell) | where | {"attempt": attempt, "error": error}
        if measured is not None:
            row |= {"outcome": "finished", **columns(measured)}
            row["versions"] = {**row["versions"], **measured.versions}
            row["marks"] = marks(row)
        rows.append(self._results, row)
        if lost or not rows.again(row) or attempt >= self._study.attempts:
            self._progress.done(cell, row["wall_s"])
            self._tell(StudyProgress(cell.title, row, self._progress.left, self._progress.seconds_left()))
            return True
        self._tell(
            StudyProgress("again: " + (row["error"] or "; ".join(row["marks"])), row, self._progress.left)
        )
        return False


def _run(site: Site, cell: Trial, timeout: float) -> Measured:
    """One run of the cell at this site."""
    if not cell.network.underlay:
        return _run_there(site, cell, timeout)
    with overlaid(site, cell.network.underlay) as over:
        measured = _run_there(over, cell, timeout)
        return replace(measured, setup={"underlay": over.seconds, **measured.setup})


def _run_there(site: Site, cell: Trial, timeout: float) -> Measured:
    site.put(_laid_out(cell))
    entry = f"{PROGRAM}/{ENTRY}"
    if not cell.network.is_session:
        return plain.run(site, entry, cell.size.args, cell.network.network, timeout)
    return session.run(site, sorted(_laid_out(cell, "")), entry, cell.size.args, cell.network, timeout)


def _laid_out(cell: Trial, folder: str = f"{PROGRAM}/") -> dict[str, bytes]:
    """The program with the lab's entry before it."""
    config = {"program": cell.demo.entry, "seed": cell.seed}
    files = {
        **cell.demo.files,
        ENTRY: Path(str(entry_module.__file__)).read_bytes(),
        ENTRY.replace(".py", ".json"): json.dumps(config).encode(),
    }
    return {f"{folder}{name}": content for name, content in files.items()}


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
