"""Events that wait for their reader: in order, bounded, and holding a program's output up."""

import pytest

from huddle import events
from huddle.errors import LocalError
from huddle.session import event_queue as module
from huddle.session.event_queue import EventQueue


async def test_output_is_held_while_much_waits_and_goes_on_at_a_quarter(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MAX_AHEAD", 4_000)
    held: list[bool] = []
    queue = EventQueue(held.append, lambda error: None)
    for number in range(4):
        queue.put(events.Output("stdout", f"{number}" * 1_000, 1))
    queue.put(events.Notice("x"))
    assert held and all(held)
    got = [await queue.get() for _ in range(3)]
    assert held[-1] is True
    got.append(await queue.get())
    assert held[-1] is False and [one.text[0] for one in got if isinstance(one, events.Output)] == list(
        "0123"
    )


async def test_what_nobody_reads_ends_the_session_and_the_end_is_still_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MAX_UNREAD", 2_000)
    failed: list[BaseException] = []
    queue = EventQueue(lambda held: None, failed.append)
    for _ in range(5):
        queue.put(events.Notice("x"))
    assert failed and all(isinstance(one, LocalError) for one in failed)
    queue.put(events.Ended("over", False))
    told = [await queue.get() for _ in range(5)]
    assert isinstance(told[-1], events.Ended)
