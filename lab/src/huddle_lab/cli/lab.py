"""`huddle lab`: measure MPyC over every network, on machines with the delays of the world, and report it."""

import json
import signal
import sys
from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from huddle.cli.errors import complaints
from huddle.cli.named_path import NamedPath
from huddle.cli.text import clean, duration
from huddle.errors import LocalError
from huddle.session.samples import sample
from huddle_lab.cli.hosts import exec_command, hive_command
from huddle_lab.cli.machines import down_command, ls_command, up_command
from huddle_lab.cli.runtimes import runtimes_command
from huddle_lab.cli.traces import simulate_command, trace_command, traces_command, validate_command
from huddle_lab.cli.usability import usability_command
from huddle_lab.report import runtimes as runtimes_report
from huddle_lab.report.compare import Comparison, compare
from huddle_lab.report.statistic import LEVEL
from huddle_lab.runs import rows
from huddle_lab.runs.run import StudyProgress, run_study
from huddle_lab.runs.unavailable import absent
from huddle_lab.sites import netem
from huddle_lab.sites.calibrate import DELAYS, Calibration, calibrate
from huddle_lab.sites.netns import BACKENDS, Net, sweep
from huddle_lab.study import study
from huddle_lab.study.trials import KEYS, LeftOut, Trial, plan
from huddle_lab.study.trials import chosen as choose

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_COLOURS = {"slower": "red", "faster": "green"}


@click.group("lab")
def lab_group() -> None:
    """Measure MPyC and Huddle on machines with the delays of the world."""


@lab_group.command("run")
@click.argument("path", metavar="STUDY", type=NamedPath("study", study.studies))
@click.option(
    "--results", type=click.Path(dir_okay=False, path_type=Path), help="Default: results/STUDY.jsonl."
)
@click.option("--program", type=_FILE, help="Measure this MPyC program in place of the study's own.")
@click.option("--arg", "args", multiple=True, help="With --program: an argument of it.")
@click.option("--hosts", type=_FILE, help="Run it on these hosts, by SSH, in place of the study's machines.")
@click.option(
    "--only",
    multiple=True,
    metavar="KEY=VALUE,…",
    help=f"Only a part of it: {', '.join(KEYS)}. Again for another key.",
)
@click.option("--minutes", type=click.FloatRange(min=0), help="Begin no run after so long.")
@click.option("--dry-run", is_flag=True, help="Only say what would be run.")
@complaints
def run_command(
    path: Path,
    results: Path | None,
    program: Path | None,
    args: tuple[str, ...],
    hosts: Path | None,
    only: tuple[str, ...],
    minutes: float | None,
    dry_run: bool,
) -> None:
    """Run STUDY, a file or the name of one that comes with the lab (quick, thesis).

    What is done already is not run again. On machines of this computer it needs root.
    """
    chosen = study.load(path, sample, hosts)
    if program is not None:
        chosen = study.instead(chosen, program, args)
    elif args:
        raise LocalError("--arg is for --program", hint="Sizes of a study have the arguments of its demos.")
    target = results or Path("results") / f"{path.stem}.jsonl"
    console = Console(highlight=False, soft_wrap=True)
    cells, left_out = plan(chosen)
    part = _part(only, cells)
    if dry_run:
        done = rows.settled(rows.read(target), chosen.attempts)
        missing = absent(chosen)
        left_out += [LeftOut(name, why) for name, why in missing.items()]
        for cell in choose(cells, part):
            if cell.network.name in missing:
                continue
            console.print(f"{'done' if cell.id in done else 'todo'}  {escape(clean(cell.title))}")
    else:
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that nothing stays behind
        left_out = run_study(chosen, target, lambda told: _progress(console, told), part, minutes)
        console.print(
            f"Results: {escape(str(target))}. Read them with: huddle lab report {escape(str(target))}"
        )
    for one in left_out:
        console.print(f"[dim]left out: {escape(one.what)}, because {escape(one.why)}[/]")


def _part(only: tuple[str, ...], cells: list[Trial]) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for one in only:
        key, _, values = one.partition("=")
        if key not in KEYS or not values or key in found:
            raise LocalError(f"--only {one}", hint=f"Say KEY=VALUE,VALUE once for a key: {', '.join(KEYS)}.")
        found[key] = frozenset(values.split(","))
        there = {KEYS[key](cell) for cell in cells}
        if unknown := found[key] - there:
            raise LocalError(
                f"the study has no {key} {', '.join(sorted(unknown))}",
                hint=f"It has {', '.join(sorted(there))}.",
            )
    return found


def _progress(console: Console, told: StudyProgress) -> None:
    if told.row is None:
        console.print(f"[dim]{escape(clean(told.text))}[/]")
        return
    row = told.row
    if row["outcome"] != "finished":
        console.print(f"[red]failed[/] {escape(clean(told.text))}: {escape(clean(row['error']))}")
        return
    rest = "" if told.seconds_left is None else f", about {duration(told.seconds_left)} left"
    marks = [mark for mark in row["marks"] if mark not in told.text]
    marked = f" [yellow]{escape('; '.join(marks))}[/]" if marks else ""
    console.print(
        f"[bold]{duration(row['seconds']):>9}[/]  {escape(clean(told.text))}{marked} "
        f"[dim]({told.left} to go{rest})[/]"
    )


