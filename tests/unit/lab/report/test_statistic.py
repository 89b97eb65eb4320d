"""Medians and their intervals."""

from hypothesis import given
from hypothesis import strategies as st

from huddle_lab.report.statistic import ENOUGH, estimate, ratio

POSITIVE = st.lists(st.floats(0.001, 1000), min_size=ENOUGH, max_size=30)


@given(POSITIVE)
def test_an_interval_holds_the_median_and_stays_within_the_values(values: list[float]) -> None:
    found = estimate(values)
    assert found.n == len(values) and found.low is not None and found.high is not None
    assert min(values) <= found.low <= found.value <= found.high <= max(values)
    assert estimate(values) == found


def test_fewer_than_six_values_have_no_interval() -> None:
    assert ENOUGH == 6
    found = estimate([3.0, 1.0, 2.0, 5.0, 4.0])
    assert (found.value, found.n, found.low, found.high) == (3.0, 5, None, None)
    assert ratio([1.0] * 5, [2.0, 4.0] * 5).low is None
    assert estimate([3.0] * 6).low == 3.0


def test_many_equal_values_leave_no_doubt_and_scattered_ones_do() -> None:
    sure, unsure = estimate([5.0] * 9), estimate([1.0, 2.0, 5.0, 8.0, 9.0, 9.5])
    assert sure.low == sure.high == 5.0
    assert unsure.low is not None and unsure.high is not None and unsure.high - unsure.low > 2


def test_a_ratio_is_after_by_before() -> None:
    found = ratio([1.0, 1.1, 0.9, 1.0, 1.0, 1.0], [2.0, 2.1, 1.9, 2.0, 2.0, 2.0])
    assert found.value == 2.0 and found.low is not None and found.low > 1.5
