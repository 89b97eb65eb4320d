"""A yes before something that can't be undone, said to the question and not before it."""

import contextlib
import sys
import termios

import click


def confirm(question: str) -> None:
    """Ask, and go on after a yes; anything typed before the question stood there is forgotten.

    Raises click.Abort on no and at the end of the input.
    """
    with contextlib.suppress(termios.error, ValueError, OSError):  # no terminal
        termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)
    click.confirm(question, abort=True)
