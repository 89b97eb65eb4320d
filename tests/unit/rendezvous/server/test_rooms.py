"""Rooms and nameplates on a real server: order, repetition, expiry, deletion and each limit."""

import hashlib
import secrets
import socket
from typing import Any

import pytest

from huddle.rendezvous.limits import ServerLimits
from huddle.rendezvous.messages import (
    Allocate,
    Append,
    Appended,
    Delete,
    Entry,
    Gone,
    LookUp,
    Nameplate,
    Open,
    Opened,
    Presence,
    Refused,
    pack,
)
from huddle.rendezvous.server.metrics import Metrics
from huddle.rendezvous.server.quotas import Quotas
from huddle.rendezvous.server.rooms import Rooms
from huddle.rendezvous.server.store import Store

CLIENT, KEY = b"c" * 16, b"k" * 32
OWNER = hashlib.sha256(KEY).digest()


async def append(bare: Any, sequence: int, record: bytes) -> list[Any]:
    """Append and take the confirmation and the entry, which come in either order."""
    await bare.send(Append(sequence, record))
    return sorted([await bare.receive(), await bare.receive()], key=lambda message: message.type)


async def test_everybody_gets_all_records_in_order_whenever_they_come(
    serve: Any, dial: Any, room_path: str
) -> None:
    server = await serve()
    first = await dial(server, room_path)
    assert (await first.enter(create=True)) == Opened(0, 7200)
    assert await append(first, 0, b"one") == [Entry(0, b"one"), Appended(0, 0)]
    second = await dial(server, room_path)
    assert (await second.enter()).count == 1
    assert await second.receive() == Entry(0, b"one")
    await second.send(Append(0, b"two"))
    assert await first.receive() == Entry(1, b"two")
    third = await dial(server, room_path)
    await third.enter(first=1)
    assert await third.receive() == Entry(1, b"two")


async def test_the_same_append_again_is_confirmed_and_adds_nothing(
    serve: Any, dial: Any, room_path: str
) -> None:
    server = await serve()
    first = await dial(server, room_path)
    await first.enter(create=True)
    await append(first, 0, b"one")
    await first.send(Append(0, b"one"))
    assert await first.receive() == Appended(0, 0)
    assert await append(first, 1, b"two") == [Entry(1, b"two"), Appended(1, 1)]
    await first.send(Append(0, b"another"))
    refused = await first.receive()
    assert isinstance(refused, Refused)
    assert refused.code == "sequence-taken"


async def test_a_room_expires_when_it_said(serve: Any, dial: Any, clock: Any, room_path: str) -> None:
    server = await serve()
    inside = await dial(server, room_path)
    await inside.send(Open(0, True, None, 60, CLIENT))
    assert await inside.receive() == Opened(0, 60)
    clock.now += 59
    assert (await append(inside, 0, b"in time"))[1] == Appended(0, 0)
    clock.now += 2
    assert await inside.receive() == Gone("expired")
    late = await dial(server, room_path)
    await late.send(Open(0, False, None, 0, CLIENT))
    assert await late.receive() == Gone("unknown")


async def test_an_expired_room_takes_nothing_even_before_it_is_swept(
    serve: Any, dial: Any, clock: Any, room_path: str
) -> None:
    server = await serve(sweep=3600.0)
    inside = await dial(server, room_path)
    await inside.enter(create=True)
    clock.now += 7201
    await inside.send(Append(0, b"late"))
    assert await inside.receive() == Gone("expired")
    again = await dial(server, room_path)
    assert (await again.enter(create=True)).count == 0


async def test_only_its_owner_deletes_a_room_and_for_all(serve: Any, dial: Any, room_path: str) -> None:
    server = await serve()
    owner, other = await dial(server, room_path), await dial(server, room_path)
    await owner.enter(create=True, owner=OWNER)
    await other.enter()
    await other.send(Delete(b"x" * 32))
    assert (await other.receive()).code == "not-owner"
    guest = await dial(server, room_path)
    await guest.enter()
    await owner.send(Delete(KEY))
    assert await owner.receive() == Gone("deleted")
    assert await guest.receive() == Gone("deleted")


