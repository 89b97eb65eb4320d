"""The client of a room: cuts, restarts, refusals, and rendezvous that lie or are not there."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection
from websockets.asyncio.server import serve as websocket_server

from huddle.errors import LocalError, RendezvousError
from huddle.rendezvous.client.nameplates import allocate, look_up
from huddle.rendezvous.client.room import RoomClient, RoomGone, RoomState
from huddle.rendezvous.messages import (
    MAX_RECORD,
    Appended,
    Entry,
    Gone,
    Message,
    Open,
    Opened,
    Paired,
    Refused,
    pack,
    unpack,
)
from tests.ports import free_port

KEY = b"k" * 32


def url_of(server: Any) -> str:
    return f"http://127.0.0.1:{server.port}"


async def read(client: RoomClient, count: int) -> list[tuple[int, bytes]]:
    return [await anext(client) for _ in range(count)]


class Cutter:
    """A TCP relay in front of a rendezvous, which cuts every connection after so many bytes."""

    def __init__(self, port: int, after: list[int]) -> None:
        self.port = 0
        self.cuts = 0
        self._to = port
        self._after = after
        self._tasks: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def run(self) -> AsyncIterator["Cutter"]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        out_reader, out_writer = await asyncio.open_connection("127.0.0.1", self._to)
        budget = [self._after.pop(0) if self._after else 1 << 60]

        async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            while (data := await source.read(512)) and budget[0] > 0:
                budget[0] -= len(data)
                if budget[0] <= 0:
                    self.cuts += 1
                sink.write(data[: budget[0]] if budget[0] < 0 else data)

        pumps = [asyncio.create_task(pump(reader, out_writer)), asyncio.create_task(pump(out_reader, writer))]
        self._tasks.update(pumps)
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        for pumping in pumps:
            pumping.cancel()
        writer.transport.abort()
        out_writer.transport.abort()


async def test_parties_read_what_all_of_them_append(serve: Any, room: bytes) -> None:
    url = url_of(await serve())
    async with RoomClient(url, room, create=True) as one, RoomClient(url, room) as two:
        assert await one.append(b"first") == 0
        assert await two.append(b"second") == 1
        expected = [(0, b"first"), (1, b"second")]
        assert await read(one, 2) == expected
        assert await read(two, 2) == expected
        async with RoomClient(url, room, first=1) as late:
            assert await read(late, 1) == expected[1:]


async def test_cut_again_and_again_it_misses_nothing_and_appends_nothing_twice(
    serve: Any, room: bytes
) -> None:
    server = await serve()
    records = [b"%03d" % number + secrets.token_bytes(200) for number in range(60)]
    cutter = Cutter(server.port, [700, 1500, 2200, 900, 4000, 3000, 5000, 8000])
    async with RoomClient(url_of(server), room, create=True) as reader, cutter.run():
        async with RoomClient(f"http://127.0.0.1:{cutter.port}", room) as writer:
            indexes = await asyncio.gather(*[writer.append(record) for record in records])
            expected = list(enumerate(records))
            assert indexes == list(range(60))
            assert await read(writer, 60) == expected
            assert await read(reader, 60) == expected
            assert await writer.append(b"last") == 60
    assert cutter.cuts >= 5


async def test_a_restart_of_the_rendezvous_in_mid_session_is_survived(
    serve: Any, room: bytes, tmp_path: Path
) -> None:
    database = tmp_path / "rooms.db"
    server = await serve(database=database)
    async with (
        RoomClient(url_of(server), room, create=True, owner_key=KEY) as one,
        RoomClient(url_of(server), room) as two,
    ):
        await one.append(b"before")
        assert await read(two, 1) == [(0, b"before")]
        plate = await allocate(url_of(server), owner_key=KEY)
        await server.stop()
        meanwhile = one.append(b"meanwhile")
        await serve(database=database, port=server.port)
        assert await meanwhile == 1
        assert await two.append(b"after") == 2
        assert await read(two, 2) == [(1, b"meanwhile"), (2, b"after")]
        assert (await look_up(url_of(server), plate.number)).room == plate.room
        await one.delete()
        with pytest.raises(RendezvousError, match="host has ended"):
            await anext(two)


async def test_a_restart_without_a_database_is_told_as_what_it_is(serve: Any, room: bytes) -> None:
    server = await serve()
    async with RoomClient(url_of(server), room, create=True) as one:
        waiting = asyncio.ensure_future(anext(one))
        await asyncio.sleep(0)
        await server.stop()
        await serve(port=server.port)
        with pytest.raises(RoomGone, match="it was restarted") as caught:
            await waiting
        assert caught.value.reason == "restarted"
        with pytest.raises(RendezvousError, match="it was restarted"):
            await one.append(b"late")
        with pytest.raises(RoomGone, match="has ended or expired, or the rendezvous was restarted") as caught:
            async with RoomClient(one.url, room):
                pass
        assert caught.value.hint == "Ask the host for a new invitation."


async def test_states_are_told(serve: Any, room: bytes, clock: Any) -> None:
    server = await serve()
    states: list[RoomState] = []
    async with RoomClient(url_of(server), room, create=True, on_state=states.append, lifetime=60) as one:
        await one.append(b"record")
        clock.now += 61
        await anext(one)
        with pytest.raises(RendezvousError, match="expired"):
            await anext(one)
    assert states[0].connected
    assert states[0].expires
    assert 1 in [state.present for state in states]
    assert (states[-1].connected, states[-1].reason) == (False, "The invitation has expired.")


async def test_deletion_needs_the_key(serve: Any, room: bytes) -> None:
    url = url_of(await serve())
    async with RoomClient(url, room, create=True, owner_key=KEY) as one:
        async with RoomClient(url, room) as two:
            with pytest.raises(LocalError, match="key"):
                await two.delete()
        async with RoomClient(url, room, owner_key=b"x" * 32) as three:
            with pytest.raises(RendezvousError, match="Only whoever made"):
                await three.delete()
        await one.delete()
        with pytest.raises(RoomGone, match="host has ended") as caught:
            await one.append(b"late")
        assert caught.value.reason == "deleted" and caught.value.hint.startswith("Start again")
        await one.delete()
    with pytest.raises(RendezvousError, match="no such room"):
        async with RoomClient(url, room):
            pass


async def test_a_record_over_the_limit_is_not_even_sent(serve: Any, room: bytes) -> None:
    async with RoomClient(url_of(await serve()), room, create=True) as one:
        assert await one.append(bytes(MAX_RECORD)) == 0
        with pytest.raises(ValueError, match="at most"):
            one.append(bytes(MAX_RECORD + 1))


async def test_a_refusal_is_an_error_with_the_rendezvouss_reason(serve: Any, room: bytes) -> None:
    url = url_of(await serve(room_records=1))
    async with RoomClient(url, room, create=True) as one:
        await one.append(b"fits")
        with pytest.raises(RendezvousError, match="takes 1") as caught:
            await one.append(b"one too many")
        assert caught.value.hint


async def test_a_refusal_that_may_pass_is_waited_for(serve: Any, room: bytes, clock: Any) -> None:
    server = await serve(connections_per_address=1)
    url = url_of(server)
    async with RoomClient(url, room, create=True):
        with pytest.raises(RendezvousError, match="connections open"):
            async with RoomClient(url, room, patience=4):
                pass


async def test_a_rendezvous_that_is_not_there_is_named_with_what_to_check(room: bytes) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    for attempt in (RoomClient(url, room, patience=0.3).__aenter__(), look_up(url, 1234, patience=0.3)):
        with pytest.raises(RendezvousError, match="nothing listens there") as caught:
            await attempt
        assert url in caught.value.message
        assert "healthz" in caught.value.hint


async def test_one_that_comes_late_is_waited_for(serve: Any, room: bytes) -> None:
    port = free_port()
    entering = asyncio.create_task(RoomClient(f"http://127.0.0.1:{port}", room, create=True).__aenter__())
    done, _ = await asyncio.wait((entering,), timeout=0.15)
    assert not done
    await serve(port=port)
    await (await entering).close()


async def test_a_server_that_is_no_rendezvous_is_given_up_at_once(room: bytes) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        with pytest.raises(RendezvousError, match="HTTP 404"):
            await RoomClient(url, room, patience=30).__aenter__()


@asynccontextmanager
async def liar(*messages: Message | bytes | str) -> AsyncIterator[str]:
    """A rendezvous that says this to whoever opens a room, and then nothing."""

    async def talk(connection: ServerConnection) -> None:
        unpack(await connection.recv(decode=False), Open)
        for message in messages:
            await connection.send(message if isinstance(message, bytes | str) else pack(message))
        await connection.wait_closed()

    async with websocket_server(talk, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"


@pytest.mark.parametrize(
    "said",
    [
        [Entry(1, b"a gap")],
        [Entry(0, b"once"), Entry(0, b"twice")],
        [b"\x99nonsense"],
        [b""],
        ["text"],
        [Paired()],
        [Entry(number, bytes(MAX_RECORD)) for number in range(700)],
    ],
)
async def test_a_rendezvous_that_breaks_its_rules_is_found_out(room: bytes, said: list[Any]) -> None:
    async with liar(Opened(0, 60), *said) as url, RoomClient(url, room) as client:
        future = client.append(b"never confirmed")
        with pytest.raises(RendezvousError, match=r"^The rendezvous (served|serves|does not keep)"):
            await future


async def test_a_confirmation_of_nothing_changes_nothing(room: bytes) -> None:
    async with (
        liar(Opened(0, 60), Appended(9, 9), Entry(0, b"entry")) as url,
        RoomClient(url, room) as client,
    ):
        assert await anext(client) == (0, b"entry")


async def test_a_refusals_text_can_not_move_a_terminals_cursor(room: bytes) -> None:
    async with liar(Refused("code", "a\x1b[2Jb\nc", "hint\x07", 0)) as url:
        with pytest.raises(RendezvousError) as caught:
            await RoomClient(url, room).__aenter__()
    assert caught.value.message == "a?[2Jb?c"
    assert caught.value.hint == "hint?"


async def test_closing_gives_up_what_is_not_confirmed(room: bytes) -> None:
    async with liar(Opened(0, 60)) as url:
        client = await RoomClient(url, room).__aenter__()
        future = client.append(b"never confirmed")
        await client.close()
        with pytest.raises(LocalError, match="left"):
            await future
        with pytest.raises(LocalError, match="left"):
            await anext(client)


async def test_a_gone_room_is_told_after_the_entries_before_it(room: bytes) -> None:
    async with liar(Opened(1, 60), Entry(0, b"entry"), Gone("deleted")) as url:
        async with RoomClient(url, room) as client:
            with pytest.raises(RendezvousError, match="host has ended"):
                await client.append(b"late")
            assert await anext(client) == (0, b"entry")
            with pytest.raises(RendezvousError, match="host has ended"):
                await anext(client)


def test_appends_name_their_client_and_count(room: bytes) -> None:
    one, two = RoomClient("http://h", room), RoomClient("http://h", room)
    assert one._client != two._client
    assert len(one._client) == 16
