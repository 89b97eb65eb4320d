"""A run's channel to a hostile runner, in memory: what reaches the link, whatever is sent."""

import asyncio
import socket
from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from huddle.engine.run import Channel
from huddle.links import frames


class Sink:
    """A link that holds its run to the contract."""

    writable = True

    def __init__(self) -> None:
        self.stream = b""
        self.ended = False

    def write(self, data: bytes) -> None:
        end, _, _, ended = frames.scan(data)
        assert end == len(data)
        assert not self.ended
        self.ended = ended
        self.stream += data

    def delivered(self, total: int) -> None:
        """Nothing comes."""


PIECES = st.one_of(
    st.binary(max_size=40),
    st.builds(frames.data_frames, st.binary(max_size=20), st.integers(0, 2**32 - 1)),
    st.sampled_from([frames.control(kind) for kind in (frames.EOF, frames.END, frames.PING, frames.BYE)]),
)


@given(st.lists(PIECES, max_size=12), st.integers(1, 30))
def test_only_whole_stream_frames_and_one_end_ever_reach_a_link(pieces: list[bytes], step: int) -> None:
    async def scenario() -> None:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        reasons: list[str] = []
        run: Any = SimpleNamespace(stop=reasons.append, exited=True)
        sink: Any = Sink()
        channel = Channel(run, 1, ours, lambda _: sink)
        written = b"".join(pieces)
        for at in range(0, len(written), step):
            theirs.sendall(written[at : at + step])
            await asyncio.sleep(0)
        theirs.close()
        channel.drain()
        assert channel.done.is_set()
        assert sink.ended
        assert written.startswith(sink.stream[: -frames.HEADER.size])  # its END may be our own
        channel.close()

    asyncio.run(scenario())