async def test_a_room_without_an_owner_is_deleted_by_nobody(serve: Any, dial: Any, room_path: str) -> None:
    server = await serve()
    one = await dial(server, room_path)
    await one.enter(create=True)
    await one.send(Delete(KEY))
    assert (await one.receive()).code == "not-owner"


async def test_somebody_elses_room_is_not_taken_for_ones_own(serve: Any, dial: Any, room_path: str) -> None:
    server = await serve()
    one, same, other = [await dial(server, room_path) for _ in range(3)]
    await one.enter(create=True, owner=OWNER)
    await same.enter(create=True, owner=OWNER)
    await other.send(Open(0, True, b"o" * 32, 0, CLIENT))
    assert (await other.receive()).code == "room-taken"


async def test_who_has_seen_more_than_there_is_learns_that_it_was_lost(
    serve: Any, dial: Any, room_path: str
) -> None:
    server = await serve()
    one, two = await dial(server, room_path), await dial(server, room_path)
    await one.enter(create=True)
    await two.send(Open(1, False, None, 0, CLIENT))
    assert await two.receive() == Gone("lost")


async def test_presence_follows_who_comes_and_goes(serve: Any, dial: Any, room_path: str) -> None:
    server = await serve()
    one = await dial(server, room_path)
    await one.enter(create=True)
    assert await one.receive(presence=True) == Presence(1, maker=False)
    two = await dial(server, room_path)
    await two.enter()
    assert await one.receive(presence=True) == Presence(2, maker=False)
    await two.socket.close()
    assert await one.receive(presence=True) == Presence(1, maker=False)


@pytest.mark.parametrize(
    ("limits", "records", "code"),
    [
        ({"record_bytes": 3}, [b"fits", b""], "record-bytes"),
        ({"room_records": 2}, [b"1", b"2", b"3"], "room-records"),
        ({"room_bytes": 5}, [b"123", b"456"], "room-bytes"),
        ({"address_bytes": 5}, [b"123", b"456"], "address-bytes"),
        ({"total_bytes": 5}, [b"123", b"456"], "total-bytes"),
        ({"messages_per_minute": 2}, [b"1", b"2"], "messages-per-minute"),
    ],
)
async def test_an_append_over_a_limit_is_refused_by_its_name(
    serve: Any, dial: Any, room_path: str, limits: dict[str, int], records: list[bytes], code: str
) -> None:
    server = await serve(**limits)
    one = await dial(server, room_path)
    await one.enter(create=True)
    for sequence, record in enumerate(records):
        await one.send(Append(sequence, record))
    while not isinstance(answer := await one.receive(), Refused):
        pass
    assert answer.code == code
    assert answer.text
    assert answer.hint
    if "minute" not in code:
        again = await dial(server, room_path)
        assert (await again.enter()).count < len(records)


async def test_rooms_per_address_and_in_all(serve: Any, dial: Any, clock: Any) -> None:
    for limits, code in (({"rooms_per_address": 2}, "rooms-per-address"), ({"rooms": 2}, "rooms")):
        server = await serve(**limits)
        full = [await dial(server, f"/v2/rooms/{secrets.token_hex(16)}") for _ in range(2)]
        for bare in full:
            await bare.enter(create=True)
        third = await dial(server, f"/v2/rooms/{secrets.token_hex(16)}")
        await third.send(Open(0, True, None, 0, CLIENT))
        assert (await third.receive()).code == code
        clock.now += 7201  # they expire, and make room for others
        assert [await bare.receive() for bare in full] == [Gone("expired")] * 2
        await (await dial(server, f"/v2/rooms/{secrets.token_hex(16)}")).enter(create=True)


async def test_a_lifetime_over_the_most_is_refused(serve: Any, dial: Any, room_path: str) -> None:
    server = await serve()
    one = await dial(server, room_path)
    await one.send(Open(0, True, None, 86_401, CLIENT))
    assert (await one.receive()).code == "room-lifetime-most"


async def test_connections_of_a_room(serve: Any, dial: Any, room_path: str) -> None:
    server = await serve(room_connections=1)
    one, two = await dial(server, room_path), await dial(server, room_path)
    await one.enter(create=True)
    await two.send(Open(0, False, None, 0, CLIENT))
    refused = await two.receive()
    assert (refused.code, refused.retry > 0) == ("room-connections", True)


