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

    writable = True

    def __init__(self) -> None:
        self.stream = b""
        self.ended = False
        self.delivered_to = 0

    def write(self, data: bytes) -> None:
        end, _, _, ended = frames.scan(data)
        assert end == len(data)
        assert not self.ended
        self.ended = ended
        self.stream += data

    def forward(self, data: bytes, scanned: frames.Scanned) -> bool:
        assert scanned[1:] == frames.scan(data)[1:]
        self.write(data)
        return self.writable

    def delivered(self, total: int) -> None:
        self.delivered_to = total


PIECES = st.one_of(
    st.binary(max_size=40),
    st.builds(frames.data_frames, st.binary(max_size=20), st.integers(0, 2**32 - 1)),
    st.sampled_from([frames.control(kind) for kind in (frames.EOF, frames.END, frames.PING, frames.BYE)]),
    st.builds(frames.control, st.just(frames.PEER), st.integers(0, 3)),
    st.builds(frames.control, st.just(frames.ROOM), st.sampled_from([0, 1 << 20, 1 << 21, 2**64 - 1])),
)


class Line:
    """A transport that takes everything."""

    def __init__(self) -> None:
        self.written: list[bytes] = []

    def set_write_buffer_limits(self, high: int) -> None:
        """There are none."""

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def writelines(self, data: tuple[bytes, ...]) -> None:
        self.written += data

    def abort(self) -> None:
        """It has no end of its own."""


def table(sinks: dict[int, Any], reasons: list[str]) -> tuple[RunnerMux, Any, Line]:
    """A lane to a runner with these links."""
    run: Any = SimpleNamespace(fault=reasons.append, exited=True)
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


async def test_a_runner_that_sends_more_than_there_is_room_for_is_stopped() -> None:
    reasons: list[str] = []
    full, other = Sink(), Sink()
    full.writable = False
    lane, _, _ = table({1: full, 2: other}, reasons)
    lane.data_received(frames.control(frames.PEER, 1))
    for _ in range(16):
        lane.data_received(frames.data_frames(bytes(frames.MAX_PAYLOAD)))
    assert full.stream == b""
    lane.data_received(frames.control(frames.PEER, 2) + frames.data_frames(b"gets through"))
    assert other.stream == frames.data_frames(b"gets through")
    assert not reasons
    lane.data_received(frames.control(frames.PEER, 1) + frames.data_frames(bytes(1 << 19)))
    assert len(reasons) == 1
    assert full.ended
    assert other.ended


async def test_what_waits_for_a_full_window_goes_when_it_has_room() -> None:
    sink = Sink()
    sink.writable = False
    lane, channels, _ = table({1: sink}, [])
    lane.data_received(
        frames.control(frames.PEER, 1) + frames.data_frames(b"first") + frames.control(frames.END)
    )
    lane.connection_lost(None)
    channels[1].drain()
    assert not channels[1].done.is_set()
    sink.writable = True
    channels[1].link_writable()
    assert sink.stream == frames.data_frames(b"first") + frames.control(frames.END)
    assert channels[1].done.is_set()


async def test_a_runner_gets_no_more_of_a_peer_than_it_has_room_for() -> None:
    sink, other = Sink(), Sink()
    lane, channels, line = table({1: sink, 2: other}, [])
    block = frames.data_frames(bytes(frames.MAX_PAYLOAD))
    for _ in range(32):
        channels[1].link_frames(block)
    sent = line.written.count(block)
    assert sent == -(-frames.ROOM_SIZE // len(block))
    assert sink.delivered_to == sent * len(block)
    channels[2].link_frames(frames.data_frames(b"gets through"))
    assert line.written[-1] == frames.data_frames(b"gets through")
    lane.data_received(frames.control(frames.PEER, 1) + frames.control(frames.ROOM, 2 * frames.ROOM_SIZE))
    assert line.written.count(block) == -(-2 * frames.ROOM_SIZE // len(block))


async def test_a_runner_that_claims_more_room_than_it_can_have_is_stopped() -> None:
    reasons: list[str] = []
    sink = Sink()
    lane, channels, _ = table({1: sink}, reasons)
    channels[1].link_frames(frames.data_frames(b"four"))
    claim = frames.control(frames.PEER, 1) + frames.control(frames.ROOM, frames.ROOM_SIZE + 13)
    lane.data_received(claim)
    assert len(reasons) == 1
    assert sink.ended
