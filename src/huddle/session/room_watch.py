"""How long a party waits for others who are not in the ceremony's room any more."""

from collections.abc import Callable

from huddle.rendezvous.client.absence import absent
from huddle.rendezvous.client.room import RoomClient

HOST_SILENT = 3.0  # seconds without the host in the room, after which guests are told
MEMBER_MISSED = 30.0  # seconds without all members of a group in its room
HOST_RETURNS = 600.0  # seconds for a host that can come back: to start the computer again, and Huddle


async def host_missed(room: RoomClient, seconds: float, silent: Callable[[bool], bool]) -> None:
    """Until the host has not been in the room for so long.

    `silent` is called when it is away for HOST_SILENT (True) and when it is back (False); it says whether
    anybody was told.
    """
    told = False

    def looked(missed: float) -> None:
        nonlocal told
        if told != (missed >= HOST_SILENT) and silent(not told):
            told = not told

    await absent(seconds, lambda: room.state.maker is False, looked)


async def member_missed(room: RoomClient, parties: int) -> None:
    """Until so many parties have not been in the room together for MEMBER_MISSED, which does not say who."""

    def incomplete() -> bool:
        present = room.state.present
        return present is not None and present < parties

    await absent(MEMBER_MISSED, incomplete)
