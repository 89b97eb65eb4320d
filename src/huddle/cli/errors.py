"""How a command fails: one message that says what, whose fault it is and what to do, and an exit code.

| exit code | meaning                                                             |
| --------- | ------------------------------------------------------------------- |
| 0         | all is well; of a session: every run finished well                  |
| 1         | a run or a check did not end well, or a person ended the session    |
| 2         | the command line is wrong (also: a question nobody could be asked)  |
| 3         | this party's own doing: a file, an option, a missing tool; a bug    |
| 4         | this party's program failed                                         |
| 5         | another party failed                                                |
| 6         | the rendezvous failed                                               |
| 7         | a network failed                                                    |
|           | 3 to 7 also where that ended a session                              |
| 130       | Ctrl-C                                                              |
"""

import functools
import json
import sys
from collections.abc import Callable

import click

from huddle import events
from huddle.cli.text import clean
from huddle.errors import HuddleError, PeerError
from huddle.texts import t, translated

EXIT_CODES = {"local": 3, "program": 4, "peer": 5, "rendezvous": 6, "network": 7}
INTERRUPTED = 130


def complaints[**P, R](command: Callable[P, R]) -> Callable[P, R]:
    """Make a click callback report a HuddleError and exit with its code.

    With `--json` (the parameter `json_`) the report is an `error` event on standard output.
    """

    @functools.wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except HuddleError as error:
            complain(error, as_json=bool(kwargs.get("json_")))
            sys.exit(EXIT_CODES[error.whose])
        except KeyboardInterrupt:
            sys.exit(INTERRUPTED)

    return wrapped


def complain(error: HuddleError, *, as_json: bool = False) -> None:
    """Print an error, for people on standard error or as an event on standard output."""
    peer = error.peer if isinstance(error, PeerError) else ""
    if as_json:
        event = events.Error(error.whose, error.message, error.hint, peer)
        click.echo(json.dumps(events.as_json(event)))
        return
    whose = clean(peer) if peer else _whose(error.whose)
    title = click.style(t("Error"), fg="red", bold=True)
    click.echo(f"{title} ({whose}): {clean(translated(error.message))}", err=True)
    if error.hint:
        click.echo(clean(translated(error.hint)), err=True)


def _whose(whose: str) -> str:
    match whose:
        case "program":
            return t("the program")
        case "rendezvous":
            return t("the rendezvous")
        case "network":
            return t("the network")
    return t("on this machine")
