"""Listening and stopping, and clients that read nothing or flood."""

import asyncio
import contextlib
import secrets
import socket
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from huddle.errors import LocalError
from huddle.rendezvous.limits import ServerLimits
from huddle.rendezvous.messages import Open, pack
from huddle.rendezvous.server.server import RendezvousServer, ServerConfig


async def test_several_addresses_share_the_port_that_was_free() -> None:
    async with RendezvousServer(ServerConfig(hosts=("127.0.0.1", "127.0.0.2"))) as server:
        assert server.port
        for host in ("127.0.0.1", "127.0.0.2"):
            _, writer = await asyncio.open_connection(host, server.port)
            writer.close()
            await writer.wait_closed()


async def test_no_name_means_ipv4_and_ipv6() -> None:
    async with RendezvousServer(ServerConfig(hosts=("",))) as server:
        for host in ("127.0.0.1", "::1") if socket.has_ipv6 else ("127.0.0.1",):
            _, writer = await asyncio.open_connection(host, server.port)
            writer.close()
            await writer.wait_closed()


async def test_a_port_in_use_is_an_error_with_a_way_out() -> None:
    async with RendezvousServer(ServerConfig()) as server:
        with pytest.raises(LocalError, match=f"port {server.port}") as caught:
            await RendezvousServer(ServerConfig(port=server.port)).start()
        assert "another port" in caught.value.hint


async def test_a_host_or_certificate_that_can_not_be_used_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match="can't listen on"):
        await RendezvousServer(ServerConfig(hosts=("192.0.2.300",))).start()
    with pytest.raises(LocalError, match="certificate"):
        await RendezvousServer(ServerConfig(certificate=tmp_path / "missing.pem")).start()


async def test_a_store_that_can_not_be_used_leaves_the_port_free(tmp_path: Path) -> None:
    server = RendezvousServer(ServerConfig(database=tmp_path / "missing" / "rooms.db"))
    with pytest.raises(LocalError, match="rooms"):
        await server.start()
    async with RendezvousServer(ServerConfig(port=server.port)):
        pass


async def test_it_stops_whatever_its_clients_do(tmp_path: Path) -> None:
    server = RendezvousServer(ServerConfig())
    await server.start()
    url = f"ws://127.0.0.1:{server.port}"
    options: dict[str, Any] = {"compression": None, "proxy": None, "close_timeout": 1}
    idle = await connect(f"{url}/v2/rooms/{'0' * 32}", **options)
    await idle.send(pack(Open(0, True, None, 0, b"c" * 16)))
    channel = f"{url}/v1/relay/{'0' * 32}?side="
    a, b = await connect(channel + "a", **options), await connect(channel + "b", **options)
    await a.recv()
    await b.recv()
    b.transport.pause_reading()

    async def send_much() -> None:
        for _ in range(1000):
            await a.send(bytes(200_000))

    flood = asyncio.create_task(send_much())
    unasked = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(3)]
    done, _ = await asyncio.wait((flood,), timeout=0.2)
    assert not done
    async with asyncio.timeout(20):
        await server.stop()
    b.transport.abort()
    for _, writer in unasked:
        writer.close()
    await asyncio.gather(flood, idle.close(), a.close(), b.close(), return_exceptions=True)
    await server.stop()  # a second time does nothing
    async with RendezvousServer(ServerConfig(port=server.port)):
        pass


async def test_signals_stay_with_whoever_owns_the_loop() -> None:
    import signal

    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    async with RendezvousServer(ServerConfig()):
        assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


async def test_a_client_that_never_asks_is_dropped() -> None:
    async with RendezvousServer(ServerConfig(limits=ServerLimits(first_message=0.05))) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"GET / HT")
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await reader.readexactly(1)
        writer.close()


@pytest.mark.parametrize("trusted", [True, False])
async def test_forwarded_addresses_are_believed_from_trusted_proxies_only(trusted: bool) -> None:
    config = ServerConfig(
        limits=ServerLimits(connections_per_address=1), trusted_proxies=("127.0.0.1",) if trusted else ()
    )
    async with RendezvousServer(config) as server:
        sockets = [
            await connect(
                f"ws://127.0.0.1:{server.port}/v2/rooms/{secrets.token_hex(16)}",
                additional_headers={"X-Forwarded-For": f"203.0.113.{number}"},
                compression=None,
                proxy=None,
            )
            for number in range(2)
        ]
        for client in sockets:
            with contextlib.suppress(ConnectionClosed):
                await client.send(pack(Open(0, True, None, 0, b"c" * 16)))
        codes = [(await client.recv())[0] for client in sockets]
        assert codes == ([32, 32] if trusted else [32, 37])
        for client in sockets:
            await client.close()


async def test_pings_of_a_client_that_reads_nothing_are_not_stored_up() -> None:
    async with RendezvousServer(ServerConfig(limits=ServerLimits(stall=0.3))) as server:
        client = await connect(
            f"ws://127.0.0.1:{server.port}/v2/rooms/{'0' * 32}",
            compression=None,
            proxy=None,
            ping_interval=None,
        )
        await client.send(pack(Open(0, True, None, 0, b"c" * 16)))
        client.transport.pause_reading()
        with pytest.raises((ConnectionClosed, OSError)):
            for number in range(200_000):
                await client.ping(b"%0125d" % number)
        connections = server._server.server_state.connections  # type: ignore[union-attr]
        assert all(one.transport.get_write_buffer_size() < 1_000_000 for one in connections)
        client.transport.abort()
        await client.wait_closed()


async def test_a_chunk_full_of_empty_messages_is_cut_off() -> None:
    async with RendezvousServer(ServerConfig()) as server:
        channel = f"ws://127.0.0.1:{server.port}/v1/relay/{'0' * 32}?side="
        a, b = [await connect(channel + side, compression=None, proxy=None) for side in "ab"]
        await a.recv()
        await b.recv()
        b.transport.pause_reading()
        a.transport.write(b"\x82\x80\0\0\0\0" * 1_000_000)
        with pytest.raises(ConnectionClosed):
            async with asyncio.timeout(5):  # far less than the stall of the other side
                await a.recv()
        assert a.close_code == 1006
        b.transport.abort()
        await b.wait_closed()


async def test_empty_fragments_without_end_are_cut_off() -> None:
    async with RendezvousServer(ServerConfig()) as server:
        client = await connect(
            f"ws://127.0.0.1:{server.port}/v2/rooms/{'0' * 32}", compression=None, proxy=None
        )
        with pytest.raises((ConnectionClosed, OSError)):
            await client.send(iter([b""] * 10_000))
            await client.recv()
        await client.close()
