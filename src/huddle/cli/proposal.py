"""What else may travel with a program: proposed before the invitation exists, never sent unasked."""

from collections.abc import Callable, Iterable

import click

from huddle.cli.text import clean_line, listing
from huddle.session.belongings import Belongings

_SHOWN = 12  # more are named by their number


def for_host(program: str, *, ask: bool, modules: bool) -> Callable[[Belongings], Iterable[str]]:
    """How a host's person chooses: on the terminal (`ask`); else the program's own `modules`, or nothing.

    What is left out is named on standard error, with the option that takes it along.
    """

    def choose(found: Belongings) -> Iterable[str]:
        if ask:
            return _asked(program, found)
        taken = found.modules if modules else ()
        if taken:
            _say(f"{_names(taken)} of this program travel{'s' if len(taken) == 1 else ''} with it.")
        if left := [one for one in found.all if one not in taken]:
            verb = "stays" if len(left) == 1 else "stay"
            _say(f"{program} uses {_names(left)}, which {verb} here unless you --include it.")
        return taken

    return choose


def for_guest(found: Belongings) -> Iterable[str]:
    """A guest sends nothing: of a copy of one's own all counts that the host's program has too."""
    return found.all


def _asked(program: str, found: Belongings) -> Iterable[str]:
    count = len(found.all)
    click.echo(f"{clean_line(program)} uses {count} more file{'s' if count > 1 else ''} of yours:")
    for path in found.all[:_SHOWN]:
        click.echo(f"  {clean_line(path)}{'' if path in found.modules else '   (data)'}")
    if count > _SHOWN:
        click.echo(f"  and {count - _SHOWN} more")
    take = "Send it to all" if count == 1 else "Send them to all"
    answer = click.prompt(
        f"{take}? [y/e/n] (e: ask for each)",
        type=click.Choice(["y", "e", "n"]),
        show_choices=False,
        default="y",
    )
    if answer == "e":
        return [path for path in found.all if click.confirm(f"  {clean_line(path)}", default=True)]
    return found.all if answer == "y" else ()


def _names(paths: Iterable[str]) -> str:
    names = [clean_line(path) for path in paths]
    more = [f"{len(names) - _SHOWN} more"] if len(names) > _SHOWN else []
    return listing([*names[:_SHOWN], *more])


def _say(text: str) -> None:
    click.secho(text, fg="yellow", err=True)
