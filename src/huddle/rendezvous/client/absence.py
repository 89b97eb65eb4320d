"""How long somebody has been away from a room.

Who is there is the rendezvous's word: if it lies, it ends what it could end anyway by saying nothing.
"""

import asyncio
from collections.abc import Callable

LOOK = 1.0  # seconds between two looks


async def absent(
    seconds: float, away: Callable[[], bool], looked: Callable[[float], None] = lambda missed: None
) -> None:
    """Until `away` was so at each look for so many seconds.

    `looked` is called after each look, with the seconds for which it has been so.
    """
    missed = 0.0
    while missed < seconds:
        await asyncio.sleep(LOOK)
        missed = missed + LOOK if away() else 0.0
        looked(missed)
