"""Buckets of rates."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huddle.rendezvous.limits import Bucket, ServerLimits


def test_a_bucket_gives_a_minutes_worth_at_once_and_then_at_its_rate() -> None:
    bucket = Bucket(60, now=0.0)
    assert all(bucket.take(1, 0.0) == 0 for _ in range(60))
    assert bucket.take(1, 0.0) == pytest.approx(1.0)
    bucket.put_back(1)
    assert bucket.take(1, 1.0) == 0
    assert not bucket.full(30.0)
    assert bucket.full(100.0)


def test_a_clock_that_is_set_back_takes_nothing_away() -> None:
    bucket = Bucket(60, now=1000.0)
    bucket.take(30, 1000.0)
    assert bucket.take(30, 10.0) == 0
    assert bucket.take(60, 70.0) == 0


@given(st.lists(st.tuples(st.floats(0, 1e6), st.floats(-100, 100)), max_size=50))
def test_a_bucket_never_holds_more_than_its_most(steps: list[tuple[float, float]]) -> None:
    bucket, now = Bucket(1000, 0.0), 0.0
    for amount, pause in steps:
        now += pause
        wait = bucket.take(amount, now)
        assert wait >= 0
        assert bucket.level <= 1000
        if wait:
            bucket.put_back(amount)


def test_a_stalled_peer_is_dropped_before_the_one_that_it_stalls() -> None:
    assert 20 < ServerLimits().stall < ServerLimits().pong
