"""When a program is ended that can't go on: by the counts of all, or because it never did anything."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from huddle.running.standstill import Counts
from huddle.session import progress
from huddle.session.control_messages import Outcome, Still, StreamCounts
from huddle.session.progress import Progress


class FakeRun:
    """Notes how it is ended."""

    status = "computing"
    os_pid = None

    def __init__(self) -> None:
        self.ends: list[tuple[Any, ...]] = []
        self.counters: dict[int, Any] = {}

    def fault(self, why: str) -> None:
        self.ends.append((why,))

    def end_stuck(self, why: str, culprit: int | None = None) -> None:
        self.ends.append((why, culprit))

    def stats(self) -> dict[int, Any]:
        return self.counters


def begin(outcomes: dict[int, Outcome] | None = None) -> tuple[Progress, FakeRun, list[Any]]:
    said: list[Any] = []
    group: Any = SimpleNamespace(broadcast=said.append)
    made = Progress(1, 0, ("alice", "bob", "carol"), group, outcomes or {})
    run = FakeRun()
    made.run = run  # type: ignore[assignment]
    return made, run, said


async def test_it_ends_when_the_others_say_the_same_and_tells_them_first() -> None:
    made, run, said = begin({2: Outcome(1, False, "failed")})
    ended = Counts(1, 2, ended=True)
    made.own_still({1: Counts(5, 7, ended=False), 2: ended})
    assert run.ends == []
    made.peer_still(1, Still(2, (StreamCounts(0, 7, 5, False), StreamCounts(2, 0, 0, True))))
    assert run.ends == [], "that was of another run"
    made.peer_still(1, Still(1, (StreamCounts(0, 7, 5, False), StreamCounts(2, 0, 0, True))))
    assert run.ends == [("the program of carol ended before this one was done with it", 2)]
    assert [message.run for message in said] == [1]
    made.peer_still(1, Still(1, (StreamCounts(0, 7, 5, False), StreamCounts(2, 0, 0, True))))
    assert len(run.ends) == 1, "until it says again that it stands still"
    made.close()


async def test_one_that_failed_is_named_before_one_that_is_just_over() -> None:
    made, run, _ = begin({2: Outcome(1, False, "failed"), 1: Outcome(1, True, "")})
    made.own_still({1: Counts(0, 0, ended=True, awaited=True), 2: Counts(0, 0, ended=True)})
    assert run.ends[0][1] == 2
    made.close()


async def test_what_hears_nobody_is_a_fault() -> None:
    made, run, _ = begin()
    made.own_still(None)
    assert "will never come" in run.ends[0][0]
    made.close()


async def test_one_that_never_connects_while_others_wait_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    made, run, _ = begin()
    loop = asyncio.get_running_loop()
    now, work = loop.time(), 0.0
    monkeypatch.setattr(loop, "time", lambda: now)
    monkeypatch.setattr(progress, "_work", lambda _: work)
    run.counters = {1: SimpleNamespace(bytes_received=10, bytes_sent=0), 2: None}

    def later(seconds: float, computed: float = 0.0, moved: float = 0.0) -> bool:
        nonlocal now, work
        now, work = now + seconds, work + computed
        made.tick(moved)
        return bool(run.ends)

    assert not later(0)
    assert not later(progress.UNCONNECTED - 1)
    assert not later(2, computed=100), "it works"
    assert not later(progress.UNCONNECTED - 1)
    assert not later(0, moved=now), "it printed"
    run.status = "input"
    assert not later(progress.UNCONNECTED + 1), "its person types"
    run.status = "computing"
    assert not later(0)
    run.counters[2] = SimpleNamespace(bytes_received=0, bytes_sent=8)
    assert not later(progress.UNCONNECTED + 1), "it has connected"
    del run.counters[2]
    assert not later(0)
    assert later(progress.UNCONNECTED + 1)
    assert "not connected" in run.ends[0][0]
    made.close()
