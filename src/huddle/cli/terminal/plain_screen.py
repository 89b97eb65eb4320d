"""A session in lines alone, for pipes, terminals that can't be painted on, and `HUDDLE_PLAIN=1`.

Nothing that was printed is ever changed, as screen readers need it, and nothing is printed into a question
that stands on a terminal: news wait until it is answered.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import ClassVar, TextIO

from rich.console import Console

from huddle import events
from huddle.cli.terminal.answers import Asked
from huddle.cli.terminal.board import Board
from huddle.cli.terminal.keyboard import Keyboard
from huddle.cli.terminal.view import View
from huddle.texts import t


class PlainScreen:
    """Lines alone."""

    script: ClassVar[bool] = False

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
        keyboard.forget_typed_ahead()
        if asked.problem:
            self._say(f"{asked.problem}\n")
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
                self._say(f"\n{t('This is not asked any more.')}\n")
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
