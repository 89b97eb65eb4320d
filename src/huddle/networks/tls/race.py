"""Several addresses of one peer tried side by side, each a moment after the one before (RFC 8305)."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from huddle.links.stream import StreamWire

# The next address is tried after this long without an answer: RFC 8305 recommends 0.25 s for the open
# Internet; peers are often in one room, and an attempt too many costs nothing.
STAGGER = 0.1


class AttemptFailed(Exception):
    """One attempt failed; the text says how."""


async def first[Address](
    order: Sequence[Address],
    attempt: Callable[[Address], Coroutine[Any, Any, StreamWire]],
    failures: dict[Address, str],
) -> StreamWire | None:
    """The wire of the first attempt that makes one; None where none does, and `failures` has the reasons.

    No other attempt goes on, and no other wire is left, also where this is cancelled.
    """
    waiting = list(order)
    running: dict[asyncio.Task[StreamWire], Address] = {}
    winner: StreamWire | None = None
    try:
        while winner is None and (waiting or running):
            if waiting:
                address = waiting.pop(0)
                running[asyncio.create_task(attempt(address))] = address
            done, _ = await asyncio.wait(
                running, timeout=STAGGER if waiting else None, return_when=asyncio.FIRST_COMPLETED
            )
            for task in done:
                address = running[task]
                try:
                    wire = task.result()
                except AttemptFailed as exc:
                    failures[address] = str(exc)
                    del running[task]
                else:
                    winner = winner or wire
    finally:
        for task in running:
            task.cancel()
        for result in await asyncio.gather(*running, return_exceptions=True):
            if isinstance(result, StreamWire) and result is not winner:
                result.abort()
    return winner
