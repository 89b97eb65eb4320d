"""URLs, certificates and proxies on the way to a rendezvous."""

import asyncio
import sys
from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection, serve

from huddle.errors import LocalError, RendezvousError
from huddle.rendezvous.client.dialing import host_of, reach, websocket_url
from huddle.rendezvous.client.room import RoomClient
from huddle.rendezvous.server.server import RendezvousServer, ServerConfig
from huddle.tasks import cancel


@pytest.mark.parametrize(
    ("url", "socket_url"),
    [
        ("https://huddle.example", "wss://huddle.example/v1/x"),
        ("http://192.0.2.1:8080/", "ws://192.0.2.1:8080/v1/x"),
        ("wss://huddle.example/behind/", "wss://huddle.example/behind/v1/x"),
        ("ws://[2001:db8::1]:80", "ws://[2001:db8::1]:80/v1/x"),
    ],
)
def test_urls_of_people_become_urls_of_websockets(url: str, socket_url: str) -> None:
    assert websocket_url(url, "/v1/x") == socket_url


@pytest.mark.parametrize(
    "url",
    [
        "huddle.example",
        "ftp://huddle.example",
        "https://",
        "https://huddle.example:port",
        "https://huddle.example:0",
        "https://user:password@huddle.example",
        "https://huddle.example/j#secret",
        "https://huddle.example/?room=1",
        "https://[::1",
    ],
)
def test_a_url_that_can_not_be_used_is_an_error_that_does_not_repeat_it(url: str) -> None:
    with pytest.raises(LocalError, match="URL") as caught:
        websocket_url(url, "/v1/x")
    assert "secret" not in str(caught.value)


def test_the_host_is_named_for_people() -> None:
    assert host_of("https://huddle.example:8443/path") == "huddle.example:8443"


async def test_a_certificate_must_be_trusted_and_ssl_cert_file_says_which_is(
    certificate: tuple[Path, Path], room: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with RendezvousServer(ServerConfig(certificate=certificate[0], key=certificate[1])) as server:
        assert server.scheme == "https"
        url = f"https://127.0.0.1:{server.port}"
        with pytest.raises(RendezvousError, match="certificate is not trusted") as caught:
            await RoomClient(url, room, create=True, patience=30).__aenter__()
        assert "SSL_CERT_FILE" in caught.value.hint
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
        async with RoomClient(url, room, create=True) as client:
            assert await client.append(b"over TLS") == 0
            assert await anext(client) == (0, b"over TLS")


async def test_tls_where_there_is_none_is_said(room: bytes) -> None:
    async with RendezvousServer(ServerConfig()) as server:
        with pytest.raises(RendezvousError, match="TLS"):
            await RoomClient(f"https://127.0.0.1:{server.port}", room, patience=3).__aenter__()


async def test_a_proxy_of_a_kind_that_is_not_installed_is_said(
    room: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "python_socks", None)
    monkeypatch.setenv("ws_proxy", "socks5://127.0.0.1:1")
    monkeypatch.setenv("all_proxy", "socks5://127.0.0.1:1")
    monkeypatch.setenv("socks_proxy", "socks5://127.0.0.1:1")
    with pytest.raises(LocalError, match="SOCKS") as caught:
        await RoomClient("http://192.0.2.1:9", room, patience=30).__aenter__()
    assert "python-socks" in caught.value.hint


async def test_a_proxy_is_not_asked_for_this_machine(room: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "ws_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with RendezvousServer(ServerConfig()) as server:
        async with RoomClient(f"http://127.0.0.1:{server.port}", room, create=True) as client:
            assert await client.append(b"record") == 0


async def test_a_closing_that_is_cancelled_leaves_no_connection() -> None:
    done = asyncio.Event()

    async def deaf(socket: ServerConnection) -> None:
        socket.transport.pause_reading()
        await socket.send(b"go")
        await done.wait()
        socket.transport.abort()

    async with serve(deaf, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        connection = await reach(f"ws://127.0.0.1:{port}/", within=5)
        await connection.recv()
        closing = asyncio.create_task(connection.close())
        await asyncio.wait({closing}, timeout=0.1)
        assert not closing.done()
        await cancel(closing)
        assert connection.transport.is_closing()
        done.set()
