"""The supervisor's end of a lane: what it writes, and in how many calls."""

from collections.abc import Callable, Iterable
from types import SimpleNamespace
from typing import Any

from huddle.links.frames import PEER, control, data_frames
from huddle.running.channel import RunChannel
from huddle.running.mux import MuxChannel, RunnerMux


class Line:
    """A transport that keeps what each call wrote."""

    def __init__(self) -> None:
        self.calls: list[bytes] = []

    def set_write_buffer_limits(self, high: int) -> None:
        """It takes everything."""

    def write(self, data: bytes) -> None:
        self.calls.append(data)

    def writelines(self, data: Iterable[bytes]) -> None:
        self.calls.append(b"".join(data))

    def abort(self) -> None:
        """It has no end of its own."""


def opened() -> tuple[RunnerMux, Line, list[Any]]:
    """A lane with the channels of peers 1 and 2, whose links are nothing."""
    nothing: Any = SimpleNamespace(forward=None, write=lambda _: None, delivered=lambda _: None)

    def link(_: RunChannel, /, *, make: Callable[..., Any] = MuxChannel) -> Any:
        return nothing

    run: Any = SimpleNamespace(observer=None, peer_ended=lambda *_: None, fail=lambda *_: None)
    mux, line = RunnerMux(), Line()
    transport: Any = line
    mux.connection_made(transport)
    return mux, line, list(mux.open(run, {1: link, 2: link}).values())


async def test_a_share_wakes_the_runner_once() -> None:
    _, line, (one, two) = opened()
    one.link_frames(data_frames(b"a share"))
    two.link_frames(memoryview(data_frames(b"another")))
    two.link_frames(data_frames(b"more"))  # of the peer whose frames came last
    assert line.calls == [
        control(PEER, 1) + data_frames(b"a share"),
        control(PEER, 2) + data_frames(b"another"),
        data_frames(b"more"),
    ]


async def test_what_comes_for_a_lane_that_was_closed_is_dropped() -> None:
    mux, line, (one, _) = opened()
    mux.close()
    one.link_frames(data_frames(b"too late"))
    assert line.calls == []
