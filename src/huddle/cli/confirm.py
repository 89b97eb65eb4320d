"""Questions outside of a session's screen: asked once they stand there, answered by nothing typed before.

Nothing else in the command line asks by click: `tests/unit/cli/test_type_ahead.py` holds it.
"""

import contextlib
import sys
import termios

import click


def confirm(question: str) -> None:
    """Ask before something that can't be undone, and go on after a yes.

    Raises click.Abort on no, Enter alone, and at the end of the input.
    """
    _forget_typed_ahead()
    click.confirm(question, abort=True)


def one_of(question: str, letters: str) -> str:
    """One of these letters; asked again after anything else, and after Enter alone.

    Raises click.Abort at the end of the input.
    """
    while True:
        line = typed(f"{question} [{'/'.join(letters)}]")
        answer = line.strip().casefold()
        if answer in set(letters):
            return answer


def typed(question: str) -> str:
    """A line, which may be empty. Raises click.Abort at the end of the input."""
    _forget_typed_ahead()
    return str(click.prompt(question, default="", show_default=False, prompt_suffix=": "))


def hidden(question: str, *, twice: bool = False) -> str:
    """What is typed without its being shown. Raises click.Abort at the end of the input."""
    _forget_typed_ahead()
    return str(click.prompt(question, hide_input=True, confirmation_prompt=twice, err=True))


def _forget_typed_ahead() -> None:
    with contextlib.suppress(termios.error, ValueError, OSError):  # no terminal
        termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)
