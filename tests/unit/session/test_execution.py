"""What the others hear of a program that ended: enough to know why, nothing of what it knew."""

import asyncio

import pytest

from huddle.running.spec import RunnerExit
from huddle.session.outcomes import cause
from huddle.session.tasks import whole


@pytest.mark.parametrize(
    ("exit_", "told"),
    [
        (RunnerExit(1, None, "ValueError: my salary is 5000"), "the program failed with ValueError"),
        (
            RunnerExit(1, None, "mine.BidError: 5000"),
            "the program failed with mine.BidError",
        ),
        (
            RunnerExit(
                1, None, "ModuleNotFoundError: No module named 'numpy' numpy is not here: salary 5000"
            ),
            "the program needs numpy, which is not there",
        ),
        (
            RunnerExit(1, None, "ModuleNotFoundError: No module named 'salary5000'"),
            "the program failed with ModuleNotFoundError",
        ),
        (RunnerExit(1, None, "KeyboardInterrupt"), "the program failed with KeyboardInterrupt"),
        (RunnerExit(1, None, "my salary is 5000"), "the program exited with code 1"),
        (RunnerExit(1, None, "5000: too much"), "the program exited with code 1"),
        (RunnerExit(1, None, "salary 5000 Error: x"), "the program exited with code 1"),
        (RunnerExit(3, None, "it exited with code 3"), "the program exited with code 3"),
        (RunnerExit(None, 9, "it was killed by SIGKILL"), "the program failed: it was killed by SIGKILL"),
    ],
)
def test_a_programs_own_words_stay_here(exit_: RunnerExit, told: str) -> None:
    assert cause(exit_, {"main.py": b"import numpy"}) == told


async def test_what_must_be_whole_is_whole_although_the_session_is_left() -> None:
    done: list[int] = []

    async def work() -> None:
        for step in range(3):
            await asyncio.sleep(0)
            done.append(step)

    task = asyncio.create_task(whole(work()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert done == [0, 1, 2] and asyncio.all_tasks() == {asyncio.current_task()}


async def test_an_error_of_what_must_be_whole_is_passed_on() -> None:
    async def work() -> None:
        raise KeyError

    with pytest.raises(KeyError):
        await whole(work())
