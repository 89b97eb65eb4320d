"""Work that ends when something fails, and what is raised then."""

import asyncio

import pytest

from huddle.errors import HuddleError, LocalError
from huddle.session.tasks import unless_failed, whole_stack


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


async def test_a_stack_is_unwound_to_its_end_though_it_is_left_meanwhile() -> None:
    done: list[str] = []

    async def slowly(what: str) -> None:
        await asyncio.sleep(0)
        done.append(what)

    async def work() -> None:
        async with whole_stack() as stack:
            stack.push_async_callback(slowly, "outer")
            stack.push_async_callback(slowly, "inner")

    working = asyncio.ensure_future(work())
    await asyncio.sleep(0)  # it is being unwound
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    assert done == ["inner", "outer"]