async def test_a_reader_that_takes_nothing_is_dropped_and_delays_nobody(
    serve: Any, dial: Any, room_path: str
) -> None:
    server = await serve(stall=0.3)
    slow = await dial(server, room_path)
    slow.socket.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    await slow.enter(create=True)
    slow.socket.transport.pause_reading()
    quick = await dial(server, room_path)
    await quick.enter()
    for sequence in range(120):
        answers = await append(quick, sequence, bytes(180_000))
        assert answers[1] == Appended(sequence, sequence)
    while quick.present != Presence(1, maker=False):  # which may have come by now
        await quick.receive(presence=True)
    metrics = server._server.config.app.state.rendezvous.metrics
    assert metrics.registry.get_sample_value("huddle_stalled_readers_total") == 1


async def test_a_nameplate_leads_to_a_room_that_is_there(serve: Any, dial: Any) -> None:
    server = await serve()
    host, guest = await dial(server, "/v1/nameplates"), await dial(server, "/v1/nameplates")
    await host.send(Allocate(OWNER))
    plate = await host.receive()
    assert 1000 <= plate.number <= 9999
    assert plate.lifetime == 600
    await guest.send(LookUp(plate.number))
    assert await guest.receive() == plate
    room = await dial(server, f"/v2/rooms/{plate.room.hex()}")
    assert await room.enter() == Opened(0, 600)


async def test_a_nameplate_ends_with_its_room_by_its_owner_or_by_time(
    serve: Any, dial: Any, clock: Any
) -> None:
    server = await serve()

    async def allocate() -> Nameplate:
        host = await dial(server, "/v1/nameplates")
        await host.send(Allocate(OWNER))
        plate = await host.receive()
        assert isinstance(plate, Nameplate)
        return plate

    async def look_up(plate: Nameplate) -> Any:
        guest = await dial(server, "/v1/nameplates")
        await guest.send(LookUp(plate.number))
        return await guest.receive()

    plate = await allocate()
    room = await dial(server, f"/v2/rooms/{plate.room.hex()}")
    await room.enter()
    await room.send(Delete(KEY))
    assert await room.receive() == Gone("deleted")
    assert (await look_up(plate)).code == "nameplate-unknown"
    plate = await allocate()
    clock.now += 601
    assert (await look_up(plate)).code == "nameplate-unknown"


async def test_trying_numbers_is_slow(serve: Any, dial: Any, clock: Any) -> None:
    server = await serve(lookups_per_minute=3)

    async def look_up(number: int) -> Refused:
        guest = await dial(server, "/v1/nameplates")
        await guest.send(LookUp(number))
        refused = await guest.receive()
        assert isinstance(refused, Refused)
        return refused

    codes = [(await look_up(1000 + number)).code for number in range(5)]
    assert codes == ["nameplate-unknown"] * 3 + ["lookups-per-minute"] * 2
    assert (await look_up(1)).retry == 20
    clock.now += 20
    assert (await look_up(1)).code == "nameplate-unknown"


async def test_numbers_get_longer_where_they_are_crowded_and_do_not_repeat() -> None:
    store = Store()
    rooms = Rooms(store, ServerLimits(), lambda: 0.0, Metrics())
    for number in range(1000, 1899):
        store.name(number, number.to_bytes(16, "big"), 600.0)
    address = Quotas(ServerLimits()).of("192.0.2.1", 0.0)
    assert 1000 <= rooms._allocate(address, OWNER).number <= 9999
    longer = {rooms._allocate(address, OWNER).number for _ in range(20)}
    assert len(longer) == 20
    assert all(10_000 <= number <= 99_999 for number in longer)
    store.close()


async def test_who_says_nothing_is_shown_out(serve: Any, dial: Any, room_path: str) -> None:
    server = await serve(first_message=0.05)
    silent = await dial(server, room_path)
    assert (await silent.receive()).code == "silent"


async def test_a_text_message_is_refused(serve: Any, dial: Any, room_path: str) -> None:
    server = await serve()
    one = await dial(server, room_path)
    await one.socket.send(pack(Open(0, True, None, 0, CLIENT)).decode("latin-1"))
    assert (await one.receive()).code == "malformed"
