"""Tasks end with the code that started them, however that ends, and errors come out as they were raised."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from huddle.tasks import beside, cancel, joined, until_first


class Endless:
    """Work that goes on until it is cancelled, and takes a turn of the loop to end then."""

    def __init__(self) -> None:
        self.ended = False

    async def __call__(self) -> None:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            await asyncio.sleep(0)
            self.ended = True


async def failing() -> None:
    raise ValueError("why")


@asynccontextmanager
async def nothing_left() -> AsyncIterator[Endless]:
    before, work = asyncio.all_tasks(), Endless()
    yield work
    assert work.ended and asyncio.all_tasks() == before


async def test_what_goes_on_beside_a_block_ends_with_it() -> None:
    async with nothing_left() as work, beside(work(), name="other") as task:
        await asyncio.sleep(0)
        assert task.get_name() == "other" and not task.done()


async def test_a_block_that_fails_or_is_cancelled_leaves_nothing_beside_it() -> None:
    async with nothing_left() as work:
        with pytest.raises(ValueError, match="why"):
            async with beside(work()):
                await asyncio.sleep(0)
                await failing()
    async with nothing_left() as work:

        async def block() -> None:
            async with beside(work()):
                await asyncio.get_running_loop().create_future()

        task = asyncio.create_task(block())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await cancel(task)
        assert task.cancelled()


async def test_what_failed_beside_a_block_does_not_disturb_it() -> None:
    async with beside(failing()) as task:
        await asyncio.wait([task])


async def test_the_first_to_end_ends_all_and_its_error_is_everybodys() -> None:
    async with nothing_left() as work:
        await until_first(work(), asyncio.sleep(0))
    async with nothing_left() as work:
        with pytest.raises(ValueError, match="why"):
            await until_first(work(), failing())


async def test_no_task_is_no_work() -> None:
    await cancel(None)


async def test_who_joins_work_has_its_outcome_and_cancelled_leaves_it_to_the_others() -> None:
    complaints: list[dict[str, object]] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, said: complaints.append(said))
    work: asyncio.Future[int] = loop.create_future()
    first, second = (asyncio.create_task(joined(work)) for _ in range(2))
    await asyncio.sleep(0)
    await cancel(first)
    assert first.cancelled() and not work.done()
    work.set_exception(ValueError("why"))
    with pytest.raises(ValueError, match="why"):
        await second
    assert not complaints  # as `asyncio.shield` has, from Python 3.14 on


async def test_who_joins_work_that_is_cancelled_is_cancelled() -> None:
    work: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await joined(work)
