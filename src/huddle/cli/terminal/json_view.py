"""A session for scripts: one JSON object a line on standard output, and nothing else there.

The objects are those of `huddle.events.as_json`, documented in docs/events.md. Answers are lines of standard
input; what is asked stands on standard error.
"""

import json
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import ClassVar, TextIO

from huddle import events
from huddle.cli.terminal.answers import Asked
from huddle.cli.terminal.keyboard import Keyboard


class JsonView:
    """Prints events as JSON lines."""

    script: ClassVar[bool] = True
    every: ClassVar[float] = 0.0

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._keyboard: Keyboard | None = None

    async def begin(self, interrupt: Callable[[], None]) -> None:
        """Nothing to take."""

    async def end(self) -> None:
        """Nothing to take away."""

    def show(self, event: events.Event) -> None:
        """Print one event, at once; in ASCII, since a program may print what no encoding has."""
        self._out.write(json.dumps(events.as_json(event)) + "\n")
        self._out.flush()

    def tick(self) -> None:
        """Nothing that moves."""

    async def ask(self, asked: Asked) -> str | None:
        """Ask on standard error; the event before it says the same to a script."""
        keys = self._keys()
        keys.forget_typed_ahead()
        problem = f"{asked.problem} " if asked.problem else ""
        choices = "/".join(key for key, _ in asked.choices)
        print(f"{problem}{asked.question} [{choices}] ", end="", flush=True, file=sys.stderr)
        return await keys.line()

    async def line(self) -> str | None:
        """The next line of standard input."""
        return await self._keys().line()

    async def read(self, contents: Mapping[str, bytes], turn: Callable[[], Awaitable[None]]) -> None:
        """A script has other ways to read files."""

    def _keys(self) -> Keyboard:
        if self._keyboard is None:
            self._keyboard = Keyboard()
        return self._keyboard
