"""Requests over a Unix socket, against servers that say what a test wants."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from huddle.networks.tailscale import local_http

Serve = Callable[[bytes], Awaitable[str]]
UPGRADE = {"Host": "here", "Connection": "upgrade", "Upgrade": "echo"}
SWITCHING = b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n"


@pytest.fixture
async def serve(tmp_path: Path) -> AsyncIterator[Serve]:
    """Answers each request with these bytes, then sends back what comes, in capitals."""
    servers: list[asyncio.Server] = []

    async def start(answer: bytes) -> str:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            if answer.startswith(SWITCHING):
                while data := await reader.read(100):
                    writer.write(data.upper())
            writer.close()

        path = str(tmp_path / "socket")
        servers.append(await asyncio.start_unix_server(talk, path))
        return path

    yield start
    for server in servers:
        server.close()


async def test_an_answer_has_its_status_and_its_whole_body(serve: Serve) -> None:
    path = await serve(
        b"HTTP/1.1 404 No\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    )
    assert await local_http.request(path, "GET", "/x", "here", most=5) == (404, b"abcde")
    with pytest.raises(EOFError, match="too much"):
        await local_http.request(path, "GET", "/x", "here", most=4)


async def test_a_connection_changes_its_protocol_and_loses_no_byte(serve: Serve) -> None:
    path = await serve(SWITCHING)
    sock, said = await local_http.upgraded(path, "POST", "/dial", UPGRADE)
    assert sock is not None and said == b""
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(sock, b"hello")
    assert await loop.sock_recv(sock, 100) == b"HELLO"
    sock.close()


async def test_who_is_refused_an_upgrade_hears_why(serve: Serve) -> None:
    path = await serve(b"HTTP/1.1 502 Bad\r\nContent-Length: 4\r\n\r\nbusy")
    assert await local_http.upgraded(path, "POST", "/dial", UPGRADE) == (None, b"busy")


@pytest.mark.parametrize(
    "answer", [b"", b"HTTP/1.1 101", SWITCHING + b"early", b"HTTP/1.1 100 Go on\r\n\r\n"]
)
async def test_what_is_no_answer_is_an_error_and_leaves_no_socket(serve: Serve, answer: bytes) -> None:
    path = await serve(answer)
    with pytest.raises(local_http.BAD):
        await local_http.upgraded(path, "POST", "/dial", UPGRADE)
    with pytest.raises(local_http.BAD):
        await local_http.upgraded(f"{path}.none", "POST", "/dial", UPGRADE)
