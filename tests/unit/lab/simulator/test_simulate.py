"""What the simulator says where one can tell by hand, and what must hold for any computation."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huddle_lab.simulator.simulate import MessageCost, Setting, Simulated, simulate
from huddle_lab.simulator.waking import Waking
from huddle_lab.study.shape import Shape
from huddle_lab.traces.trace import PartyTrace, Segment, Send, Trace
from tests.unit.lab.simulator.computations import everywhere, ping_pong, trace, traces


@pytest.mark.parametrize("delay", [0.0, 0.001, 0.04, 0.3])
@pytest.mark.parametrize("rounds", [1, 2, 7, 100])
def test_a_ping_pong_takes_its_rounds_times_the_delay_and_its_computing(delay: float, rounds: int) -> None:
    found = simulate(ping_pong(rounds, 0.002), Setting(everywhere(2, delay=delay)))
    expected = rounds * (delay + 0.002)
    # Connecting takes the first party 2 delays and the second 3, from which each counts.
    by_party = [expected + (delay if pid else 2 * delay) for pid in (0, 1)]
    assert found.seconds <= max(by_party) + 1e-9
    end = found.parties[rounds % 2] + (3 if rounds % 2 else 2) * delay
    assert end == pytest.approx(2 * delay + expected)


def test_without_delays_the_time_is_the_longest_chain_of_computing() -> None:
    cpu = 0.003
    assert simulate(ping_pong(40, cpu), Setting(everywhere(2))).seconds == pytest.approx(40 * cpu)


def test_a_party_has_one_processor_for_what_could_be_done_at_once() -> None:
    two = PartyTrace(
        (Segment(0.1, (), (), ()), Segment(0.1, (), (), ()), Segment(0.0, (0, 1), (), ())), 2, 0, 0
    )
    assert simulate(trace(two), Setting({})).seconds == pytest.approx(0.2)


@pytest.mark.parametrize(("processors", "expected"), [(None, 0.1), (4, 0.1), (2, 0.2), (1, 0.4)])
def test_parties_share_processors_where_there_are_few(processors: int | None, expected: float) -> None:
    alone = PartyTrace((Segment(0.1, (), (), ()),), 0, 0.1, 0)
    found = simulate(trace(*[alone] * 4), Setting(everywhere(4), processors=processors))
    assert found.seconds == pytest.approx(expected)


def test_a_phone_computes_for_longer_and_only_it() -> None:
    alone = PartyTrace((Segment(0.1, (), (), ()),), 0, 0.1, 0)
    found = simulate(trace(alone, alone), Setting(everywhere(2), slower=[1, 5]))
    assert found.parties == pytest.approx((0.1, 0.5))
    found = simulate(ping_pong(40, 0.001), Setting(everywhere(2), slower=[1, 5]))
    assert found.seconds == pytest.approx(20 * 0.001 + 20 * 0.005)  # and sends as much later


def test_a_network_costs_at_both_ends_of_each_message() -> None:
    found = simulate(ping_pong(10, 0.001), Setting(everywhere(2), cost=MessageCost(0.0002, 1e-6)))
    assert found.seconds == pytest.approx(10 * (0.001 + 2 * (0.0002 + 100e-6)))


def test_what_is_relayed_goes_by_way_of_the_rendezvous() -> None:
    shapes = {(0, 1): Shape(delay=0.001), (0, 2): Shape(delay=0.01), (1, 2): Shape(delay=0.05)}
    direct = simulate(ping_pong(100, 0.0), Setting(shapes)).seconds
    relayed = simulate(ping_pong(100, 0.0), Setting(shapes, MessageCost(relayed=True))).seconds
    assert direct == pytest.approx(0.1, rel=0.03)
    assert relayed == pytest.approx(6.0, rel=0.03)


def test_a_pause_costs_what_it_was_measured_to_cost() -> None:
    waking = Waking(((0.0, 0.0), (0.04, 0.001)))
    plain = simulate(ping_pong(100, 0.001), Setting(everywhere(2, delay=0.04))).seconds
    found = simulate(ping_pong(100, 0.001), Setting(everywhere(2, delay=0.04), waking=waking)).seconds
    assert found - plain == pytest.approx(0.1, rel=0.03)


def test_a_rate_is_what_large_messages_wait_for() -> None:
    size = 1_250_000  # 10 Mbit
    found = simulate(ping_pong(1, 0.0, size), Setting(everywhere(2, rate=10e6)))
    assert found.seconds == pytest.approx(1.0, rel=0.06)  # and headers


def test_a_large_message_far_away_takes_the_round_trips_in_which_the_window_opens() -> None:
    delay, size = 0.1, 10 * 1448 * (1 + 2 + 4)
    found = simulate(ping_pong(1, 0.0, size), Setting(everywhere(2, delay=delay)))
    # Two round trips until all is sent, and one way. It begins after 2 delays, and the other counts from 3.
    assert found.parties[1] == pytest.approx(2 * delay + 5 * delay - 3 * delay)


def test_a_message_that_waits_behind_a_larger_one_keeps_its_place() -> None:
    sender = PartyTrace((Segment(0.0, (), (), (Send(0, 1, 3_000_000, 0), Send(0, 1, 10, 1))),), 0, 0.0, 0.0)
    large = PartyTrace((Segment(0.0, (), ((0, 0),), ()), Segment(0.0, (0,), (), ())), 1, 0.0, 0.0)
    small = PartyTrace((Segment(0.0, (), ((0, 1),), ()), Segment(0.0, (0,), (), ())), 1, 0.0, 0.0)
    shapes = everywhere(2, delay=0.05)
    assert (
        simulate(trace(sender, small), Setting(shapes)).parties[1]
        >= (simulate(trace(sender, large), Setting(shapes)).parties[1])
    )


@settings(max_examples=60, deadline=None)
@given(traces(), st.floats(0, 0.2), st.floats(0.0001, 0.3))
def test_more_delay_never_makes_it_faster(some: Trace, delay: float, more: float) -> None:
    """From the moment at which all are connected; which takes longer with more delay, and is not counted."""
    if any(
        len(s.sends) > 1 or (s.sends and s.sends[0].size > 14_000) for p in some.parties for s in p.segments
    ):
        more = max(more, 0.05)
    near = simulate(some, Setting(everywhere(len(some.parties), delay=delay)))
    far = simulate(some, Setting(everywhere(len(some.parties), delay=delay + more)))
    assert end(far, some, delay + more) >= end(near, some, delay) - sum_of_cpu(some)


def end(found: Simulated, some: Trace, delay: float) -> float:
    """When the last party stops, from when the first began to connect."""
    count = len(some.parties)
    connected = [
        max([2 * delay * (count - 1 - a)] + [2 * delay * (a - b) + delay for b in range(a)])
        for a in range(count)
    ]
    return max(one + begun for one, begun in zip(found.parties, connected, strict=True))


def sum_of_cpu(some: Trace) -> float:
    """An order of work that is better by luck can gain no more than this."""
    return max(sum(s.cpu + p.receive * len(s.messages) for s in p.segments) for p in some.parties)


@settings(max_examples=60, deadline=None)
@given(traces(), st.floats(0, 0.2), st.sampled_from([0.0, 0.02, 0.2]), st.sampled_from([0.0, 0.01]))
def test_every_message_that_is_sent_arrives_once(
    some: Trace, delay: float, loss: float, jitter: float
) -> None:
    shapes = everywhere(len(some.parties), delay=delay, loss=loss, jitter=jitter)
    found = simulate(some, Setting(shapes))
    assert found.sent == found.delivered == some.messages


@settings(max_examples=60, deadline=None)
@given(traces())
def test_it_takes_no_less_than_any_party_computes_and_no_more_than_all_together(some: Trace) -> None:
    found = simulate(some, Setting(everywhere(len(some.parties))))
    received = [
        sum(s.to == pid for p in some.parties for g in p.segments for s in g.sends)
        for pid in range(len(some.parties))
    ]
    computing = [
        sum(one.cpu for one in party.segments) + party.receive * count
        for party, count in zip(some.parties, received, strict=True)
    ]
    least = max(sum(one.cpu for one in party.segments) for party in some.parties)
    assert least - 1e-9 <= found.seconds <= sum(computing) + 1e-9


@settings(max_examples=40, deadline=None)
@given(traces(), st.floats(0, 0.2), st.floats(1, 4))
def test_the_same_twice_is_the_same(some: Trace, delay: float, slower: float) -> None:
    shapes = everywhere(len(some.parties), delay=delay, loss=0.05, jitter=0.001)
    once, again = (simulate(some, Setting(shapes, slower=[slower])) for _ in range(2))
    assert once == again


def test_parties_that_do_the_same_take_the_same() -> None:
    def one(other: int) -> PartyTrace:
        rounds = []
        for number in range(20):
            awaited = () if not number else ((other, number - 1),)
            earlier = () if not number else (number - 1,)
            rounds.append(Segment(0.001, earlier, awaited, (Send(0.001, other, 50, number),)))
        rounds.append(Segment(0.0, (19,), ((other, 19),), ()))
        return PartyTrace(tuple(rounds), 20, 0.0, 1e-5)

    found = simulate(trace(one(1), one(0)), Setting(everywhere(2)))
    assert found.parties[0] == pytest.approx(found.parties[1])


def test_loss_makes_it_slower_the_more_is_lost() -> None:
    times = [
        simulate(ping_pong(400, 0.0), Setting(everywhere(2, delay=0.02, loss=loss), seed=3)).seconds
        for loss in (0.0, 0.01, 0.05, 0.2)
    ]
    assert all(less < more for less, more in pairwise(times))
    # A lone message that is lost comes a retransmission timer later: a round trip and 200 ms.
    assert times[1] - times[0] == pytest.approx(400 * 0.01 * 0.24, rel=0.8)


def test_a_trace_that_waits_for_ever_is_an_error() -> None:
    waits = PartyTrace((Segment(0.0, (), ((1, 0),), ()),), 0, 0.0, 0.0)
    done = PartyTrace((Segment(0.0, (), (), ()),), 0, 0.0, 0.0)
    with pytest.raises(ValueError, match="never comes"):
        simulate(trace(waits, done), Setting(everywhere(2)))
