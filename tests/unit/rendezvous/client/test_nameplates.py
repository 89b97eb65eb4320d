"""Nameplates as host and guest use them."""

import secrets
from typing import Any

import pytest

from huddle.errors import RendezvousError
from huddle.rendezvous.client.nameplates import allocate, look_up
from huddle.rendezvous.client.room import RoomClient


async def test_a_host_and_a_guest_meet_by_a_number(serve: Any) -> None:
    server = await serve()
    url, key = f"http://127.0.0.1:{server.port}", secrets.token_bytes(32)
    plate = await allocate(url, owner_key=key)
    found = await look_up(url, plate.number)
    assert found.room == plate.room
    async with RoomClient(url, plate.room, owner_key=key) as host, RoomClient(url, found.room) as guest:
        await guest.append(b"hello")
        assert await anext(host) == (0, b"hello")
        await host.delete()
    with pytest.raises(RendezvousError, match=f"begins with {plate.number}"):
        await look_up(url, plate.number)


async def test_a_refusal_says_why(serve: Any) -> None:
    server = await serve(rooms_per_address=0)
    with pytest.raises(RendezvousError, match="the most it may have") as caught:
        await allocate(f"http://127.0.0.1:{server.port}", owner_key=b"k" * 32)
    assert "huddle serve" in caught.value.hint


async def test_a_refusal_before_the_question_is_still_read(serve: Any) -> None:
    server = await serve(opens_per_minute=1)
    url = f"http://127.0.0.1:{server.port}"
    await allocate(url, owner_key=b"k" * 32)
    with pytest.raises(RendezvousError, match="connected more than 1 times"):
        await look_up(url, 4821)
