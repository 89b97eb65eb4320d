"""What the tests of links share."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from huddle.links.stream import StreamWire
from huddle.links.wire import WireInfo
from tests.unit.links.support import Pair, Two

Accept = Callable[[StreamWire], None]
Listen = Callable[[Accept], Awaitable[int]]


@pytest.fixture
async def listen() -> AsyncIterator[Listen]:
    """Listen on a loopback port and hand out each wire that comes; returns the port."""
    servers: list[asyncio.Server] = []

    async def start(accept: Accept) -> int:
        info = WireInfo("tcp", "accepted", b"", b"", False)
        server = await asyncio.get_running_loop().create_server(
            lambda: StreamWire(info, lambda wire, _: accept(wire)), "127.0.0.1", 0
        )
        servers.append(server)
        port: int = server.sockets[0].getsockname()[1]
        return port

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def dial() -> Callable[[int], Awaitable[StreamWire]]:
    """Dial a loopback port."""

    async def connect(port: int) -> StreamWire:
        info = WireInfo("tcp", "dialled", b"", b"", False)
        _, wire = await asyncio.get_running_loop().create_connection(
            lambda: StreamWire(info), "127.0.0.1", port
        )
        return wire

    return connect


@pytest.fixture
async def two(listen: Callable[..., Awaitable[int]]) -> AsyncIterator[Two]:
    two = Two()
    await two.start(listen)
    yield two
    await asyncio.gather(*(keeper.close(0.2) for keeper in two.keepers))
    two.proxy.end()
    await asyncio.sleep(0)
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 20)
    two.proxy.end()  # also what those tasks have connected
    for _ in range(3):  # ticks in which aborted transports close their sockets
        await asyncio.sleep(0)


@pytest.fixture
def pair() -> Pair:
    pair = Pair()
    pair.attach()
    pair.settle()
    return pair
