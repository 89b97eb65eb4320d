"""Processes of the lab are watched, counted and ended."""

import sys
import time

from huddle_lab.sites.child import Child


def test_lines_the_end_and_the_cost_are_known() -> None:
    lines: list[str] = []
    work = "import sys; print('one'); print('two', file=sys.stderr); sum(range(3_000_000)); sys.exit(3)"
    child = Child([sys.executable, "-u", "-c", work], lines.append)
    assert child.join(time.monotonic() + 30)
    assert child.code == 3 and lines == ["one", "two"] == list(child.lines)
    assert child.cpu > 0 and child.memory_mb > 1 and child.ended > child.began


def test_what_does_not_end_is_ended() -> None:
    child = Child([sys.executable, "-c", "import time; print(1, flush=True); time.sleep(600)"])
    assert not child.join(time.monotonic() + 0.2)
    child.stop()
    assert child.code is not None and child.code < 0
    child.stop()


def test_what_ignores_a_polite_word_is_killed() -> None:
    work = "import signal, time; signal.signal(15, signal.SIG_IGN); print(1, flush=True); time.sleep(600)"
    ready: list[str] = []
    child = Child([sys.executable, "-c", work], ready.append)
    deadline = time.monotonic() + 30
    while not ready and time.monotonic() < deadline:
        child.join(time.monotonic() + 0.05)
    child.stop(patience=0.3)
    assert child.code == -9
