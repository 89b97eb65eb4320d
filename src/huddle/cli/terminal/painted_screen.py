"""A session on a terminal: lines that stay above, and below them the board, which is painted anew."""

from collections.abc import Awaitable, Callable, Mapping
from typing import ClassVar, TextIO, cast

from rich.console import Console

from huddle import events
from huddle.cli.terminal import pager
from huddle.cli.terminal.answers import Asked
from huddle.cli.terminal.board import FRAME_SECONDS, Board
from huddle.cli.terminal.marks import safe
from huddle.cli.terminal.region import Above, Region
from huddle.cli.terminal.view import View

_LONGEST = 40  # letters of an answer that are kept among the lines


class PaintedScreen:
    """A screen with questions that stay where they are."""

    script: ClassVar[bool] = False
    every: ClassVar[float] = FRAME_SECONDS

    def __init__(self, out: TextIO, *, planned: int | None) -> None:
        self._interrupt: Callable[[], None] = lambda: None
        self._region = Region(out, self._paint, self._prefix, lambda: self._interrupt())
        above = cast(TextIO, Above(self._region, out.encoding or "utf-8"))  # all of it that is used here
        console = Console(file=above, force_terminal=True, legacy_windows=False)
        self._console = console
        self._board = Board(color_system=console.color_system if not console.no_color else None)
        self._view = View(console, self._board, planned=planned, plain=False)

    async def begin(self, interrupt: Callable[[], None]) -> None:
        """Take the terminal."""
        self._interrupt = interrupt
        await self._region.begin()

    async def end(self) -> None:
        """Give it back."""
        self._board.status, self._board.asked = "", None
        await self._region.end()

    def show(self, event: events.Event) -> None:
        """Show one event, above and on the board."""
        if isinstance(event, events.Run):
            self._region.program(event.state == "started")
        self._view.show(event)
        self._region.refresh()

    def tick(self) -> None:
        """The status moves."""
        if self._board.status and (self._board.asked is None or self._board.asked.standing):
            self._region.refresh()

    async def ask(self, asked: Asked) -> str | None:
        """Put the question on the board, and wait."""
        self._board.asked = asked
        try:
            line = await self._region.ask()
        finally:
            self._board.asked = None
            self._region.refresh()
        if line and line.strip():
            self._view.line(f"[dim]{safe(asked.question)} {safe(line[:_LONGEST])}[/]")
        return line

    async def line(self) -> str | None:
        """A line for the program, typed behind what it has written."""
        line = await self._region.line()
        self._view.typed(line or "")
        return line

    async def read(self, contents: Mapping[str, bytes], turn: Callable[[], Awaitable[None]]) -> None:
        """Show the program on the whole terminal."""
        pieces = []
        for piece in self._view.files(contents):
            pieces.append(piece)
            await turn()
        await pager.read("".join(pieces).strip("\n"), self._region)

    def _paint(self, width: int, height: int) -> str:
        return self._board.render(width, height)

    def _prefix(self) -> str:
        if self._board.asked is not None:
            return "> "
        return self._view.begun
