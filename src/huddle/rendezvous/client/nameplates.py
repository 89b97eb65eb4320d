"""Nameplates, as a client asks for them: a short number that leads to a room of its own.

    plate = await allocate(url, owner_key=key)     # the host; the room is there already
    plate = await look_up(url, number)             # a guest

Deleting the room (`RoomClient.delete` with the same key) removes the nameplate. What is said in the room
must be worth nothing to whoever guesses the number.
"""

import asyncio
import hashlib
import random
import time

from huddle.rendezvous.client import dialing
from huddle.rendezvous.messages import Allocate, LookUp, Nameplate, pack

_ATTEMPT = 10.0  # seconds: as for a room


async def allocate(url: str, *, owner_key: bytes, patience: float = 15.0) -> Nameplate:
    """A number for a fresh room, both of which `owner_key` (32 bytes) deletes and time ends.

    Raises RendezvousError where it is refused or nothing answers within `patience` seconds.
    """
    return await _ask(url, Allocate(hashlib.sha256(owner_key).digest()), patience)


async def look_up(url: str, number: int, *, patience: float = 15.0) -> Nameplate:
    """The room that a number leads to; errors as in `allocate`, and where there is no such number."""
    return await _ask(url, LookUp(number), patience)


async def _ask(url: str, request: Allocate | LookUp, patience: float) -> Nameplate:
    socket_url = dialing.websocket_url(url, "/v1/nameplates")
    deadline = time.monotonic() + patience
    attempt = 0
    while True:
        try:
            within = max(0.1, min(_ATTEMPT, deadline - time.monotonic()))
            async with dialing.reached(socket_url, within=within) as connection:
                return await _converse(connection, request)
        except dialing.LOST as error:
            if time.monotonic() >= deadline or dialing.hopeless(error):
                raise dialing.unreachable(url, error) from error
        await dialing.pause(attempt, random.random())  # noqa: S311 - it spreads clients only
        attempt += 1


async def _converse(connection: dialing.RendezvousConnection, request: Allocate | LookUp) -> Nameplate:
    await dialing.say(connection, pack(request))
    async with asyncio.timeout(_ATTEMPT):
        data = await connection.recv(decode=False)
    return dialing.answered(Nameplate, data, "Check the URL.")
