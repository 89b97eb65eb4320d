"""Work that others may want to end: what must come to its end all the same, and what need not."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from huddle.errors import HuddleError
from huddle.tasks import joined


async def whole(work: Coroutine[Any, Any, None]) -> None:
    """Let this come to its end, though the session is left meanwhile: half of it could not be taken down."""
    task = asyncio.ensure_future(work)
    try:
        await joined(task)
    except asyncio.CancelledError:
        await asyncio.gather(task, return_exceptions=True)
        raise


@asynccontextmanager
async def whole_stack() -> AsyncIterator[AsyncExitStack]:
    """A stack that is unwound to its end, though the session is left meanwhile."""
    stack = AsyncExitStack()
    try:
        yield stack
    finally:
        await whole(stack.aclose())


async def unless_failed[T](
    work: Awaitable[T], news: asyncio.Event, failed: Callable[[], HuddleError | None]
) -> T:
    """What this work brings; raises what has failed meanwhile, as `failed` knows once there are `news`."""
    task = asyncio.ensure_future(work)
    try:
        while not task.done():
            if (error := failed()) is not None:
                raise error
            news.clear()
            told = asyncio.ensure_future(news.wait())
            try:
                await asyncio.wait({task, told}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                told.cancel()
        return await task
    finally:
        task.cancel()
