"""The supervisor's end of a lane: what it writes, and when."""

import asyncio
import socket
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from huddle.links.frames import PEER, WINDOW, control, data_frames
from huddle.running.channel import RunChannel
from huddle.running.mux import MuxChannel, RunnerMux


def run_by(loop_of: str, scenario: Callable[[], Any]) -> None:
    """Run it by that module's event loop."""
    with asyncio.Runner(loop_factory=pytest.importorskip(loop_of).new_event_loop) as runner:
        runner.run(scenario())


async def opened(theirs: socket.socket) -> tuple[asyncio.Transport, RunnerMux, list[MuxChannel]]:
    """A lane with the channels of peers 1 and 2, whose links are nothing."""
    nothing: Any = SimpleNamespace(forward=None, write=lambda _: None, delivered=lambda _: None)

    def link(_: RunChannel, /, *, make: Callable[..., Any] = MuxChannel) -> Any:
        return nothing

    run: Any = SimpleNamespace(observer=None, peer_ended=lambda *_: None, fail=lambda *_: None)
    transport, mux = await asyncio.get_running_loop().create_unix_connection(RunnerMux, sock=theirs)
    channels = mux.open(run, {1: link, 2: link})
    return transport, mux, [channel for channel in channels.values() if isinstance(channel, MuxChannel)]


@pytest.mark.parametrize("loop_of", ["asyncio", "uvloop"])
def test_what_peers_send_in_one_tick_wakes_the_runner_once(loop_of: str) -> None:
    async def scenario() -> None:
        theirs, runner = socket.socketpair()
        runner.setblocking(False)
        with runner:
            _, mux, (one, two) = await opened(theirs)
            try:
                one.link_frames(data_frames(b"a share"))
                two.link_frames(memoryview(data_frames(b"another")))
                with pytest.raises(BlockingIOError):  # not even the mark that says whose share follows
                    runner.recv(WINDOW)
                await asyncio.sleep(0)
                assert runner.recv(WINDOW) == b"".join(
                    (control(PEER, 1), data_frames(b"a share"), control(PEER, 2), data_frames(b"another"))
                )
                two.link_frames(data_frames(b"more"))  # of the peer whose frames came last
                await asyncio.sleep(0)
                assert runner.recv(WINDOW) == data_frames(b"more")
            finally:
                mux.close()
                await mux.closed.wait()

    run_by(loop_of, scenario)


async def test_what_comes_for_a_lane_that_was_just_closed_is_dropped() -> None:
    theirs, runner = socket.socketpair()
    with runner:
        _, mux, (one, _) = await opened(theirs)
        one.link_frames(data_frames(b"too late"))
        mux.close()
        await mux.closed.wait()
        one.link_frames(data_frames(b"later still"))
        await asyncio.sleep(0)
        assert runner.recv(WINDOW) == b""
