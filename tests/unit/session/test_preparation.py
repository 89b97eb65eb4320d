"""What a program needs is got while its person thinks, and what fails then is told and ends nothing."""

import asyncio
from collections.abc import Callable
from typing import Any

from huddle import events
from huddle.errors import LocalError
from huddle.session.preparation import Preparation
from huddle.session.settings import Settings

PROGRAM = events.Program("a.py", "d1", (), (), True)
ACCEPT = events.Question("accept", "Ada", "did:ada")


class Place:
    def __init__(self, result: Exception | None = None, *, forever: bool = False) -> None:
        self.asked: asyncio.Queue[str] = asyncio.Queue()
        self.ended = 0
        self._result, self._forever = result, forever

    async def interpreter(
        self, settings: Settings, ground: Any, entry: str, files: Any, notice: Callable[[str], None]
    ) -> None:
        self.asked.put_nowait(entry)
        try:
            if self._forever:
                await asyncio.Event().wait()
        finally:
            self.ended += 1
        if self._result is not None:
            raise self._result


def preparation(place: Place, told: "asyncio.Queue[Any]", **more: Any) -> Preparation:
    made = Preparation(place, Settings("Me", **more), told.put_nowait, told.put_nowait)  # type: ignore[arg-type]
    made.ground = object()  # type: ignore[assignment]
    return made


async def test_it_begins_with_the_question_and_a_failure_is_told() -> None:
    place, told = Place(LocalError("No network.", hint="Later.")), asyncio.Queue[Any]()
    one = preparation(place, told)
    one.note(PROGRAM, {})
    await asyncio.sleep(0)
    assert place.asked.empty()
    one.note(ACCEPT, {})
    assert (await place.asked.get(), await told.get()) == ("a.py", "No network. Later.")
    await one.end()


async def test_a_new_question_and_the_end_stop_what_is_under_way() -> None:
    place = Place(forever=True)
    one = preparation(place, asyncio.Queue())
    for _ in range(2):
        one.note(ACCEPT, {})
        await place.asked.get()
    await one.end()
    assert place.ended == 2


async def test_who_runs_it_elsewhere_gets_nothing_here() -> None:
    place = Place()
    one = preparation(place, asyncio.Queue(), by_hand=True)
    one.note(ACCEPT, {})
    await asyncio.sleep(0)
    await one.end()
    assert place.asked.empty()
