"""Lets a session's events come no faster than the screen shows them, and lets Ctrl-C get ahead of them.

A party that is not asked for its next event takes no more of its program's output, so that the program waits
where it writes. The event loop never waits: heartbeats go on, and signals are answered.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

from huddle import events
from huddle.cli.text import size


class Outlet(Protocol):
    """Where a screen writes to (see `huddle.cli.terminal.output_buffer.OutputBuffer`)."""

    @property
    def behind(self) -> bool:
        """Whether more waits there than should."""
        ...

    async def caught_up(self) -> None:
        """Wait until it is not."""
        ...


class Pace:
    """The pace of one screen; without an outlet nothing is ever behind."""

    def __init__(self, outlet: Outlet | None) -> None:
        self._outlet = outlet
        self._waiting: asyncio.Future[None] | None = None
        self._skipping = False
        self._left_out = 0

    @property
    def behind(self) -> bool:
        """Whether the screen is."""
        return self._outlet is not None and self._outlet.behind

    def show(self, event: events.Event, show: Callable[[events.Event], None]) -> None:
        """Show the event, but for output that Ctrl-C has overtaken."""
        if self._skipping and isinstance(event, events.Output):
            self._left_out += len(event.text)
            return
        if isinstance(event, events.Run | events.Ended):
            self._skipping = False
            if self._left_out:
                show(events.Notice(f"Ctrl-C came first: {size(self._left_out)} of the output are left out."))
                self._left_out = 0
        show(event)

    async def wait(self, event: events.Event) -> None:
        """After this event: wait until the screen has room for the next."""
        if isinstance(event, events.Output):
            await self.turn()  # a program may print without end
        else:
            await self._room()

    async def turn(self) -> None:
        """Let other tasks have their turn, and wait until the screen has room."""
        await asyncio.sleep(0)
        await self._room()

    async def _room(self) -> None:
        if self._outlet is None or self._skipping or not self._outlet.behind:
            return
        self._waiting = asyncio.ensure_future(self._outlet.caught_up())
        try:
            await asyncio.wait({self._waiting})
        finally:
            self._waiting.cancel()
            self._waiting = None

    def hurry(self) -> None:
        """The person ends the run, or the session: output that they have not seen yet is left out."""
        if self._waiting is not None:
            self._skipping = True
            self._waiting.cancel()
