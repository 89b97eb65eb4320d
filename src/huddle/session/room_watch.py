"""How long a party waits for others who are not in the ceremony's room any more.

Who is there is the rendezvous's word: if it lies, it ends what it could end anyway by saying nothing.
"""

import asyncio
from collections.abc import Callable

from huddle.rendezvous.client.room import RoomClient

HOST_SILENT = 3.0  # seconds without the host in the room, after which guests are told
MEMBER_MISSED = 30.0  # seconds without all members of a group in its room
HOST_RETURNS = 600.0  # seconds for a host that can come back: to start the computer again, and Huddle


async def host_missed(room: RoomClient, seconds: float, silent: Callable[[bool], bool]) -> None:
    """Until the host has not been in the room for so long.

    `silent` is called when it is away for HOST_SILENT (True) and when it is back (False); it says whether
    anybody was told.
    """
    missed, told = 0.0, False
    while missed < seconds:
        await asyncio.sleep(1.0)
        missed = missed + 1.0 if room.state.maker is False else 0.0
        if told != (missed >= HOST_SILENT) and silent(not told):
            told = not told


async def member_missed(room: RoomClient, parties: int) -> None:
    """Until so many parties have not been in the room together for MEMBER_MISSED, which does not say who."""
    missed = 0.0
    while missed < MEMBER_MISSED:
        await asyncio.sleep(1.0)
        present = room.state.present
        missed = missed + 1.0 if present is not None and present < parties else 0.0
