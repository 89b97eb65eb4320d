"""A lane to a hostile runner, in memory: what reaches the links, whatever is sent."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from huddle.links import frames
from huddle.running.mux import RunnerMux


class Sink:
    """A link that holds its run to the contract."""

    def __init__(self, window: int = 1 << 30) -> None:
        self.window = window
        self.stream = b""
        self.ended = False
        self.delivered_to = 0

    def write(self, data: bytes) -> None:
        end, _, _, ended = frames.scan(data)
        assert end == len(data)
        assert not self.ended
        self.ended = ended
        self.stream += data

    def forward(self, data: bytes, scanned: frames.Scanned) -> None:
        assert scanned[1:] == frames.scan(data)[1:]
        if len(self.stream) + len(data) > self.window:
            raise BufferError("full")
        self.write(data)

    def delivered(self, total: int) -> None:
        self.delivered_to = total


PIECES = st.one_of(
    st.binary(max_size=40),
    st.builds(frames.data_frames, st.binary(max_size=20), st.integers(0, 2**32 - 1)),
    st.sampled_from([frames.control(kind) for kind in (frames.EOF, frames.END, frames.PING, frames.BYE)]),
    st.builds(frames.control, st.just(frames.PEER), st.integers(0, 3)),
    st.builds(frames.control, st.just(frames.ACK), st.sampled_from([0, 1 << 20, 1 << 21, 2**64 - 1])),
)


class Line:
    """A transport that takes everything."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.high = 0

    def set_write_buffer_limits(self, high: int) -> None:
        self.high = high

    def writelines(self, data: tuple[bytes, ...]) -> None:
        self.written += data

    def abort(self) -> None:
        """It has no end of its own."""


def table(sinks: dict[int, Any], reasons: list[str]) -> tuple[RunnerMux, Any, Line]:
    """A lane to a runner with these links."""
    run: Any = SimpleNamespace(fault=reasons.append, peer_ended=lambda pid: None)
    lane, line = RunnerMux(), Line()
    lane.connection_made(cast(asyncio.Transport, line))
    channels = lane.open(run, {pid: lambda _, sink=sink: sink for pid, sink in sinks.items()})
    return lane, channels, line


@given(st.lists(PIECES, max_size=12), st.integers(1, 30))
def test_only_whole_stream_frames_and_one_end_ever_reach_a_link(pieces: list[bytes], step: int) -> None:
    async def scenario() -> None:
        reasons: list[str] = []
        sinks = {1: Sink(), 2: Sink()}
        lane, channels, _ = table(sinks, reasons)
        written = frames.control(frames.PEER, 1) + b"".join(pieces)
        for at in range(0, len(written), step):
            lane.data_received(written[at : at + step])
        lane.connection_lost(None)
        for pid, sink in sinks.items():
            channels[pid].drain()
            assert channels[pid].done.is_set()
            assert sink.ended
            for _, _, payload in frames.frames_in(sink.stream)[0]:
                assert payload in written
        assert set(reasons) <= {"it sent something other than frames over its runner's socket"}

    asyncio.run(scenario())


def ack(total: int) -> bytes:
    return frames.control(frames.PEER, 1) + frames.control(frames.ACK, total)


async def test_a_runner_that_sends_more_than_the_window_takes_is_stopped() -> None:
    reasons: list[str] = []
    full, other = Sink(window=1 << 20), Sink()
    lane, _, _ = table({1: full, 2: other}, reasons)
    lane.data_received(frames.control(frames.PEER, 1))
    for _ in range(15):
        lane.data_received(frames.data_frames(bytes(frames.MAX_PAYLOAD)))
    lane.data_received(frames.control(frames.PEER, 2) + frames.data_frames(b"gets through"))
    assert other.stream == frames.data_frames(b"gets through")
    assert not reasons
    lane.data_received(frames.control(frames.PEER, 1) + frames.data_frames(bytes(1 << 17)))
    assert len(reasons) == 1
    assert full.ended
    assert other.ended


async def test_what_a_program_left_is_in_the_link_before_its_end() -> None:
    sink = Sink()
    lane, channels, _ = table({1: sink}, [])
    lane.data_received(frames.control(frames.PEER, 1) + frames.data_frames(b"first"))
    lane.connection_lost(None)
    channels[1].drain()
    assert sink.stream == frames.data_frames(b"first") + frames.control(frames.END)
    assert channels[1].done.is_set()


async def test_only_what_the_program_has_taken_is_told_to_the_link() -> None:
    reasons: list[str] = []
    sink = Sink()
    lane, channels, line = table({1: sink}, reasons)
    block = frames.data_frames(bytes(frames.MAX_PAYLOAD))
    for _ in range(32):
        channels[1].link_frames(block)
    assert (line.written.count(block), sink.delivered_to) == (32, 0)
    lane.data_received(ack(20 * len(block)))
    assert sink.delivered_to == 20 * len(block)
    lane.data_received(ack(20 * len(block)))
    lane.data_received(ack(19 * len(block)))
    assert len(reasons) == 1


async def test_nobody_waits_for_a_program_to_take_the_end() -> None:
    sink = Sink()
    lane, channels, _ = table({1: sink}, [])
    last = frames.data_frames(b"last") + frames.control(frames.END)
    channels[1].link_frames(last)
    assert sink.delivered_to == len(last)
    lane.data_received(ack(5))
    assert sink.delivered_to == len(last)


async def test_what_comes_for_a_program_that_is_over_leaves_the_window() -> None:
    sink = Sink()
    lane, channels, line = table({1: sink}, [])
    channels[1].link_frames(frames.data_frames(b"four"))
    lane.connection_lost(None)
    channels[1].link_frames(frames.data_frames(b"more"))
    assert sink.delivered_to == 24
    assert line.written.count(frames.data_frames(b"more")) == 0


async def test_the_runner_hears_what_the_peer_s_program_has_taken() -> None:
    lane, channels, line = table({1: Sink()}, [])
    lane.data_received(frames.control(frames.PEER, 1) + frames.data_frames(b"four"))
    channels[1].link_taken(12)
    assert b"".join(line.written) == ack(12)


async def test_a_runner_that_claims_to_have_taken_what_it_never_got_is_stopped() -> None:
    reasons: list[str] = []
    sink = Sink()
    lane, channels, _ = table({1: sink}, reasons)
    channels[1].link_frames(frames.data_frames(b"four"))
    lane.data_received(ack(13))
    assert len(reasons) == 1
    assert sink.ended


async def test_a_runner_that_claims_to_have_taken_what_it_never_read_is_stopped() -> None:
    reasons: list[str] = []
    lane, _, line = table({1: Sink()}, reasons)
    assert line.high == 2 * (frames.WINDOW + (2 << 20))
    lane.pause_writing()
    assert reasons == ["it claims to have taken what it never read"]
