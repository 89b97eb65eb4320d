"""One attempt that is shared: who gets its outcome, and when it is given up."""

import asyncio

import pytest

from huddle.networks.attempts import SharedAttempt


class Work:
    """Attempts that wait until they are let go."""

    def __init__(self) -> None:
        self.begun = self.undone = 0
        self.go = asyncio.Event()
        self.error: Exception | None = None

    async def __call__(self) -> int:
        self.begun += 1
        number = self.begun
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            await asyncio.sleep(0)
            self.undone += 1
            raise
        if self.error:
            raise self.error
        return number


async def turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_all_who_ask_meanwhile_share_it_and_the_next_begins_another() -> None:
    work = Work()
    attempt = SharedAttempt(work)
    asking = [asyncio.create_task(attempt.outcome()) for _ in range(3)]
    await turns()
    assert attempt.running
    work.go.set()
    assert await asyncio.gather(*asking) == [1, 1, 1]
    assert not attempt.running
    assert await attempt.outcome() == 2


async def test_its_error_is_everybody_s() -> None:
    work = Work()
    attempt = SharedAttempt(work)
    work.error = OSError("refused")
    work.go.set()
    for outcome in await asyncio.gather(attempt.outcome(), attempt.outcome(), return_exceptions=True):
        assert outcome is work.error
    assert work.begun == 1


async def test_it_is_given_up_by_the_last_one_only_and_then_not_joined() -> None:
    work = Work()
    attempt = SharedAttempt(work)
    first, second = (asyncio.create_task(attempt.outcome()) for _ in range(2))
    await turns()
    first.cancel()
    await turns()
    assert work.undone == 0
    second.cancel()
    third = asyncio.create_task(attempt.outcome())
    work.go.set()
    assert await third == 2
    assert work.undone == 1


async def test_one_that_is_wanted_elsewhere_goes_on_without_anybody() -> None:
    work = Work()
    attempt = SharedAttempt(work, wanted=lambda: True)
    asking = asyncio.create_task(attempt.outcome())
    await turns()
    asking.cancel()
    await turns()
    work.go.set()
    assert await attempt.outcome() == 1


async def test_cancel_waits_until_nothing_is_left() -> None:
    work = Work()
    attempt = SharedAttempt(work)
    asking = asyncio.create_task(attempt.outcome())
    await turns()
    await attempt.cancel()
    assert work.undone == 1 and not attempt.running
    with pytest.raises(asyncio.CancelledError):
        await asking
    await attempt.cancel()
