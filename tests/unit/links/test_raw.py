"""Links to plain MPyC: what a run hears of a TCP connection, and what goes out on it."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from huddle.errors import HuddleError, PeerError
from huddle.links import frames, raw
from huddle.links.raw import RawConnection, RawLink
from huddle.links.wire import WireInfo

INFO = WireInfo("plain", "direct, raw", b"k" * 32, b"p" * 32, sealed=True)
EOF, END = frames.control(frames.EOF), frames.control(frames.END)
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Run:
    """A run that takes all that comes, unless it is told not to."""

    def __init__(self) -> None:
        self.link: RawLink
        self.heard: list[tuple[int, bytes]] = []
        self.total = 0
        self.takes = True
        self.taken = 0
        self.shown: list[WireInfo] = []
        self.failed: HuddleError | None = None

    def link_frames(self, data: bytes) -> None:
        self.total += len(data)
        self.heard += [(kind, payload) for kind, _, payload in frames.frames_in(data)[0]]
        if self.takes:
            self.link.delivered(self.total)

    def link_taken(self, total: int) -> None:
        assert self.taken < total
        self.taken = total

    def link_restored(self, info: WireInfo) -> None:
        self.shown.append(info)

    def link_failed(self, error: HuddleError) -> None:
        self.failed = error

    @property
    def data(self) -> bytes:
        return b"".join(payload for kind, payload in self.heard if kind == frames.DATA)

    @property
    def kinds(self) -> list[int]:
        return [kind for kind, _ in self.heard if kind != frames.DATA]


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - it is only looked at
            await asyncio.sleep(0.005)


@asynccontextmanager
async def dialling(run: Run) -> AsyncIterator["asyncio.Queue[Streams]"]:
    """A link whose side dials, and the connections that plain MPyC gets."""
    got: asyncio.Queue[Streams] = asyncio.Queue()
    writers = []

    def came(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        got.put_nowait((reader, writer))

    server = await asyncio.start_server(came, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]

    async def connect(connection: RawConnection) -> None:
        await asyncio.get_running_loop().create_connection(lambda: connection, "127.0.0.1", port)

    run.link = RawLink("Ben", run, INFO, connect)
    try:
        yield got
    finally:
        await run.link.close(1.0)
        for writer in writers:
            writer.close()
        server.close()


@asynccontextmanager
async def listening(run: Run) -> AsyncIterator[Callable[[], Awaitable[Streams]]]:
    """A link whose side listens, and how plain MPyC connects."""
    run.link = RawLink("Ben", run, INFO, None)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: RawConnection(run.link), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    made = []

    async def connect() -> Streams:
        made.append(await asyncio.open_connection("127.0.0.1", port))
        return made[-1]

    try:
        yield connect
    finally:
        await run.link.close(1.0)
        for _, writer in made:
            writer.close()
        server.close()


async def test_the_side_that_dials_does_so_when_its_program_begins_to_speak() -> None:
    run = Run()
    async with dialling(run) as got:
        run.link.write(frames.data_frames(b"\0\0keys", 1))
        run.link.write(frames.data_frames(b"more", 2))
        reader, writer = await asyncio.wait_for(got.get(), 5)
        assert await reader.readexactly(10) == b"\0\0keysmore"
        writer.write(b"answer")
        await until(lambda: run.data == b"answer")
        assert run.shown == [INFO] and run.link.stats.path == "direct, raw"
        assert run.link.stats.rounds == 3  # an answer is one deeper than what was asked
        run.link.write(EOF)
        assert await reader.read() == b""
        await until(lambda: run.kinds == [frames.EOF])
        # One more mpc.start()
        run.link.write(frames.data_frames(b"again", 3))
        reader, writer = await asyncio.wait_for(got.get(), 5)
        assert await reader.readexactly(5) == b"again"
        run.link.write(EOF + END)
        assert await reader.read() == b""
        writer.close()
    assert run.failed is None and run.shown == [INFO]


async def test_the_side_that_listens_hears_connections_one_after_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(raw, "AFTER", 0.1)
    run = Run()
    async with listening(run) as connect:
        _, first = await connect()
        first.write(b"\0\0one")
        await until(lambda: run.data == b"\0\0one")
        # The next one is there before the end of this one was seen: it waits for it.
        reader, second = await connect()
        second.write(b"\0\0two")
        await asyncio.sleep(0.05)
        assert run.data == b"\0\0one"
        first.close()
        await until(lambda: run.data == b"\0\0one\0\0two")
        assert run.kinds == [frames.EOF]
        run.link.write(EOF)  # the program's answer concerns the first one
        run.link.write(frames.data_frames(b"for two", 4))
        assert await reader.readexactly(7) == b"for two"
        second.close()
        await until(lambda: run.kinds == [frames.EOF, frames.EOF, frames.END])
    assert run.failed is None


async def test_a_connection_that_is_lost_is_the_peer_s_and_ends_the_run() -> None:
    run = Run()
    async with listening(run) as connect:
        _, writer = await connect()
        writer.write(b"\0\0")
        await until(lambda: run.data)
        linger = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.transport.abort()
        await until(lambda: run.failed)
    assert isinstance(run.failed, PeerError) and run.failed.peer == "Ben"
    assert "can't be resumed" in run.failed.hint
    assert run.kinds == []


async def test_neither_side_is_sent_more_than_it_takes() -> None:
    run = Run()
    run.takes = False
    async with listening(run) as connect:
        reader, writer = await connect()
        writer.write(bytes(12 << 20))
        await until(lambda: run.total > raw.ROOM)
        await asyncio.sleep(0.1)
        assert run.total < 4 * raw.ROOM
        run.takes = True
        run.link.delivered(run.total)
        await until(lambda: len(run.data) == 12 << 20)
        piece = frames.data_frames(bytes(frames.MAX_PAYLOAD), 1)
        for _ in range(400):
            run.link.forward(piece, frames.scan(piece))
        assert not run.link.writable and run.link.stats.queued > 0
        assert run.taken < run.link.stats.bytes_sent
        left = 400 * frames.MAX_PAYLOAD
        while left:
            left -= len(await asyncio.wait_for(reader.read(1 << 20), 5))
        await until(lambda: run.taken == run.link.stats.bytes_sent and run.link.writable)
        writer.close()


async def test_what_was_written_leaves_before_it_is_closed() -> None:
    run = Run()
    async with dialling(run) as got:
        run.link.write(frames.data_frames(bytes(200_000), 1))
        reader, writer = await asyncio.wait_for(got.get(), 5)
        await until(lambda: run.shown)
        closing = asyncio.create_task(run.link.close(5.0))
        assert len(await asyncio.wait_for(reader.read(-1), 5)) == 200_000
        writer.close()
        await closing
    assert run.link.over and run.failed is None
