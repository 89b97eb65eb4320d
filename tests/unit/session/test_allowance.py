"""What a peer may say: a burst, then a line a second."""

from huddle.session.allowance import BURST, Allowance


def test_a_burst_and_then_one_a_second() -> None:
    allowance = Allowance(100.0)
    assert [allowance.take(100.0) for _ in range(BURST + 5)] == [True] * BURST + [False] * 5
    assert not allowance.take(100.9)
    assert allowance.take(101.1)
    assert not allowance.take(101.1)
    assert not allowance.take(50.0), "a clock that goes back gives nothing"


def test_silence_saves_up_no_more_than_a_burst() -> None:
    allowance = Allowance(0.0)
    assert [allowance.take(1e6) for _ in range(BURST + 1)] == [True] * BURST + [False]
