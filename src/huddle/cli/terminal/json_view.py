"""A session for scripts: one JSON object a line on standard output, and nothing else there.

The objects are those of `huddle.events.as_json`, documented in docs/events.md.
"""

import json
import sys
from typing import TextIO

from huddle import events


class JsonView:
    """Prints events as JSON lines."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def show(self, event: events.Event) -> None:
        """Print one event, at once; in ASCII, since a program may print what no encoding has."""
        self._out.write(json.dumps(events.as_json(event)) + "\n")
        self._out.flush()

    def line(self, markup: str = "") -> None:
        """Says nothing: all that matters is an event."""

    def rest(self) -> None:
        """Nothing to take away."""

    def tick(self) -> None:
        """Nothing that moves."""

    def ask(self, prompt: str) -> None:
        """Ask on standard error; the event before it says the same to a script."""
        print(prompt, end="", flush=True, file=sys.stderr)

    def answered(self, *, withdrawn: bool = False) -> None:
        """What was asked stays where it is."""
