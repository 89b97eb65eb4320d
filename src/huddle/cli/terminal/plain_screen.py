"""A session in lines alone, for pipes, terminals that can't be painted on, and `HUDDLE_PLAIN=1`.

Nothing that was printed is ever changed, as screen readers need it. Nothing is printed into a question for
whose answer somebody waits: news come below it once it is answered. A question that only stands there, as
that of the lobby, holds nothing up: news are printed at once, and then it is asked again in one line.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import ClassVar, TextIO, cast

from rich.console import Console

from huddle import events
from huddle.cli.terminal.answers import Asked
from huddle.cli.terminal.board import Board
from huddle.cli.terminal.keyboard import Keyboard
from huddle.cli.terminal.view import View
from huddle.texts import t

_PROMPT = "> "


class PlainScreen:
    """Lines alone."""

    script: ClassVar[bool] = False
    every: ClassVar[float] = 0.5

    def __init__(self, out: TextIO, *, planned: int | None) -> None:
        self._out = Below(out)
        console = Console(file=cast(TextIO, self._out), force_terminal=False, color_system=None)
        self._view = View(console, Board(), planned=planned)
        self._keyboard: Keyboard | None = None
        self._held: list[events.Event] | None = None  # while somebody waits for an answer on a terminal
        self._standing: Asked | None = None  # what stands there, and nobody waits for
        self._told: Asked | None = None  # what stood there before: in full only where it is another

    async def begin(self, interrupt: Callable[[], None]) -> None:
        """Nothing to do: Ctrl-C is a signal here."""

    async def end(self) -> None:
        """Show what was held back."""
        self._answered()

    def show(self, event: events.Event) -> None:
        """Show one event; below a question on a terminal once that is answered."""
        if isinstance(event, events.Restarted):
            self._told = None  # much has changed: what can be done now is worth saying whole
        if self._held is None:
            self._view.show(event)
            return
        self._held.append(event)
        if isinstance(event, events.Error | events.Ended):
            self._answered()

    def tick(self) -> None:
        """Ask again what stands there, below the news that came since."""
        if self._standing is not None and not self._out.prompted:
            self._remind(self._standing)

    async def ask(self, asked: Asked) -> str | None:
        """Print the question, what can be typed, and wait."""
        keyboard = self._keys()
        self._view.line()
        keyboard.forget_typed_ahead()
        if asked.standing and asked == self._told:
            self._remind(asked)
        else:
            self._print(asked)
        if asked.standing:
            self._standing = asked
            self._told = replace(asked, problem="")
        elif self._out.isatty():
            self._held = []
        answered = False
        try:
            line = await keyboard.line()
            answered = True
            self._out.typed()
            return line
        finally:
            if not (answered or asked.standing):
                self._out.write(f"{t('This is not asked any more.')}\n")
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

    def _print(self, asked: Asked) -> None:
        lines = [asked.problem] if asked.problem else []
        lines += [asked.question, *(f"  {key}: {meaning}" for key, meaning in asked.choices)]
        self._out.prompt("".join(f"{line}\n" for line in lines) + _PROMPT)

    def _remind(self, asked: Asked) -> None:
        keys = ", ".join(key for key, _ in asked.choices)
        again = t("{question} {keys}; Enter alone says what they mean.", question=asked.question, keys=keys)
        self._out.prompt(f"{again}\n{_PROMPT}")

    def _answered(self) -> None:
        held, self._held, self._standing = self._held or [], None, None
        for event in held:
            self._view.show(event)

    def _keys(self) -> Keyboard:
        if self._keyboard is None:
            self._keyboard = Keyboard()
        return self._keyboard


class Below:
    """Lines that begin below a prompt, where one stands; what `rich` and the view use of a stream."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self.prompted = False  # the cursor stands behind a prompt

    @property
    def encoding(self) -> str:
        """That of the stream."""
        return self._out.encoding

    def isatty(self) -> bool:
        """Whether a person sees it."""
        return self._out.isatty()

    def fileno(self) -> int:
        """For the size of the terminal."""
        return self._out.fileno()

    def write(self, text: str) -> int:
        """Write, on a line of its own where a prompt stands."""
        if self.prompted and text:
            self._out.write("\n")
            self.prompted = False
        return self._out.write(text)

    def flush(self) -> None:
        """Let it be seen."""
        self._out.flush()

    def prompt(self, text: str) -> None:
        """Write a question, behind which an answer is typed."""
        self.write(text)
        self._out.flush()
        self.prompted = True

    def typed(self) -> None:
        """The answer's Enter has ended the line, on a terminal; from a pipe nothing is seen of it."""
        self.prompted = self.prompted and not self._out.isatty()
