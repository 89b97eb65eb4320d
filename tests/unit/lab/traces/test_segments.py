"""Which segment a step belongs to, and what is told of each."""

import time
from collections.abc import Iterator

import pytest

from huddle_lab.traces.segments import NOTHING, Recorder


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """Seconds of processor time, as the test has them."""
    now = [0.0]
    monkeypatch.setattr(time, "process_time", lambda: now[0])
    yield now


@pytest.fixture
def recorder(clock: list[float]) -> Recorder:
    found = Recorder()
    found.begin()
    return found


def test_what_needs_one_segment_belongs_to_it(recorder: Recorder) -> None:
    assert recorder.segment(frozenset({0})) == 0
    after = recorder.segment(frozenset({0, (1, 0)}))
    assert after == 1 and recorder.segment(frozenset({0, after})) == after, "the first is needed by way of it"


def test_what_needs_two_begins_a_third_however_they_came(recorder: Recorder) -> None:
    one, two = recorder.segment(frozenset({0, (1, 0)})), recorder.segment(frozenset({0, (2, 0)}))
    both = recorder.segment(frozenset({one, two}))
    assert both not in (one, two) and recorder.segments[both].needs == {one, two}


def test_what_goes_on_after_a_message_is_another_segment(recorder: Recorder, clock: list[float]) -> None:
    clock[0] = 2.0
    recorder.need(frozenset({(1, 0)}))
    clock[0] = 5.0
    recorder.need(frozenset({0}))  # it has that already
    recorder.stop()
    assert [segment.cpu for segment in recorder.segments] == [2.0, 3.0]
    assert recorder.end == (1, 3.0) and recorder.total == 5.0


def test_a_message_leaves_at_the_end_of_its_iteration(recorder: Recorder, clock: list[float]) -> None:
    def step() -> None:
        clock[0] += 1.0
        recorder.send(to=1, size=100)
        clock[0] += 1.0

    recorder.step(0, 1, step, ())
    recorder.step(0, 2, lambda: None, ())
    assert recorder.segments[0].sends == [[2.0, 1, 100, 0]]


def test_the_loop_s_own_time_is_nobody_s(recorder: Recorder, clock: list[float]) -> None:
    recorder.step(0, 1, lambda: None, ())
    clock[0] = 7.0
    recorder.step(0, 2, lambda: None, ())
    assert recorder.segments[0].cpu == 0.0
    recorder.received = 2
    recorder.stop()
    assert recorder.as_dict()["receive"] == 3.5, "seconds for each message that came"


def test_nothing_is_needed_where_nothing_is_recorded() -> None:
    recorder = Recorder()
    recorder.need(frozenset({(1, 0)}))
    recorder.send(1, 10)
    assert recorder.here() == NOTHING and recorder.segments == []
