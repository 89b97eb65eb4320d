"""What else may travel with a program: proposed before the invitation exists, never sent unasked."""

from collections.abc import Callable, Iterable

import click

from huddle.cli.confirm import one_of
from huddle.cli.text import clean_line, listing
from huddle.session.belongings import Belongings
from huddle.texts import t, tn

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
            _say(
                tn(
                    "{names} of this program travels with it.",
                    "{names} of this program travel with it.",
                    len(taken),
                    names=_names(taken),
                )
            )
        if left := [one for one in found.all if one not in taken]:
            _say(
                tn(
                    "{program} uses {names}, which stays here unless you --include it.",
                    "{program} uses {names}, which stay here unless you --include them.",
                    len(left),
                    program=clean_line(program),
                    names=_names(left),
                )
            )
        return taken

    return choose


def for_guest(found: Belongings) -> Iterable[str]:
    """A guest sends nothing: of a copy of one's own all counts that the host's program has too."""
    return found.all


def _asked(program: str, found: Belongings) -> Iterable[str]:
    count = len(found.all)
    click.echo(
        tn(
            "{program} uses {count} more file of yours:",
            "{program} uses {count} more files of yours:",
            count,
            program=clean_line(program),
        )
    )
    data = f"   ({t('data')})"
    for path in found.all[:_SHOWN]:
        click.echo(f"  {clean_line(path)}{'' if path in found.modules else data}")
    if count > _SHOWN:
        click.echo("  " + t("and {count} more", count=count - _SHOWN))
    take = tn("Send it to all? (e: ask for each)", "Send them to all? (e: ask for each)", count)
    answer = one_of(take, "yen")
    if answer == "e":
        return [path for path in found.all if one_of(f"  {clean_line(path)}", "yn") == "y"]
    return found.all if answer == "y" else ()


def _names(paths: Iterable[str]) -> str:
    names = [clean_line(path) for path in paths]
    more = [t("{count} more", count=len(names) - _SHOWN)] if len(names) > _SHOWN else []
    return listing([*names[:_SHOWN], *more])


def _say(text: str) -> None:
    click.secho(text, fg="yellow", err=True)
