"""`huddle lab usability`: what people do for a session by each solution, performed on fresh machines."""

import os
import signal
from pathlib import Path

import click

from huddle.cli.errors import complaints
from huddle.errors import LocalError
from huddle_lab.usability import perform, table
from huddle_lab.usability.base import fresh_debian
from huddle_lab.usability.registry import SOLUTIONS

_CHECKOUT = Path(__file__).parents[4]
_RESULTS = Path("docs/results/usability.json")


@click.command("usability")
@click.argument("solutions", nargs=-1, metavar="[SOLUTION]…")
@click.option(
    "--results", type=click.Path(dir_okay=False, path_type=Path), default=_RESULTS, show_default=True
)
@click.option(
    "--base",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The system of the machines; / is this computer's own. Default: a fresh Debian, made once.",
)
@complaints
def usability_command(solutions: tuple[str, ...], results: Path, base: Path | None) -> None:
    """Perform each SOLUTION (default: all) on fresh machines, and keep what was done and what stayed.

    Needs root, as machines are namespaces of this computer, and registries of packages to install from. For
    mpyc-web HUDDLE_MPYC_WEB has to be the URL at which a build of it is served to this computer's browsers.
    """
    known = {one.name: one for one in SOLUTIONS}
    if unknown := set(solutions) - set(known):
        raise LocalError(
            f"There is no solution {', '.join(sorted(unknown))}.", hint=f"There are {', '.join(known)}."
        )
    if os.geteuid() != 0:
        raise LocalError("Fresh machines can only be made by root.")
    program = _CHECKOUT / "tests" / "programs" / "total.py"
    if not program.exists():
        raise LocalError("This needs a checkout of Huddle, of which people install it.")
    root = base or fresh_debian()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that nothing stays behind
    rows = []
    for name in solutions or known:
        click.echo(f"{known[name].title} …", err=True)
        rows.append(perform.perform(known[name], root, _CHECKOUT, program))
        perform.write(rows, results)
    click.echo(table.usability(perform.read(results)))
    click.echo(f"\n{table.security()}")
