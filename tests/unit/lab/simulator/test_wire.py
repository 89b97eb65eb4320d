"""Whatever is lost, all that is written arrives once, in its order, and not before it can."""

import random
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from huddle_lab.simulator.clock import Clock
from huddle_lab.simulator.wire import Wire
from huddle_lab.study.shape import Shape

DELAY = 0.05


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 1), st.integers(1, 100_000)), min_size=1, max_size=60),
    st.sampled_from([0.0, 0.05, 0.3]),
    st.sampled_from([0.0, 0.02]),
    st.sampled_from([0.0, 10e6]),
    st.integers(0, 1000),
)
def test_messages_keep_their_order(
    writes: list[tuple[float, int]], loss: float, jitter: float, rate: float, seed: int
) -> None:
    clock, arrived = Clock(), list[tuple[int, float]]()
    shape = Shape(delay=DELAY, loss=loss, jitter=jitter, rate=rate)
    source = random.Random(seed)
    wire = Wire(clock, shape, DELAY, source, lambda message: arrived.append((message, clock.now)))
    ordered = sorted(writes)
    for number, (when, size) in enumerate(ordered):
        clock.at(when, wire.write, number, size)
    clock.run()
    assert [message for message, _ in arrived] == list(range(len(writes)))
    assert all(one <= other for (_, one), (_, other) in pairwise(arrived))
    if not jitter:
        assert all(at >= ordered[message][0] + DELAY - 1e-9 for message, at in arrived)


def test_a_lost_message_is_what_those_behind_it_wait_for() -> None:
    class Loses(random.Random):
        def random(self) -> float:
            self.asked = getattr(self, "asked", 0) + 1
            return 1.0 if self.asked == 1 else 0.0  # only the first packet

    clock, arrived = Clock(), list[tuple[int, float]]()
    wire = Wire(
        clock, Shape(delay=DELAY, loss=0.01), DELAY, Loses(), lambda one: arrived.append((one, clock.now))
    )
    clock.at(0.0, wire.write, 0, 10)
    clock.at(0.001, wire.write, 1, 10)
    clock.run()
    # What was sent a millisecond later shows that it is lost: a round trip and an eighth, and the way again.
    assert [round(at, 6) for _, at in arrived] == [round(0.001 + 1.125 * 2 * DELAY + DELAY, 6)] * 2
