"""Sockets that come and say nothing, little, or too slowly, over TCP and TLS."""

import asyncio
import contextlib
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect

from huddle.rendezvous.limits import ServerLimits
from huddle.rendezvous.server.server import RendezvousServer, ServerConfig

QUICK = ServerLimits(first_message=0.2, response=0.4, tls=0.2)
ASK = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"


async def answer_to(server: RendezvousServer, sent: bytes, until: bytes = b"\r\n\r\n") -> bytes:
    """What the server answers to these bytes, up to that."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        writer.write(sent)
        return await reader.readuntil(until)
    finally:
        writer.close()


async def ends(reader: asyncio.StreamReader) -> bool:
    """Whether the server ends the connection."""
    try:
        async with asyncio.timeout(20):
            while await reader.read(65_536):
                pass
    except TimeoutError:
        return False
    except OSError:
        pass
    return True


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(1_000):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come to that in ten seconds")


async def dribble(writer: asyncio.StreamWriter, data: bytes) -> None:
    with contextlib.suppress(OSError):
        for byte in data:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    ("at_once", "slowly"),
    [
        (b"", b""),
        (b"", b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 500),
        (b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 500\r\n\r\n", b"x" * 500),
        (ASK + b"G", b""),  # a complete request and one byte more: it ends uvicorn's timer between requests
        (ASK + b"G", b"ET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 500),
    ],
    ids=["nothing", "slow headers", "slow body", "one byte after a request", "slow second request"],
)
async def test_a_request_has_a_deadline_whatever_comes_in_little_pieces(
    at_once: bytes, slowly: bytes
) -> None:
    async with RendezvousServer(ServerConfig(limits=QUICK)) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(at_once)
        dribbling = asyncio.create_task(dribble(writer, slowly))
        assert await ends(reader)
        dribbling.cancel()
        await asyncio.gather(dribbling, return_exceptions=True)
        writer.close()
        assert server.guard.counts == (0, 0)


async def test_an_answer_that_is_not_taken_has_a_deadline(tmp_path: Path) -> None:
    from huddle.rendezvous.server.site import INDEX

    (tmp_path / INDEX).write_bytes(b"x" * 40_000_000)
    async with RendezvousServer(ServerConfig(limits=QUICK, site=tmp_path)) as server:
        _, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await until(lambda: server.guard.counts[0] == 1)
        await until(lambda: server.guard.counts[0] == 0)
        writer.transport.abort()


async def test_a_connection_that_asks_on_and_on_is_kept() -> None:
    async with RendezvousServer(ServerConfig(limits=ServerLimits(first_message=5))) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        deadlines = []
        for _ in range(8):
            writer.write(ASK)
            assert (await reader.readuntil(b"ok\n")).startswith(b"HTTP/1.1 200")
            (transport,) = server.guard._sockets
            http: Any = transport.get_protocol()
            deadlines.append(http._deadline.when())
        assert deadlines == sorted(set(deadlines)), "each request has a new one"
        writer.close()


async def test_a_tls_handshake_that_does_not_end_has_a_deadline_and_counts(
    certificate: tuple[Path, Path],
) -> None:
    cert, key = certificate
    limits = ServerLimits(tls=3, sockets_per_address=3)
    async with RendezvousServer(ServerConfig(certificate=cert, key=key, limits=limits)) as server:
        held = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(3)]
        held[1][1].write(b"\x16\x03\x01")
        held[2][1].write(b"GET / HTTP/1.1\r\n\r\n")
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        assert await ends(reader), "a fourth is one too many"
        writer.close()
        assert all([await ends(reader) for reader, _ in held])
        for _, writer in held:
            writer.close()
        context = ssl.create_default_context(cafile=str(cert))
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port, ssl=context)
        writer.write(ASK)
        assert (await reader.readuntil(b"ok\n")).startswith(b"HTTP/1.1 200")
        writer.close()
        async with connect(
            f"wss://127.0.0.1:{server.port}/v1/ice", ssl=context, compression=None, proxy=None
        ) as socket:
            assert socket.transport.get_extra_info("sslcontext")
            assert server.guard.counts[0] >= 1


async def test_plain_sockets_of_one_address_are_limited_and_leave_websockets_alone() -> None:
    limits = ServerLimits(pending_per_address=5)
    async with RendezvousServer(ServerConfig(limits=limits)) as server:
        url = f"ws://127.0.0.1:{server.port}/v1/relay/{'0' * 32}?side=a"
        async with connect(url, compression=None, proxy=None) as socket:
            held = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(9)]
            await until(lambda: server.guard.counts == (6, 5))
            await (await socket.ping())
            other = await asyncio.open_connection("127.0.0.1", server.port, local_addr=("127.0.0.2", 0))
            other[1].write(ASK)
            assert (await other[0].readuntil(b"ok\n")).startswith(b"HTTP/1.1 200"), "another address"
            for _, writer in (*held, other):
                writer.close()


async def test_where_many_wait_a_new_one_ends_the_oldest() -> None:
    async with RendezvousServer(ServerConfig(limits=ServerLimits(pending=4))) as server:
        held = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(4)]
        await until(lambda: server.guard.counts == (4, 4))
        answer = await answer_to(server, ASK)
        assert answer.startswith(b"HTTP/1.1 200")
        assert await ends(held[0][0])
        for _, writer in held:
            writer.close()
