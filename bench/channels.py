"""Two ways to send bytes over one connection, for comparing: as they are, and in a link of Huddle's.

`lead` and `follow` are the two ends of one measurement; both channels run on the same loop, in one process
at each end, so that what differs is the link.
"""

import asyncio
import statistics
import time
from typing import Any

from huddle.errors import HuddleError
from huddle.links.frames import Slice, data_frames, scan
from huddle.links.link import Link
from huddle.links.wire import WireInfo

PING = bytes(100)
PIECE = bytes(65_536)
PINGS = 1_000
BULK = 384  # pieces: 25 MB


class Channel:
    """Counts what comes; `size` says how many bytes a payload is here."""

    def __init__(self) -> None:
        self._got = 0
        self.failed: HuddleError | None = None
        self._news = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()

    def arrived(self, count: int) -> None:
        self._got += count
        self._news.set()

    async def take(self, count: int) -> None:
        """Wait for so many bytes."""
        while self._got < count:
            if self.failed is not None:
                raise self.failed
            self._news.clear()
            await self._news.wait()
        self._got -= count

    async def send(self, payload: bytes) -> None:
        """Send, once there is room."""
        if not self._room.is_set():
            await self._room.wait()
        self.write(payload)

    def write(self, payload: bytes) -> None:
        raise NotImplementedError

    def size(self, payload: bytes) -> int:
        raise NotImplementedError


class Plain(Channel, asyncio.Protocol):
    """Bytes as they are, on a transport."""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        transport.set_write_buffer_limits(high=1 << 20)

    def data_received(self, data: bytes) -> None:
        self.arrived(len(data))

    def pause_writing(self) -> None:
        self._room.clear()

    def resume_writing(self) -> None:
        self._room.set()

    def write(self, payload: bytes) -> None:
        self._transport.write(payload)

    def size(self, payload: bytes) -> int:
        return len(payload)


class Linked(Channel):
    """A link, as a runner's supervisor uses it."""

    def __init__(self) -> None:
        super().__init__()
        self.online = asyncio.Event()
        self.end: Link
        self.info: WireInfo | None = None
        self._total = 0

    def link_frames(self, frames: Slice) -> None:
        self._total += len(frames)
        self.end.delivered(self._total)
        self.arrived(len(frames))

    def link_taken(self, total: int) -> None:
        if self.end.writable:
            self._room.set()

    def link_restored(self, info: WireInfo) -> None:
        self.info = info
        self.online.set()

    def link_lost(self, reason: str) -> None:
        self.online.clear()

    def link_failed(self, error: HuddleError) -> None:
        self.failed = error
        self._news.set()

    def write(self, payload: bytes) -> None:
        frames = data_frames(payload, 1)
        self.end.forward(frames, scan(frames))
        if not self.end.writable:
            self._room.clear()

    def size(self, payload: bytes) -> int:
        return len(data_frames(payload, 1))


async def lead(channel: Channel) -> dict[str, float]:
    """Median round trip of 100 bytes in ms, and MB/s one way."""
    taken = []
    for _ in range(PINGS):
        start = time.perf_counter()
        await channel.send(PING)
        await channel.take(channel.size(PING))
        taken.append(time.perf_counter() - start)
    start = time.perf_counter()
    for _ in range(BULK):
        await channel.send(PIECE)
    await channel.take(channel.size(PING))
    rate = BULK * len(PIECE) / (time.perf_counter() - start) / 1e6
    return {"rtt_ms": statistics.median(taken) * 1000, "mb_per_s": rate}


async def follow(channel: Channel) -> None:
    """The other end."""
    for _ in range(PINGS):
        await channel.take(channel.size(PING))
        await channel.send(PING)
    await channel.take(BULK * channel.size(PIECE))
    await channel.send(PING)
