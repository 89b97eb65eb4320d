"""Holders of an invitation, with any number of connections and addresses, against the room of others."""

import asyncio
import hashlib
import secrets
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from huddle.rendezvous.limits import ClientRefused, ServerLimits
from huddle.rendezvous.messages import Admit, Append, Appended, Open, Opened, Refused
from huddle.rendezvous.server.quotas import Quotas
from huddle.rendezvous.server.store import Store
from huddle.rendezvous.server.writers import Writers

OWNER = hashlib.sha256(b"k" * 32).digest()
ROOM = b"r" * 16


class Strangers:
    """A room with an owner, and what strangers get into it."""

    def __init__(self) -> None:
        self.limits = ServerLimits()
        self.store = Store()
        self.store.create(ROOM, OWNER, 100.0)
        self.writers = Writers(self.store, self.limits)
        self.quotas = Quotas(self.limits)

    def write(self, client: bytes, size: int = 100, host: str = "192.0.2.1") -> str:
        """Write a record; the code of the refusal, or nothing."""
        room = self.store.room(ROOM, 0.0)
        assert room is not None
        quota = self.quotas.of(host, 0.0)
        try:
            knock = self.writers.check(room, client, size, quota)
        except ClientRefused as refusal:
            return refusal.answer.code
        self.store.append(room, client, self.store.written(ROOM, client)[0], bytes(size), knock=knock)
        if knock:
            self.writers.knocked(ROOM, quota)
        return ""

    def admit(self, index: int) -> None:
        room = self.store.room(ROOM, 0.0)
        assert room is not None
        self.writers.admit(room, index)


@pytest.fixture
def strangers() -> Iterator[Callable[[], Strangers]]:
    made: list[Strangers] = []

    def make() -> Strangers:
        made.append(Strangers())
        return made[-1]

    yield make
    for one in made:
        one.store.close()


def client(number: int) -> bytes:
    return number.to_bytes(16, "big")


def test_one_client_knocks_a_few_times(strangers: Callable[[], Strangers]) -> None:
    room = strangers()
    assert [room.write(client(1)) for _ in range(17)] == [""] * 16 + ["client-knocks"]
    assert room.write(client(2), size=4_097) == "knock-bytes"
    assert room.write(client(2), size=4_096) == ""


def test_one_address_with_many_connections_leaves_room_for_others(strangers: Callable[[], Strangers]) -> None:
    room = strangers()
    codes = [room.write(client(number)) for number in range(1_000)]
    assert codes == [""] * 240 + ["address-knocks"] * 760
    assert room.write(client(5_000), host="192.0.2.2") == ""


def test_a_site_with_65536_networks_leaves_room_for_others(strangers: Callable[[], Strangers]) -> None:
    room = strangers()
    codes = [room.write(client(number), host=f"2001:db8:7:{number:x}::1") for number in range(3_000)]
    assert codes.count("") == 4 * 240
    assert room.write(client(5_000), host="192.0.2.2") == ""


def test_any_number_of_addresses_leaves_room_for_whoever_was_let_in(
    strangers: Callable[[], Strangers],
) -> None:
    room = strangers()
    assert room.write(client(0), host="192.0.2.2") == ""
    hosts = {number: f"10.1.{number >> 8}.{number & 255}" for number in range(1, 5_000)}
    codes = [room.write(client(number), host=host) for number, host in hosts.items()]
    assert codes.count("") == 1_023 and codes[-1] == "room-knocks"
    assert room.write(client(0), host="192.0.2.2") == "room-knocks"
    room.admit(0)
    assert room.write(client(0), size=100_000, host="192.0.2.2") == ""


def test_what_all_may_write_together_fits_into_a_room() -> None:
    limits = ServerLimits()
    members, host = 31 * limits.member_records, 8 * 40
    assert limits.room_knocks + members + host <= limits.room_records


def test_who_was_let_in_can_not_fill_the_room_either(strangers: Callable[[], Strangers]) -> None:
    room = strangers()
    assert room.write(client(1)) == ""
    room.admit(0)
    codes = [room.write(client(1)) for _ in range(100)]
    assert codes == [""] * 63 + ["member-records"] * 37
    assert room.write(client(2)) == ""
    room.admit(64)
    assert [room.write(client(2), 190_000) for _ in range(23)][-2:] == ["", "member-records"]


