"""The wires that a network has open, and how they end with it.

Those in use are dropped at once. One that was closed may still have bytes to send, and gets a moment.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import suppress


class OpenWires[Wire]:
    """Wires until they are gone; `closed` says whether one is only sending what is left, `drop` ends one."""

    def __init__(self, closed: Callable[[Wire], bool], drop: Callable[[Wire], None]) -> None:
        self._closed = closed
        self._drop = drop
        self._wires: set[Wire] = set()
        self._empty = asyncio.Event()

    def __len__(self) -> int:
        return len(self._wires)

    def __iter__(self) -> Iterator[Wire]:
        """Those of this moment, so that wires may go meanwhile."""
        return iter(list(self._wires))

    def add(self, wire: Wire) -> None:
        """One more."""
        self._wires.add(wire)

    def discard(self, wire: Wire) -> None:
        """This one is gone."""
        self._wires.discard(wire)
        if not self._wires:
            self._empty.set()

    async def end(self, within: float) -> None:
        """Drop what is in use now, and after so many seconds what was closed and is still not gone."""
        for wire in self:
            if not self._closed(wire):
                self._drop(wire)
        if self._wires and within:
            self._empty.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._empty.wait(), within)
        for wire in self:
            self._drop(wire)
