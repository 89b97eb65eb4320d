"""Tasks that end with the code that started them.

`asyncio.TaskGroup` serves where all of a group should succeed. Here one goes on only for as long as
something else does, or the first to end decides; both would need a group that is cancelled from inside, and
an error comes out as it was raised, not in a group of one.
"""

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

Work = Coroutine[Any, Any, Any]


async def cancel(*tasks: asyncio.Task[Any] | None) -> None:
    """Cancel these and wait until they have ended; how they ended counts no more."""
    some = [task for task in tasks if task is not None]
    for task in some:
        task.cancel()
    await asyncio.gather(*some, return_exceptions=True)


async def joined[T](work: asyncio.Future[T]) -> T:
    """What this brings, for which others may wait, too: who is cancelled meanwhile leaves it as it is.

    `asyncio.shield` would complain, from Python 3.14 on, of what it fails with after that.
    """
    await asyncio.wait([work])
    return work.result()


@asynccontextmanager
async def beside(work: Work, *, name: str | None = None) -> AsyncGenerator[asyncio.Task[Any]]:
    """Let `work` go on beside the block, and no longer."""
    task = asyncio.create_task(work, name=name)
    try:
        yield task
    finally:
        await cancel(task)


async def until_first(*works: Work) -> None:
    """Let all of these go on until one has ended, and none longer; raises what that one raised."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        await cancel(*tasks)
