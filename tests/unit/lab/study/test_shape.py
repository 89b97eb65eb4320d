"""A way treats packets by its shape."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huddle_lab.study.shape import QUEUE_SECONDS, Shape, ShapedPath


def way(**shape: float) -> ShapedPath:
    return ShapedPath(Shape(**shape), random.Random(1))  # type: ignore[arg-type]


def test_without_a_shape_a_packet_comes_out_at_once() -> None:
    assert way().due(5.0, 1500) == 5.0


def test_a_delay_is_added() -> None:
    assert way(delay=0.04).due(5.0, 1500) == 5.04


def test_packets_wait_for_those_before_them_at_a_rate() -> None:
    slow = way(rate=1e6)  # 1,000 bytes take 8 ms
    assert slow.due(1.0, 1000) == pytest.approx(1.008)
    assert slow.due(1.0, 1000) == pytest.approx(1.016)
    assert slow.due(2.0, 1000) == pytest.approx(2.008)


def test_a_full_queue_drops_and_a_drained_one_takes_again() -> None:
    slow = way(rate=1e6)
    taken = 0
    while slow.due(1.0, 1000) is not None:
        taken += 1
    assert taken == pytest.approx(QUEUE_SECONDS / 0.008, abs=2)
    assert slow.due(1.05, 1000) is not None


def test_loss_is_what_was_asked_for() -> None:
    lossy = way(loss=0.25)
    lost = sum(lossy.due(float(n), 100) is None for n in range(10_000))
    assert 2300 < lost < 2700


def test_a_pulled_cable_lets_nothing_through_until_it_is_back() -> None:
    cable = way(delay=0.01)
    cable.set(Shape(delay=0.01, up=False))
    assert cable.due(1.0, 100) is None
    cable.set(Shape(delay=0.02))
    assert cable.due(1.0, 100) == 1.02


@given(st.lists(st.floats(0, 0.01), max_size=50), st.floats(0.001, 0.1))
def test_jitter_keeps_the_order_and_never_goes_back_in_time(gaps: list[float], jitter: float) -> None:
    shaky, now, before = way(delay=0.01, jitter=jitter), 1.0, 0.0
    for gap in gaps:
        now += gap
        at = shaky.due(now, 100)
        assert at is not None and at >= now and at >= before
        before = at


def test_segments_only_where_nothing_depends_on_single_packets() -> None:
    assert Shape(delay=1).bears_segments
    assert Shape(rate=2e9).bears_segments
    assert not Shape(rate=1e8).bears_segments
    assert not Shape(loss=0.01).bears_segments


@given(
    st.builds(
        Shape,
        delay=st.floats(0, 60),
        jitter=st.floats(0, 60),
        rate=st.just(0.0) | st.floats(1e3, 1e12),
        loss=st.floats(0, 1),
        up=st.booleans(),
    )
)
def test_a_shape_survives_json(shape: Shape) -> None:
    assert Shape.from_dict(shape.as_dict()) == shape


@pytest.mark.parametrize(
    "wrong",
    [{"delay": -1}, {"delay": "1"}, {"rate": 5}, {"loss": 2}, {"up": 1}, {"loss": True}, {"width": 3},
     {"delay": float("nan")}],
)  # fmt: skip
def test_what_is_no_shape_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        Shape.from_dict(wrong)
