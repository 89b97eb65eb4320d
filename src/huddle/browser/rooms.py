"""The room of a session that a page hosts and that has not begun: the page keeps it, in this browser.

What is kept of it is the text of a `KeptRoom`; web/src/ui/lib/rooms.ts says where, and what else a host needs
to come back.
"""

from collections.abc import Callable

from huddle.errors import LocalError
from huddle.session.room_keeping import KeptRoom

_ANEW = "Open a new session."


class PageRooms:
    """Tells the page what to keep; see `huddle.session.room_keeping.RoomKeeper`.

    `tell` is called with the text, which is empty once nobody is to come back. `again` is the text of the
    room to come back to; LocalError where it is none, or `did` can't come back to it.
    """

    left: KeptRoom | None = None  # the page itself looks for such, and asks its person

    def __init__(self, tell: Callable[[str], None], did: str, again: str | None = None) -> None:
        self.before: KeptRoom | None = None
        self._tell = tell
        if again is not None:
            self.before = _open_to(did, kept_room(again))

    def keep(self, room: KeptRoom) -> bool:
        self._tell(room.to_json())
        return True

    def drop(self) -> None:
        self._tell("")


def kept_room(text: str) -> KeptRoom:
    """What the page has kept; LocalError where it is no room."""
    try:
        return KeptRoom.from_json(text)
    except ValueError:
        raise LocalError("What this browser has kept of the session can't be read.", hint=_ANEW) from None


def _open_to(did: str, room: KeptRoom) -> KeptRoom:
    try:
        room.invitation(did)
    except LocalError as error:  # whose hint is for terminals
        raise LocalError(error.message, hint=_ANEW) from None
    return room
