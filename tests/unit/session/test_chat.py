"""What peers say: each line is shown, unless somebody says more than anybody could read."""

from typing import Any

import pytest

from huddle import events
from huddle.errors import LocalError
from huddle.session import control_messages as control
from huddle.session.allowance import BURST
from huddle.session.chat import ChatLines, chat


class Clock:
    def __init__(self) -> None:
        self.time = 0.0

    def __call__(self) -> float:
        return self.time


def test_who_is_loud_is_named_once_and_heard_again_later() -> None:
    told: list[Any] = []
    clock = Clock()
    lines = ChatLines(told.append, clock)
    for _ in range(BURST + 5):
        lines.take(1, "Bob", "hello")
    assert told[:BURST] == [events.Chat("Bob", "hello")] * BURST
    assert [type(one) for one in told[BURST:]] == [events.Notice]
    lines.take(2, "Cyd", "and I")
    assert told[-1] == events.Chat("Cyd", "and I"), "one who is loud takes nothing from another"
    clock.time = 1.0
    lines.take(1, "Bob", "sorry")
    lines.take(1, "Bob", "!")
    assert told[-2] == events.Chat("Bob", "sorry")
    assert isinstance(told[-1], events.Notice), "loud again is said again"


def test_a_line_that_is_too_long_is_not_cut_but_refused() -> None:
    assert chat("ö" * (control.MAX_CHAT // 2)).text
    with pytest.raises(LocalError, match="at most"):
        chat("ö" * (control.MAX_CHAT // 2 + 1))