@lab_group.command("report")
@click.argument("results", type=_FILE)
@click.option("--html", "page", type=click.Path(dir_okay=False, path_type=Path), help="Default: beside it.")
@click.option("--csv", "table", type=click.Path(dir_okay=False, path_type=Path), help="Default: beside it.")
@click.option("--runtimes", type=_FILE, help="Rows of huddle lab runtimes, for the same page.")
@complaints
def report_command(results: Path, page: Path | None, table: Path | None, runtimes: Path | None) -> None:
    """Make one self-contained HTML page of RESULTS, and a CSV table."""
    from huddle_lab.report import report  # charts: a second to import, which no other command needs

    found, more = _rows(results), runtimes_report.read(runtimes) if runtimes else []
    page, table = page or results.with_suffix(".html"), table or results.with_suffix(".csv")
    page.write_text(report.html(found, results.stem, more), encoding="utf-8")
    table.write_text(report.table(found), encoding="utf-8")
    click.echo(f"{page}\n{table}")


@lab_group.command("compare")
@click.argument("before", type=_FILE)
@click.argument("after", type=_FILE)
@click.option("--json", "json_", is_flag=True, help="Print the comparison as JSON and nothing else.")
@complaints
def compare_command(before: Path, after: Path, json_: bool) -> None:
    """Say what changed from BEFORE to AFTER, two files of results."""
    found = compare(_rows(before), _rows(after))
    if json_:
        changes = [asdict(one) | {"verdict": one.verdict} for one in found.changes]
        click.echo(json.dumps(asdict(found) | {"changes": changes}))
        return
    _show(Console(highlight=False), found)


def _show(console: Console, found: Comparison) -> None:
    table = Table(box=None, padding=(0, 2, 0, 0))
    for name in ("demo", "", "m", "scenario", "network", "before", "after", "ratio", ""):
        table.add_column(name)
    for one in found.changes:
        key, ratio = one.key, one.ratio
        interval = "" if ratio.low is None else f" ({ratio.low:.2f} to {ratio.high:.2f})"
        table.add_row(
            *(
                escape(clean(str(part)))
                for part in (key.demo, key.size, key.parties, key.scenario, key.network)
            ),
            duration(one.before),
            duration(one.after),
            f"{ratio.value:.2f}{interval}",
            f"[{_COLOURS.get(one.verdict, 'dim')}]{one.verdict}[/]",
        )
    console.print(table)
    for what, keys in (("before", found.only_before), ("after", found.only_after)):
        if keys:
            console.print(f"[dim]only {what}: {len(keys)} groups[/]")
    if found.machines_differ:
        console.print("[yellow]The two were measured on different machines.[/]")
    console.print(f"[dim]Medians of the ratios after/before, with {LEVEL:.0%} confidence intervals.[/]")


@lab_group.command("calibrate")
@click.option(
    "--delay", "delays", multiple=True, type=click.FloatRange(0, 10_000), metavar="MS", help="Which."
)
@click.option("--backend", type=click.Choice(BACKENDS), default="emulator", show_default=True)
@click.option("--json", "json_", is_flag=True, help="Print the figures as JSON and nothing else.")
@complaints
def calibrate_command(delays: tuple[float, ...], backend: str, json_: bool) -> None:
    """Measure how right the emulator is here: what it adds to delays, and its throughput. Needs root.

    The exit code is 1 where it is not as right as it should be on a quiet machine.
    """
    if backend == "netem" and not netem.available():
        raise LocalError("this kernel has no netem", hint="Use the emulator.")
    left = sweep()
    console = Console(highlight=False, soft_wrap=True)
    with Net(2, backend=backend) as net:
        chosen = tuple(delay / 1000 for delay in delays) or DELAYS
        found = calibrate(net, chosen, say=lambda text: None if json_ else console.print(f"[dim]{text}[/]"))
    if json_:
        click.echo(json.dumps(found.as_dict() | {"good": found.good}))
    else:
        for name in left:
            console.print(f"[dim]removed what an earlier run left: {escape(name)}[/]")
        _show_calibration(console, found)
    sys.exit(0 if found.good else 1)


def _show_calibration(console: Console, found: Calibration) -> None:
    table = Table(box=None, padding=(0, 2, 0, 0))
    for name in ("delay, ms", "added p50, ms", "added p99, ms", "probes"):
        table.add_column(name, justify="right")
    for one in found.delays:
        shown = f"{one.delay_ms:g}", f"{one.p50_ms:.3f}", f"{one.p99_ms:.3f}", str(one.probes - one.lost)
        table.add_row(*shown)
    console.print(table)
    console.print(f"{found.mbit_per_s:,} Mbit/s through one TCP connection with no delay, MTU 1500")
    if not found.fifo and found.backend == "emulator":
        console.print("[yellow]The emulator may not run before other processes here.[/]")
    if not found.good:
        console.print("[yellow]That is not as right as a quiet machine would be.[/]")


for _command in (
    runtimes_command,
    usability_command,
    up_command,
    down_command,
    ls_command,
    exec_command,
    hive_command,
    trace_command,
    traces_command,
    simulate_command,
    validate_command,
):
    lab_group.add_command(_command)


def _rows(path: Path) -> list[rows.Row]:
    found = rows.read(path)
    if not found:
        raise LocalError(f"{path} has no rows", hint="Make them with: huddle lab run STUDY.toml")
    return found
