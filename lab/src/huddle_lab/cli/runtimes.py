"""`huddle lab runtimes`: Python runtimes for browsers, measured beside the thesis's figures."""

import json
import os
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape

from huddle.cli.errors import complaints
from huddle.cli.text import clean
from huddle_lab.report import runtimes as runtimes_report
from huddle_lab.runs import runtimes


def _cache() -> Path:
    """Where scripts/runtimes puts them."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "huddle-dev" / "runtimes"


@click.command("runtimes")
@click.argument("names", nargs=-1, type=click.Choice(runtimes.NAMES))
@click.option("--folder", type=click.Path(file_okay=False, path_type=Path), help="Where the runtimes are.")
@click.option(
    "--results",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("results/runtimes.jsonl"),
    show_default=True,
)
@complaints
def runtimes_command(names: tuple[str, ...], folder: Path | None, results: Path) -> None:
    """Measure Python runtimes for browsers in headless Chromium; all of them, or those of these NAMES.

    scripts/runtimes fetches them before. Rows are added to the results, for huddle lab report --runtimes.
    """
    console = Console(highlight=False, soft_wrap=True, stderr=True)
    results.parent.mkdir(parents=True, exist_ok=True)
    found = []
    for row in runtimes.run(folder or _cache(), names or runtimes.NAMES, console.print):
        found.append(row)
        with open(results, "a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
    head, lines = runtimes_report.table(found)
    for line in lines:
        click.echo(clean(line[0]))
        for name, value in zip(head[1:], line[1:], strict=True):
            if value:
                click.echo(f"  {name:<18} {clean(value)}")
    for note in runtimes_report.notes(found):
        click.echo(clean(note))
    console.print(f"Results: {escape(str(results))}")