async def enter(serve: Any, dial: Any, path: str, **limits: int) -> tuple[Any, Any, Any]:
    server = await serve(**limits)
    host = await dial(server, path)
    await host.enter(create=True, owner=OWNER)
    guest = await dial(server, path)
    await guest.enter()
    return server, host, guest


async def confirmed(bare: Any) -> Any:
    while not isinstance(answer := await bare.receive(), Appended | Refused):
        pass
    return answer


async def test_the_maker_admits_whoever_wrote_a_record(serve: Any, dial: Any, room_path: str) -> None:
    _, host, guest = await enter(serve, dial, room_path, client_knocks=1)
    await guest.send(Append(0, b"hello"))
    index = (await confirmed(guest)).index
    await host.send(Admit(index))
    await host.send(Append(0, b"proposal"))
    assert isinstance(await confirmed(host), Appended)
    for sequence in (1, 2):
        await guest.send(Append(sequence, b"x" * 50_000))
        assert isinstance(await confirmed(guest), Appended)


async def test_nobody_else_admits_anybody(serve: Any, dial: Any, room_path: str) -> None:
    _, _, guest = await enter(serve, dial, room_path)
    await guest.send(Append(0, b"hello"))
    await confirmed(guest)
    await guest.send(Admit(0))
    refused = await confirmed(guest)
    assert isinstance(refused, Refused) and refused.code == "not-owner"


async def test_a_client_that_was_admitted_is_so_after_a_restart(
    serve: Any, dial: Any, room_path: str, tmp_path: Any
) -> None:
    database = tmp_path / "rooms.db"
    server = await serve(database=database)
    host, guest, name = await dial(server, room_path), await dial(server, room_path), secrets.token_bytes(16)
    await host.enter(create=True, owner=OWNER)
    await guest.enter(client=name)
    await guest.send(Append(0, b"hello"))
    await confirmed(guest)
    await host.send(Admit(0))
    await host.send(Append(0, b"after it"))
    await confirmed(host)
    await server.stop()
    again = await dial(await serve(database=database), room_path)
    await again.enter(client=name)
    await again.send(Append(1, b"x" * 50_000))
    assert isinstance(await confirmed(again), Appended)


@pytest.mark.parametrize("database", [False, True])
async def test_strangers_connections_keep_neither_the_maker_nor_who_takes_part_out(
    serve: Any, dial: Any, room_path: str, tmp_path: Any, database: bool
) -> None:
    limits = {"room_connections": 8, "room_strangers": 4, "strangers_per_address": 3}
    server = await serve(database=tmp_path / "rooms.db" if database else None, **limits)
    host, guest, name = await dial(server, room_path), await dial(server, room_path), secrets.token_bytes(16)
    await host.enter(create=True, owner=OWNER)
    await guest.enter(client=name)
    await guest.send(Append(0, b"hello"))
    await confirmed(guest)
    await host.send(Admit(0))
    await host.send(Append(0, b"after it"))
    await confirmed(host)
    strangers = [await dial(server, room_path) for _ in range(6)]
    inside = []
    for stranger in strangers:
        await stranger.send(Open(0, False, None, 0, secrets.token_bytes(16)))
        inside.append(await stranger.receive())
    assert sum(isinstance(answer, Opened) for answer in inside) == 3
    assert {answer.code for answer in inside if isinstance(answer, Refused)} == {"room-connections"}
    for who in ({"owner": OWNER}, {"client": name}):
        comes_again = await dial(server, room_path)
        assert (await comes_again.enter(**who)).count == 2


async def test_the_same_client_again_replaces_its_old_connection(
    serve: Any, dial: Any, room_path: str
) -> None:
    server, _, _ = await enter(serve, dial, room_path)
    name = secrets.token_bytes(16)
    first, second = await dial(server, room_path), await dial(server, room_path)
    await first.enter(client=name)
    await second.enter(client=name)
    async with asyncio.timeout(5):
        await first.socket.wait_closed()
    assert first.socket.close_code == 4003
