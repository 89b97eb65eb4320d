"""Work that ends when something fails, and what is raised then."""

import asyncio

import pytest

from huddle.errors import HuddleError, LocalError
from huddle.session.tasks import unless_failed


async def test_work_that_is_done_gives_its_result() -> None:
    async def work() -> int:
        return 7

    assert await unless_failed(work(), asyncio.Event(), lambda: None) == 7


async def test_a_failure_ends_work_that_would_go_on() -> None:
    news, cancelled = asyncio.Event(), asyncio.Event()
    failed: list[HuddleError] = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    waiting = asyncio.ensure_future(unless_failed(work(), news, lambda: failed[0] if failed else None))
    await asyncio.sleep(0)
    news.set()  # of something else
    await asyncio.sleep(0)
    failed.append(LocalError("stopped"))
    news.set()
    with pytest.raises(LocalError, match="stopped"):
        await waiting
    await cancelled.wait()
