"""`huddle lab trace`, `traces`, `simulate` and `validate`: computations replayed where nobody ran them."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from huddle.cli.errors import complaints
from huddle.cli.named_path import NamedPath
from huddle.cli.text import clean
from huddle.errors import LocalError
from huddle.session.samples import sample
from huddle_lab.runs import rows
from huddle_lab.simulator import costs as costs_file
from huddle_lab.simulator import places, validation
from huddle_lab.study import study
from huddle_lab.traces import library, recording
from huddle_lab.traces import trace as trace_file

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_FOLDER = click.Path(file_okay=False, path_type=Path)


@click.command("trace", context_settings={"ignore_unknown_options": True})
@click.argument("program", type=_FILE)
@click.argument("args", nargs=-1)
@click.option("--parties", "-m", type=click.IntRange(1, 60), default=3, show_default=True)
@click.option("--seed", default="1", show_default=True, help="Of the parties' random numbers.")
@click.option(
    "--output", "-o", type=click.Path(dir_okay=False, path_type=Path), help="Default: by the program."
)
@complaints
def trace_command(program: Path, args: tuple[str, ...], parties: int, seed: str, output: Path | None) -> None:
    """Record what PROGRAM, an MPyC program with ARGS, does at each party, for `huddle lab simulate`.

    Anybody can guess the secrets of that run. It is run twice, and only processor time counts, so that other
    work on this computer hardly matters.
    """
    target = output or Path(f"{program.stem}-{parties}{library.SUFFIX}")
    found = recording.record(program, args, parties, seed, demo=program.stem, size="", digest="")
    trace_file.save(found, target)
    click.echo(f"{target}: {found.messages:,} messages, {target.stat().st_size:,} bytes")


@click.command("traces")
@click.argument("path", metavar="STUDY", type=NamedPath("study", study.studies))
@click.option(
    "--parties", type=click.IntRange(1, 60), multiple=True, help="Instead of the study's. Again for more."
)
@click.option("--demo", "demos", multiple=True, help="Only this one of the study's. Again for another.")
@click.option("--into", "folder", type=_FOLDER, default=Path("results/traces"), show_default=True)
@click.option("--each-seed", is_flag=True, help="A trace for each repetition, not that of the median one.")
@complaints
def traces_command(
    path: Path, parties: tuple[int, ...], demos: tuple[str, ...], folder: Path, each_seed: bool
) -> None:
    """Record a trace of each computation of STUDY that the folder does not have."""
    chosen = study.load(path, sample)
    if unknown := set(demos) - {one.name for one in chosen.demos}:
        hint = f"It has {', '.join(one.name for one in chosen.demos)}."
        raise LocalError(f"the study has no demo {', '.join(sorted(unknown))}", hint=hint)
    if demos:
        chosen = replace(chosen, demos=tuple(one for one in chosen.demos if one.name in demos))
    library.record_study(chosen, parties or chosen.parties, folder, click.echo, each_seed)


@click.command("simulate")
@click.argument("trace", type=NamedPath("trace", lambda: {p.name: p for p in library.headers()}))
@click.option(
    "--scenario", "scenarios", multiple=True, help="One of the lab's. Again for another. Default: all."
)
@click.option("--network", "networks", multiple=True, default=("plain",), show_default=True)
@click.option(
    "--way",
    "ways",
    multiple=True,
    metavar="KEY=VALUE",
    help="rtt (ms between any two, instead of a scenario), jitter (ms), rate (Mbit/s) or loss (percent).",
)
@click.option(
    "--slower", multiple=True, metavar="PARTY=FACTOR", help="A party's processor, such as 2=5 for a phone."
)
@click.option("--processors", type=click.IntRange(1), help="So few, which all share. Default: one each.")
@click.option(
    "--costs", type=_FILE, default=costs_file.SHIPPED, help="Of networks, as validate --costs writes them."
)
@click.option("--json", "json_", is_flag=True, help="Print JSON and nothing else.")
@complaints
def simulate_command(
    trace: Path,
    scenarios: tuple[str, ...],
    networks: tuple[str, ...],
    ways: tuple[str, ...],
    slower: tuple[str, ...],
    processors: int | None,
    costs: Path,
    json_: bool,
) -> None:
    """Replay TRACE in places where it was never run, in seconds: a file, or a trace that comes with the lab.

    Where chance has a part (loss, jitter) it is the median of several.
    """
    replayed, known = trace_file.load(trace), costs_file.load(costs)
    count = replayed.header.parties
    for name in networks:
        if name not in known.networks:
            raise LocalError(
                f"what the network {name} costs was not measured",
                hint=f"There are {', '.join(known.networks)}.",
            )
    found = []
    for place in places.chosen(scenarios, ways):
        for name in networks:
            taken = places.seconds(
                replayed, place, known, name, slower=_slower(slower, count), processors=processors
            )
            found.append({"scenario": place.name, "network": name, "seconds": round(taken, 4)})
    if json_:
        click.echo(json.dumps({"trace": replayed.title, "simulated": found}))
        return
    table = Table("scenario", "network", "seconds", box=None, padding=(0, 2, 0, 0))
    for one in found:
        table.add_row(escape(str(one["scenario"])), escape(str(one["network"])), f"{one['seconds']:.3f}")
    console = Console(highlight=False)
    console.print(f"{escape(clean(replayed.title))}, {replayed.messages:,} messages, simulated")
    console.print(table)


def _slower(texts: tuple[str, ...], parties: int) -> list[float]:
    found = [1.0] * parties
    for text in texts:
        party, _, factor = text.partition("=")
        try:
            number, value = int(party), float(factor)
            if not (0 <= number < parties and value > 0):
                raise ValueError(text)
        except ValueError:
            raise LocalError(
                f"--slower {text}", hint=f"Say PARTY=FACTOR, a party from 0 to {parties - 1}."
            ) from None
        found[number] = value
    return found


@click.command("validate")
@click.argument("results", type=_FILE)
@click.option(
    "--traces", "folder", type=_FOLDER, default=library.FOLDER, help="Where traces with the same seeds are."
)
@click.option(
    "--costs", "costs_to", type=click.Path(dir_okay=False, path_type=Path), help="Write what was derived."
)
@click.option("--processors", type=click.IntRange(1), help="Of that computer. Default: as the rows say.")
@click.option("--markdown", is_flag=True, help="Print tables for a document.")
@complaints
def validate_command(
    results: Path, folder: Path, costs_to: Path | None, processors: int | None, markdown: bool
) -> None:
    """Put simulated times beside the emulated ones of RESULTS, which `huddle lab run validation` makes.

    Traces with the seeds of these rows are needed: huddle lab traces validation --each-seed --into
    FOLDER. What networks and pauses cost is derived from the rows of studies/links.py in RESULTS.
    """
    found = rows.read(results)
    derived = costs_file.derive(found)
    if costs_to:
        costs_file.save(derived, costs_to)
    compared = validation.compare(found, library.headers(folder), derived, processors)
    if not compared:
        raise LocalError(
            "no row has a trace with its seed", hint="huddle lab traces validation --each-seed --into …"
        )
    show: Callable[..., None] = click.echo
    show(validation.markdown(compared) if markdown else validation.text(compared))
