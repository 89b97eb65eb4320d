"""Where a person sees a session and answers: a terminal with a picture at its lower end, or lines alone."""

import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import ClassVar, Protocol, TextIO

from huddle import events
from huddle.cli.terminal.answers import Asked


class Screen(Protocol):
    """What shows a session and takes what its person types.

    `script`: a script reads and types here, which gives what a program wants on its command line.
    `every`: seconds between two ticks, which cost processor time as long as somebody waits; 0: none.
    """

    script: ClassVar[bool]
    every: ClassVar[float]

    async def begin(self, interrupt: Callable[[], None]) -> None:
        """The session begins; `interrupt` is for a Ctrl-C that comes as a key."""
        ...

    async def end(self) -> None:
        """The session is over: leave the terminal as it was."""
        ...

    def show(self, event: events.Event) -> None:
        """Show one event."""
        ...

    def tick(self) -> None:
        """Time passes."""
        ...

    async def ask(self, asked: Asked) -> str | None:
        """The line that answers; None where nothing can be typed any more. Cancelled: it is asked no more."""
        ...

    async def line(self) -> str | None:
        """A line for the program; None where there is no more input."""
        ...

    async def read(self, contents: Mapping[str, bytes], turn: Callable[[], Awaitable[None]]) -> None:
        """Let the person read a program; `turn` is awaited in between."""
        ...


def is_plain() -> bool:
    """Whether this terminal gets lines alone."""
    if os.environ.get("HUDDLE_PLAIN", "") not in ("", "0"):
        return True
    return not (sys.stdin.isatty() and sys.stdout.isatty()) or os.environ.get("TERM", "dumb") == "dumb"


def screen(out: TextIO, *, planned: int | None) -> Screen:
    """The screen for people that standard input and output make possible."""
    if is_plain():
        from huddle.cli.terminal.plain_screen import PlainScreen  # nor is rich for scripts

        return PlainScreen(out, planned=planned)
    from huddle.cli.terminal.painted_screen import PaintedScreen  # prompt_toolkit is not for pipes

    return PaintedScreen(out, planned=planned)
