"""Pages of other people's, and names of other people's, before the rendezvous."""

from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from huddle.rendezvous.limits import ServerLimits
from huddle.rendezvous.server.server import RendezvousServer, ServerConfig
from tests.unit.rendezvous.server.test_sockets import answer_to


async def opens(server: RendezvousServer, host: str, origin: str | None) -> int:
    """The status with which a WebSocket is answered."""
    headers = {"Host": host.format(port=server.port)}
    if origin is not None:
        headers["Origin"] = origin.format(port=server.port)
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    answer = await answer_to(
        server,
        f"GET /v1/ice HTTP/1.1\r\n{lines}Upgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode(),
        until=b"\r\n",
    )
    return int(answer.split()[1])


@pytest.mark.parametrize(
    ("host", "origin", "status"),
    [
        ("127.0.0.1:{port}", None, 101),
        ("127.0.0.1:{port}", "http://127.0.0.1:{port}", 101),
        ("localhost:{port}", "http://localhost:{port}", 101),
        ("Huddle.Example:{port}", "http://huddle.example:{port}", 101),
        ("127.0.0.1:{port}", "https://huddle.example", 101),  # a proxy before it has passed on another Host
        ("127.0.0.1:{port}", "http://127.0.0.1:1", 101),  # of the reader's own machine
        ("127.0.0.1:{port}", "http://10.0.0.1:{port}", 403),
        ("127.0.0.1:{port}", "http://localhost:{port}", 101),
        ("127.0.0.1:{port}", "http://localhost.evil.example", 403),
        ("127.0.0.1:{port}", "https://evil.example", 403),
        ("127.0.0.1:{port}", "null", 403),
        ("127.0.0.1:{port}", "", 101),
        ("evil.example:{port}", "http://evil.example:{port}", 421),
        ("evil.example:{port}", None, 421),
        ("127.0.0.1.evil.example", None, 421),
        ("huddle.example@evil.example", None, 421),
    ],
)
async def test_only_its_own_pages_under_its_own_names(host: str, origin: str | None, status: int) -> None:
    async with RendezvousServer(ServerConfig(names=("huddle.example",))) as server:
        found = await opens(server, host, origin)
        # A WebSocket has no status but this one before it is open: both refusals are 403 there.
        assert found == (403 if status == 421 else status)


async def test_a_page_under_a_name_that_is_not_the_server_s_reads_nothing() -> None:
    async with RendezvousServer(ServerConfig()) as server:
        for name, status in (("evil.example", 421), ("127.0.0.1", 200), ("[::1]", 200), ("localhost", 200)):
            answer = await answer_to(server, f"GET /metrics HTTP/1.1\r\nHost: {name}\r\n\r\n".encode())
            assert answer.startswith(f"HTTP/1.1 {status}".encode()), name
        twice = await answer_to(server, b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n")
        assert twice.startswith(b"HTTP/1.1 4")


async def test_behind_a_proxy_any_name_may_be_right_unless_one_is_told() -> None:
    for names, status in (((), 200), (("huddle.example",), 421)):
        config = ServerConfig(trusted_proxies=("127.0.0.1",), names=names)
        async with RendezvousServer(config) as server:
            answer = await answer_to(server, b"GET /healthz HTTP/1.1\r\nHost: other.example\r\n\r\n")
            assert answer.startswith(f"HTTP/1.1 {status}".encode())


async def test_http_has_a_rate_and_websockets_have_their_own() -> None:
    async with RendezvousServer(ServerConfig(limits=ServerLimits(requests_per_minute=3))) as server:
        ask = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        answers = [await answer_to(server, ask) for _ in range(4)]
        assert [answer.split()[1] for answer in answers] == [b"200"] * 3 + [b"429"]
        assert b"retry-after: 20" in answers[3].lower()
        url = f"ws://127.0.0.1:{server.port}/v1/ice"
        async with connect(url, compression=None, proxy=None):
            pass


async def test_a_native_client_sends_no_origin_and_a_browser_s_is_told_by_403() -> None:
    options: dict[str, Any] = {"compression": None, "proxy": None}
    async with RendezvousServer(ServerConfig()) as server:
        url = f"ws://127.0.0.1:{server.port}/v1/ice"
        async with connect(url, **options):
            pass
        with pytest.raises(InvalidStatus, match="403"):
            await connect(url, origin="https://evil.example", **options)  # type: ignore[arg-type]


async def test_a_page_that_its_owner_named_may_use_it_and_no_other() -> None:
    async with RendezvousServer(ServerConfig(pages=("http://10.0.0.1:8080/",))) as server:
        near = "127.0.0.1:{port}"
        assert await opens(server, near, "http://10.0.0.1:8080") == 101
        assert await opens(server, near, "http://10.0.0.1:8081") == 403
