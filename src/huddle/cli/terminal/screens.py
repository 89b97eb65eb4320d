"""Where a person sees a session and answers: a terminal with a picture at its lower end, or lines alone.

Lines alone are for pipes, for terminals that can't be painted on, and for `HUDDLE_PLAIN=1`: nothing that was
printed is ever changed, as screen readers need it, and nothing is printed into a question that stands there.
"""

import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol, TextIO

from rich.console import Console

from huddle import events
from huddle.cli.terminal.answers import Asked
from huddle.cli.terminal.board import Board
from huddle.cli.terminal.keyboard import Keyboard
from huddle.cli.terminal.view import View


class Screen(Protocol):
    """What shows a session and takes what its person types."""

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
        return PlainScreen(out, planned=planned)
    from huddle.cli.terminal.screen import (
        TerminalScreen,  # prompt_toolkit takes a while, and pipes need it not
    )

    return TerminalScreen(out, planned=planned)


class PlainScreen:
    """Lines alone."""

    def __init__(self, out: TextIO, *, planned: int | None) -> None:
        self._out = out
        self._view = View(
            Console(file=out, force_terminal=False, color_system=None), Board(), planned=planned
        )
        self._keyboard: Keyboard | None = None
        self._held: list[events.Event] | None = None  # while a question stands on a terminal
        self._stands = False

    async def begin(self, interrupt: Callable[[], None]) -> None:
        """Nothing to do: Ctrl-C is a signal here."""

    async def end(self) -> None:
        """Show what was held back."""
        self._answered()

    def show(self, event: events.Event) -> None:
        """Show one event; below a question on a terminal once that is answered."""
        if self._held is not None:
            self._held.append(event)
            if not isinstance(event, events.Error | events.Ended):
                return
            self._out.write("\n")
            self._answered()
            return
        if self._stands:  # a pipe's question: its line ends here
            self._out.write("\n")
            self._stands = False
        self._view.show(event)

    def tick(self) -> None:
        """Nothing moves."""

    async def ask(self, asked: Asked) -> str | None:
        """Print the question, what can be typed, and wait."""
        keyboard = self._keys()
        self._view.line()
        if asked.problem:
            self._say(f"{asked.problem}\n")
        keyboard.forget_typed_ahead()
        self._say(
            f"{asked.question}\n" + "".join(f"  {key}: {meaning}\n" for key, meaning in asked.choices) + "> "
        )
        self._held, self._stands = ([], False) if self._out.isatty() else (None, True)
        answered = False
        try:
            line = await keyboard.line()
            answered = True
            return line
        finally:
            if not answered:
                self._say("\nThis is not asked any more.\n")
            self._answered()

    async def line(self) -> str | None:
        """The next line of standard input."""
        line = await self._keys().line()
        self._view.typed(line or "")
        return line

    async def read(self, contents: Mapping[str, bytes], turn: Callable[[], Awaitable[None]]) -> None:
        """Print all of it."""
        for piece in self._view.files(contents):
            self._view.print(piece)
            await turn()

    def _say(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()

    def _answered(self) -> None:
        held, self._held, self._stands = self._held or [], None, False
        for event in held:
            self._view.show(event)

    def _keys(self) -> Keyboard:
        if self._keyboard is None:
            self._keyboard = Keyboard()
        return self._keyboard
