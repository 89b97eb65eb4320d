"""Two links over wires that are cut anywhere: nothing lost, nothing twice, memory bounded."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huddle.errors import PeerError
from huddle.links.frames import (
    ACK,
    BYE,
    END,
    MAX_PAYLOAD,
    PING,
    PONG,
    RESUME,
    WINDOW,
    control,
    data_frames,
    scan,
)
from huddle.links.protocol import (
    ACK_BYTES,
    ACK_DELAY,
    ACK_JOIN,
    PING_EVERY,
    SILENCE,
    SLACK,
    Happened,
    LinkProtocol,
    LinkState,
)
from tests.unit.links import vectors
from tests.unit.links.support import SMALL, Pair, Side


@pytest.mark.parametrize("chunk", [1, 7, 1 << 20])
def test_a_wire_cut_at_every_byte(chunk: int) -> None:
    for cut in range(len(SMALL) + 64):
        pair = Pair()
        pair.a.link.write(SMALL)
        pair.b.link.write(SMALL)
        pair.attach()
        left = cut
        while left > 0 and pair.carry(min(chunk, left)):
            left -= chunk
        pair.cut()
        pair.attach()
        pair.settle()
        pair.wait(ACK_DELAY)
        for side in (pair.a, pair.b):
            assert side.got == SMALL
            assert (side.link.sent, side.link.acked) == (len(SMALL), len(SMALL))
            assert (side.link.messages_sent, side.link.messages_received, side.link.rounds) == (3, 3, 3)


steps = st.one_of(
    st.tuples(st.just("write"), st.booleans(), st.integers(1, 300)),
    st.tuples(st.just("carry"), st.booleans(), st.integers(1, 400)),
    st.tuples(st.just("cut"), st.booleans(), st.just(0)),
    st.tuples(st.just("wait"), st.booleans(), st.integers(1, 30)),
)


@given(st.lists(steps, max_size=60))
@settings(max_examples=150, deadline=None)
def test_any_cuts(steps: list[tuple[str, bool, int]]) -> None:
    pair = Pair()
    wrote = {True: bytearray(), False: bytearray()}
    source = random.Random(1)
    for what, on_a, number in steps:
        side = pair.a if on_a else pair.b
        if what == "write":
            frames = data_frames(source.randbytes(number), number)
            wrote[on_a] += frames
            middle = number // 2
            side.link.write(frames[:middle])
            side.link.write(frames[middle:])
        elif what == "carry":
            pair.carry(number, to=side)
        elif what == "cut":
            pair.cut()
            pair.attach()
        else:
            pair.now += number / 10
            side.link.handle_timer(pair.now)
    pair.cut()
    pair.attach()
    pair.settle()
    pair.wait(ACK_DELAY)
    assert pair.b.got == wrote[True]
    assert pair.a.got == wrote[False]
    assert pair.a.link.queued == pair.b.link.queued == 0


def test_one_end_may_learn_of_the_cut_much_later(pair: Pair) -> None:
    pair.a.link.write(SMALL)
    pair.carry(20, to=pair.b)
    pair.b.link.detach()
    pair.a.link.write(SMALL)
    pair.attach()
    pair.settle()
    assert pair.b.got == SMALL + SMALL


def test_on_a_first_wire_the_stream_waits_for_nobody_and_on_a_later_one_for_the_peer() -> None:
    link = LinkProtocol("b")
    link.write(SMALL)
    link.attach(0.0)
    link.write(SMALL)
    assert link.output() == control(RESUME, 0) + SMALL + SMALL
    assert repr(link) == "<Link resuming sent 162 acked 0 received 0 delivered 0>" and not link.events
    link.receive(control(RESUME, 0), 0.0)
    assert link.output() == control(PING, 1)  # the stream has gone already
    assert link.events == [Happened.ONLINE]
    link.detach()
    link.attach(1.0)
    link.write(SMALL)
    assert link.output() == control(RESUME, 0)
    link.receive(control(RESUME, len(SMALL)), 1.0)
    assert link.output() == control(PING, 2) + SMALL + SMALL


def test_what_a_first_wire_lost_goes_out_again_on_the_second() -> None:
    pair = Pair()
    pair.a.link.write(SMALL)
    pair.attach()
    pair.a.link.output()  # nothing of it arrives
    pair.cut()
    pair.attach()
    pair.settle()
    assert pair.b.got == SMALL


def test_whole_frames_of_one_read_are_handed_on_as_they_came(pair: Pair) -> None:
    frames = SMALL * 3
    (got,) = pair.b.link.receive(frames, 0.0)
    assert got is frames


def test_nothing_brings_nothing(pair: Pair) -> None:
    assert not pair.b.link.receive(b"", 0.0)


def test_wire_frames_amid_the_stream_are_taken_out(pair: Pair) -> None:
    got = pair.b.link.receive(SMALL + control(PING, 1) + SMALL + control(ACK, 0) + SMALL[:5], 0.0)
    assert b"".join(got) == SMALL + SMALL
    assert b"".join(pair.b.link.receive(SMALL[5:], 0.0)) == SMALL


@given(st.lists(st.integers(0, 40), max_size=20))
def test_wherever_a_wire_cuts_the_program_gets_whole_frames(cuts: list[int]) -> None:
    stream = SMALL + control(PING, 1) + data_frames(b"x" * 50, 9) + control(ACK, 0) + SMALL + control(END)
    link, got = LinkProtocol("b"), b""
    link.attach(0.0)
    link.receive(control(RESUME, 0), 0.0)
    for size in [*cuts, len(stream)]:
        for piece in link.receive(stream[:size], 0.0):
            assert scan(piece)[0] == len(piece)
            got += piece
        stream = stream[size:]
    assert got == SMALL + data_frames(b"x" * 50, 9) + SMALL + control(END)
    assert (link.received, link.messages_received, link.rounds) == (len(got), 7, 9)


# --- window


def fill(side: Side, pair: Pair) -> int:
    frames = data_frames(bytes(4 * MAX_PAYLOAD))
    count = 0
    while side.link.writable:
        side.link.write(frames)
        pair.carry()
        count += 1
    return count * len(frames)


def test_both_windows_full_and_one_side_not_reading(pair: Pair) -> None:
    pair.a.reads = pair.b.reads = False
    to_b, to_a = fill(pair.a, pair), fill(pair.b, pair)
    pair.settle()
    assert WINDOW <= to_b < WINDOW + SLACK
    pair.a.reads = True
    pair.a.link.delivered(len(pair.a.got), pair.now)
    pair.settle()
    assert pair.b.link.writable
    assert not pair.a.link.writable
    assert len(pair.a.got) == to_a
    pair.b.link.write(SMALL)
    pair.settle()
    assert pair.a.got.endswith(SMALL)
    pair.b.reads = True
    pair.b.link.delivered(len(pair.b.got), pair.now)
    pair.settle()
    assert pair.a.link.writable
    assert Happened.TAKEN in pair.a.link.events
    assert (pair.a.link.queued, pair.b.link.queued) == (0, len(SMALL))


def test_there_is_room_again_before_the_window_is_empty(pair: Pair) -> None:
    pair.b.reads = False
    fill(pair.a, pair)
    pair.a.link.events.clear()
    half = len(pair.b.got) // 2
    pair.b.link.delivered(half, pair.now)
    pair.settle()
    assert pair.a.link.acked == half
    assert (pair.a.link.writable, pair.a.link.events) == (True, [Happened.TAKEN])


def test_a_link_without_a_wire_keeps_no_more_than_its_window() -> None:
    link = LinkProtocol("b")
    frames = data_frames(bytes(MAX_PAYLOAD))
    while link.writable:
        link.write(frames)
    assert link.queued < WINDOW + MAX_PAYLOAD + 8
    with pytest.raises(BufferError):
        for _ in range(SLACK // MAX_PAYLOAD + 1):
            link.write(frames)
    assert link.queued <= WINDOW + SLACK


def test_acknowledged_bytes_are_not_kept(pair: Pair) -> None:
    frames = data_frames(bytes(MAX_PAYLOAD))
    for _ in range(300):
        pair.a.link.write(frames)
        pair.settle()
        assert pair.a.link.queued <= ACK_BYTES + len(frames)
        assert sum(map(len, pair.a.link._unacked.blobs)) == pair.a.link.queued


def test_a_peer_that_ignores_the_window_is_to_blame(pair: Pair) -> None:
    frames = data_frames(bytes(MAX_PAYLOAD))
    with pytest.raises(PeerError, match="a broke the link's protocol: more bytes than the window"):
        for _ in range((WINDOW + SLACK) // MAX_PAYLOAD + 1):
            pair.b.link.receive(frames, 0.0)


# --- acknowledgements


def test_small_messages_are_acknowledged_after_a_while(pair: Pair) -> None:
    pair.a.link.write(SMALL)
    pair.settle()
    assert pair.a.link.acked == 0
    assert pair.b.link.due == ACK_DELAY
    pair.wait(ACK_DELAY)
    assert pair.a.link.acked == len(SMALL)


def test_an_ack_joins_data_where_it_is_worth_it(pair: Pair) -> None:
    pair.a.link.write(data_frames(bytes(ACK_JOIN)))
    pair.settle()
    pair.b.link.write(SMALL)
    assert pair.b.link.output() == control(ACK, ACK_JOIN + 8) + SMALL


def test_much_is_acknowledged_at_once(pair: Pair) -> None:
    pair.a.link.write(data_frames(bytes(ACK_BYTES)))
    pair.settle()
    assert pair.a.link.queued == 0


def test_the_end_is_acknowledged_at_once(pair: Pair) -> None:
    pair.a.link.write(SMALL + control(END))
    pair.settle()
    assert pair.a.link.queued == 0


def test_what_was_only_received_is_not_acknowledged(pair: Pair) -> None:
    pair.b.reads = False
    pair.a.link.write(SMALL)
    pair.settle()
    pair.wait(1.0)
    assert (pair.b.link.received, pair.a.link.acked) == (len(SMALL), 0)
    with pytest.raises(ValueError, match="delivered"):
        pair.b.link.delivered(len(SMALL) + 1, 0.0)


def test_an_ack_lost_with_its_wire_comes_again(pair: Pair) -> None:
    pair.a.link.write(data_frames(bytes(ACK_BYTES)))
    pair.carry(to=pair.b)
    pair.cut()
    pair.attach()
    pair.settle()
    assert pair.a.link.queued == 0


# --- time


def test_rtt_is_measured_on_a_fresh_wire_and_then_every_two_seconds() -> None:
    pair = Pair()
    pair.attach()
    pair.carry()
    pair.now = 0.25
    pair.settle()
    assert pair.a.link.rtt == pair.b.link.rtt == 0.25
    assert pair.a.link.due == PING_EVERY
    pair.now = PING_EVERY
    pair.a.link.handle_timer(pair.now)
    pair.now += 0.05
    pair.settle()
    assert pair.a.link.last_rtt == pytest.approx(0.05)
    assert pair.a.link.rtt == pytest.approx(0.225)


def test_a_silent_wire_is_dead(pair: Pair) -> None:
    link = pair.a.link
    link.events.clear()
    for _ in range(20):
        if link.due > SILENCE:
            break
        pair.now = link.due
        link.handle_timer(pair.now)
    assert (pair.now, link.events) == (SILENCE, [Happened.SILENT])


def test_a_peer_that_never_resumes_is_silent_too() -> None:
    link = LinkProtocol("b")
    link.attach(1.0)
    assert link.due == 1.0 + SILENCE
    link.handle_timer(link.due)
    assert link.events == [Happened.SILENT]


def test_an_idle_wire_stays_alive(pair: Pair) -> None:
    for _ in range(100):
        pair.wait(1.0)
    assert Happened.SILENT not in pair.a.link.events


def test_a_process_that_stood_still_does_not_call_its_peer_silent(pair: Pair) -> None:
    pair.a.link.events.clear()
    pair.now += 20
    pair.a.link.handle_timer(pair.now)
    assert pair.a.link.events == []


def test_pings_in_a_flood_are_not_answered(pair: Pair) -> None:
    pair.b.link.receive(control(PING, 7) * 1000, 5.0)
    assert pair.b.link.output() == control(PONG, 7)


def test_an_early_call_of_the_timer_does_nothing(pair: Pair) -> None:
    pair.a.link.handle_timer(0.5)
    assert pair.a.link.output() == b""
    assert pair.a.link.due == PING_EVERY


# --- the end


def test_bye_waits_until_the_peer_has_everything(pair: Pair) -> None:
    pair.a.link.write(SMALL)
    pair.a.link.finish()
    pair.settle()
    assert pair.a.link.state is LinkState.ONLINE
    pair.wait(ACK_DELAY)
    assert (pair.a.link.state, pair.b.link.state) == (LinkState.OVER, LinkState.OVER)
    assert pair.b.got == SMALL
    assert pair.b.link.events[-1] is Happened.OVER


def test_a_bye_lost_with_its_wire_comes_again(pair: Pair) -> None:
    pair.a.link.finish()
    assert pair.a.link.output() == control(BYE)
    pair.cut()
    pair.attach()
    pair.settle()
    assert (pair.a.link.state, pair.b.link.state) == (LinkState.OVER, LinkState.OVER)


def test_after_bye_nothing_counts(pair: Pair) -> None:
    assert not pair.b.link.receive(control(BYE) + SMALL, 0.0)
    pair.b.link.output()
    pair.b.link.write(SMALL)
    pair.b.link.attach(0.0)
    pair.b.link.detach()
    assert not pair.b.link.receive(SMALL, 0.0)
    assert (pair.b.link.output(), pair.b.link.state) == (b"", LinkState.OVER)


def test_the_steps_that_browsers_follow_are_those_of_this_link() -> None:
    assert vectors.FILE.read_text() == vectors.text()
