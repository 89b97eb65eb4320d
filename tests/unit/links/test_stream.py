"""Wires over loopback TCP: what waits, what is told, and what is not."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from huddle.links.stream import StreamWire


async def until(ready: Callable[[], bool]) -> None:
    for _ in range(5000):
        if ready():
            return
        await asyncio.sleep(0.001)
    raise AssertionError("it never happened")


class Taker:
    def __init__(self) -> None:
        self.got = b""
        self.lost: list[str] = []
        self.changed = asyncio.Event()

    def wire_data(self, data: bytes) -> None:
        self.got += data
        self.changed.set()

    def wire_lost(self, reason: str) -> None:
        self.lost.append(reason)
        self.changed.set()

    async def until(self, ready: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not ready():
                self.changed.clear()
                await self.changed.wait()


@pytest.fixture
async def two(
    listen: Callable[[Callable[[StreamWire], None]], Awaitable[int]],
    dial: Callable[[int], Awaitable[StreamWire]],
) -> tuple[StreamWire, StreamWire]:
    """A dialled wire and the one that was accepted."""
    accepted: asyncio.Future[StreamWire] = asyncio.get_running_loop().create_future()
    wire = await dial(await listen(accepted.set_result))
    return wire, await accepted


async def test_bytes_arrive(two: tuple[StreamWire, StreamWire]) -> None:
    here, there = two
    taker = Taker()
    there.start(taker)
    here.send(b"hello ")
    here.send(b"there")
    await taker.until(lambda: taker.got == b"hello there")
    assert repr(here) == "<StreamWire tcp, dialled, open>"
    here.abort()
    await taker.until(lambda: bool(taker.lost))
    there.abort()


async def test_what_comes_before_the_start_waits_and_comes_first(two: tuple[StreamWire, StreamWire]) -> None:
    here, there = two
    here.send(b"early")
    here.close()
    # The loss is known once the accepted side has seen it; only then start.
    await until(lambda: there._lost is not None)
    taker = Taker()
    there.start(taker)
    assert (taker.got, taker.lost) == (b"early", ["closed by the other end"])


async def test_what_waits_is_bounded(two: tuple[StreamWire, StreamWire]) -> None:
    here, there = two
    size = 8 << 20
    here.send(bytes(size))
    await until(lambda: there._paused)
    for _ in range(100):
        await asyncio.sleep(0)
    assert StreamWire.LIMIT < there._held_bytes < StreamWire.LIMIT + (1 << 20)
    taker = Taker()
    there.start(taker)
    await taker.until(lambda: len(taker.got) == size)
    here.abort()
    there.abort()


async def test_a_wire_moves_from_one_receiver_to_the_next(two: tuple[StreamWire, StreamWire]) -> None:
    here, there = two
    last = Taker()

    class First(Taker):
        def wire_data(self, data: bytes) -> None:
            super().wire_data(data)
            there.start(last)

    first = First()
    here.send(b"hello")
    there.start(first)
    await first.until(lambda: first.got == b"hello")
    here.send(b"world")
    await last.until(lambda: last.got == b"world")
    assert first.got == b"hello"
    here.abort()
    await last.until(lambda: bool(last.lost))
    assert first.lost == []
    there.abort()


async def test_close_sends_what_is_left_and_tells_nobody(two: tuple[StreamWire, StreamWire]) -> None:
    here, there = two

    class Talker(Taker):
        def wire_data(self, data: bytes) -> None:
            super().wire_data(data)
            there.send(b"nobody reads this, which must not destroy what is on its way")

    mine, theirs = Taker(), Talker()
    here.start(mine)
    there.start(theirs)
    there.send(b"nor this")
    here.send(bytes(4 << 20))
    here.close()
    here.send(b"too late")
    await theirs.until(lambda: bool(theirs.lost))
    assert len(theirs.got) == 4 << 20
    await asyncio.sleep(0)
    assert (mine.got, mine.lost) == (b"", [])


async def test_abort_tells_the_other_end_only(two: tuple[StreamWire, StreamWire]) -> None:
    here, there = two
    mine, theirs = Taker(), Taker()
    here.start(mine)
    there.start(theirs)
    here.abort()
    await theirs.until(lambda: bool(theirs.lost))
    assert mine.lost == []
    there.send(b"into the void")
    assert repr(there) == "<StreamWire tcp, accepted, lost>"


async def test_a_closed_wire_does_not_wait_for_ever(
    two: tuple[StreamWire, StreamWire], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huddle.links.stream.LINGER", 0.05)
    here, there = two  # `there` never reads
    here.send(bytes(32 << 20))
    here.close()
    await until(lambda: here._transport is None)
    there.abort()
