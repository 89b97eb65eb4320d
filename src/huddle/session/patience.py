"""What a person is told while something takes longer than they would wait without a word."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from huddle.rendezvous.client.dialing import host_of

SLOW = 2.0  # seconds


@contextmanager
def told_if_slow(rendezvous: str | None, notice: Callable[[str], None]) -> Iterator[None]:
    """Say so where what the block asks of that rendezvous is not done soon."""
    if rendezvous is None:
        yield
        return
    text = f"The rendezvous {host_of(rendezvous)} has not answered yet; still trying."
    telling = asyncio.get_running_loop().call_later(SLOW, notice, text)
    try:
        yield
    finally:
        telling.cancel()
