"""The app around rooms and relay: page, metrics, log, and clients that send anything at all."""

import asyncio
import logging
import secrets
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from huddle.rendezvous.limits import ServerLimits
from huddle.rendezvous.messages import Allocate, Append, Delete, LookUp, Open, Opened, Refused, pack
from huddle.rendezvous.server.server import RendezvousServer, ServerConfig

CLIENT = b"c" * 16


async def get(server: Any, path: str, header: str = "") -> tuple[int, dict[str, str], str]:
    """One HTTP request: status, headers, body."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{header}Connection: close\r\n\r\n".encode())
    head, _, body = (await reader.read()).decode().partition("\r\n\r\n")
    writer.close()
    await writer.wait_closed()
    status, *lines = head.split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    return int(status.split()[1]), headers, body


async def test_health(serve: Any) -> None:
    assert (await get(await serve(), "/healthz"))[::2] == (200, "ok\n")


@pytest.mark.parametrize("path", ["/", "/j"])
async def test_without_the_built_page_it_says_so_and_has_a_strict_policy(serve: Any, path: str) -> None:
    status, headers, body = await get(await serve(), path)
    assert status == 200
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "script" not in body
    assert "src=" not in body
    assert headers["referrer-policy"] == "no-referrer"
    assert ("huddle join" in body) == (path == "/j")
    assert "no page with which a browser takes part" in body


async def test_nothing_of_the_request_is_on_a_page(serve: Any) -> None:
    server = await serve()
    for path in ("/j?marker-text", "/marker-text"):
        _, _, body = await get(server, path, "X-Marker: marker-text\r\n")
        assert "marker-text" not in body


async def test_metrics_count_and_name_nobody(serve: Any, dial: Any, room: bytes, room_path: str) -> None:
    server = await serve()
    one = await dial(server, room_path)
    await one.enter(create=True)
    await one.send(Append(0, b"a record"))
    await one.entries(2)
    _, headers, body = await get(server, "/metrics")
    assert headers["content-type"].startswith("text/plain")
    lines = dict(line.rsplit(" ", 1) for line in body.splitlines() if not line.startswith("#"))
    assert lines["huddle_records_total"] == "1.0"
    assert lines["huddle_record_bytes_total"] == "8.0"
    assert lines['huddle_connections{kind="room"}'] == "1.0"
    assert room.hex() not in body
    assert "127.0.0.1" not in body


async def test_a_newer_client_is_told_which_version_this_is(serve: Any, dial: Any) -> None:
    bare = await dial(await serve(), "/v3/rooms/1234")
    refused = await bare.receive()
    assert (refused.code, "older version" in refused.text) == ("version", True)


@pytest.mark.parametrize("known", ["/v2/rooms/1234", "/v1/nameplates", "/v1/relay/12?side=a", "/v1/ice"])
async def test_a_url_with_a_path_that_is_not_there_is_named(serve: Any, dial: Any, known: str) -> None:
    refused = await (await dial(await serve(), f"/huddle{known}")).receive()
    assert refused.code == "path" and "not at the path /huddle." in refused.text
    assert "Leave /huddle out" in refused.hint


async def test_connections_are_limited_by_address_and_in_all(serve: Any, dial: Any) -> None:
    for limits, code in (
        ({"connections_per_address": 1}, "connections-per-address"),
        ({"connections": 1}, "connections"),
        ({"opens_per_minute": 1}, "opens-per-minute"),
    ):
        server = await serve(**limits)
        first = await dial(server, f"/v2/rooms/{secrets.token_hex(16)}")
        await first.enter(create=True)
        second = await dial(server, f"/v2/rooms/{secrets.token_hex(16)}")
        refused = await second.receive()
        assert (refused.code, refused.retry > 0) == (code, True)


async def test_addresses_that_use_nothing_are_forgotten(serve: Any, dial: Any, clock: Any) -> None:
    server = await serve(sweep=3600.0)
    rendezvous = server._server.config.app.state.rendezvous
    bare = await dial(server, "/v1/nameplates")
    await bare.send(LookUp(1))
    await bare.receive()
    await bare.socket.wait_closed()
    for _ in range(500):
        if not rendezvous.door._open.total():
            break
        await asyncio.sleep(0.01)
    clock.now += 60
    rendezvous.sweep()
    assert not len(rendezvous.door.quotas)


@pytest.mark.parametrize("shown", [False, True])
async def test_the_log_holds_no_secrets_and_addresses_only_if_asked(
    serve: Any, dial: Any, room: bytes, room_path: str, caplog: pytest.LogCaptureFixture, shown: bool
) -> None:
    caplog.set_level(logging.DEBUG, logger="huddle")
    caplog.set_level(logging.DEBUG, logger="asyncio")
    server = await serve(log_addresses=shown)
    one = await dial(server, room_path)
    await one.enter(create=True, owner=b"h" * 32)
    await one.send(Append(0, b"a record to hide"))
    await one.entries(2)
    await one.send(Append(0, b"another record to hide"))
    assert (await one.receive()).code == "sequence-taken"
    two = await dial(server, f"{room_path}00")
    assert (await two.receive()).code == "malformed"
    relay = await dial(server, f"/v1/relay/{room.hex()}?side=a")
    await relay.socket.send(b"a record to hide")
    await relay.receive()
    text = "\n".join(
        record.getMessage() + str(record.args)
        for record in caplog.records
        if record.name != "websockets.client"
    )
    assert "refused" in text
    assert "sequence-taken" in text
    for secret in (room.hex(), repr(room), "to hide", CLIENT.hex(), "/v1/", "/v2/"):
        assert secret not in text
    assert ("127.0.0.1" in text) == shown


async def test_a_mistake_of_the_server_ends_one_connection_and_tells_the_log_where(
    serve: Any, dial: Any, room_path: str, caplog: pytest.LogCaptureFixture
) -> None:
    server = await serve()
    rendezvous = server._server.config.app.state.rendezvous
    one = await dial(server, room_path)
    await one.enter(create=True)

    def fail(*args: object, **options: object) -> None:
        raise ValueError(f"with a secret: {args}")

    rendezvous.store.append, keep = fail, rendezvous.store.append
    await one.send(Append(0, b"a record to hide"))
    refused = await one.receive()
    assert (refused.code, refused.retry) == ("internal", 1)
    rendezvous.store.append = keep
    assert "ValueError in fail" in caplog.text
    assert "hide" not in caplog.text
    assert (await (await dial(server, room_path)).enter()).count == 0


MESSAGES = st.one_of(
    st.binary(max_size=80),
    st.builds(
        pack,
        st.builds(Open, st.integers(0, 2), st.booleans(), st.none(), st.integers(0, 99_999), st.just(CLIENT)),
    ),
    st.builds(pack, st.builds(Append, st.integers(0, 3), st.binary(max_size=20))),
    st.just(pack(Delete(b"k" * 32))),
    st.just(pack(Allocate(b"k" * 32))),
    st.just(pack(LookUp(4821))),
    st.text(max_size=20),
)
PATHS = st.sampled_from(
    [
        f"/v2/rooms/{'0' * 32}",
        "/v1/nameplates",
        f"/v1/relay/{'0' * 32}?side=a",
        f"/v1/relay/{'0' * 32}?side=b",
    ]
)


def test_whatever_clients_send_the_server_serves_on() -> None:
    async def talk(base: str, path: str, messages: list[bytes | str]) -> None:
        async with connect(base + path, compression=None, proxy=None, close_timeout=1) as socket:
            try:
                for message in messages:
                    await socket.send(message)
            except ConnectionClosed:
                pass

    async def serves(base: str) -> None:
        async with connect(
            f"{base}/v2/rooms/{secrets.token_hex(16)}", compression=None, proxy=None
        ) as socket:
            await socket.send(pack(Open(0, True, None, 1, CLIENT)))
            assert (await socket.recv())[0] == Opened.type

    with asyncio.Runner() as runner:
        server = RendezvousServer(ServerConfig(limits=ServerLimits(rooms_per_address=1000, sweep=0.1)))
        runner.run(server.start())
        base = f"ws://127.0.0.1:{server.port}"

        @settings(max_examples=150)
        @given(st.lists(st.tuples(PATHS, st.lists(MESSAGES, max_size=6)), min_size=1, max_size=4))
        def check(talks: list[tuple[str, list[bytes | str]]]) -> None:
            async def main() -> None:
                await asyncio.gather(*[talk(base, path, messages) for path, messages in talks])
                await serves(base)

            runner.run(main())

        check()
        metrics = server._server.config.app.state.rendezvous.metrics  # type: ignore[union-attr]
        assert metrics.registry.get_sample_value("huddle_internal_errors_total") == 0
        runner.run(server.stop())


def test_bytes_that_are_no_http_and_no_websocket_crash_nothing() -> None:
    upgrade = (
        f"GET /v2/rooms/{'0' * 32} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    ).encode()

    with asyncio.Runner() as runner:
        server = RendezvousServer(ServerConfig())
        runner.run(server.start())

        @settings(max_examples=150)
        @given(st.lists(st.binary(max_size=200), min_size=1, max_size=5), st.booleans())
        def check(pieces: list[bytes], upgraded: bool) -> None:
            async def main() -> None:
                reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
                if upgraded:
                    writer.write(upgrade)
                    await reader.readuntil(b"\r\n\r\n")
                for piece in pieces:
                    writer.write(piece)
                writer.close()
                assert (await get(server, "/healthz"))[0] == 200

            runner.run(main())

        check()
        metrics = server._server.config.app.state.rendezvous.metrics  # type: ignore[union-attr]
        assert metrics.registry.get_sample_value("huddle_internal_errors_total") == 0
        runner.run(server.stop())


def test_refusals_fit_their_message() -> None:
    assert len(pack(Refused("c" * 64, "t" * 1024, "h" * 1024, 2**32 - 1))) < 4096
