"""What a host keeps until the start, so that it can come back to its room after its terminal or page died.

The host who comes back deletes the room as it was left and makes it anew with the same id, so that the link
which was sent leads there. That takes the room's owner key, and to be believed by guests the host's identity.
What is kept is as secret as both the link and that key.
"""

import contextlib
import json
import time
from dataclasses import dataclass, field, replace
from typing import Protocol, Self

from huddle.ceremony.invitation import Invitation
from huddle.errors import LocalError, RendezvousError
from huddle.rendezvous.client.room import OWNER_KEY, RoomClient

MAX_RETURNS = 8  # as many as epochs of one room: each shows words again, which somebody may have guessed


@dataclass(frozen=True, slots=True)
class KeptRoom:
    """A room whose session has not begun.

    `url` is the invitation's link; `embedded`: its rendezvous ran in the host's own process; `expires` is
    wall time in seconds; `returns` says how often the host has come back; `program` is the entry's name.
    """

    url: str = field(repr=False)
    owner_key: bytes = field(repr=False)
    embedded: bool
    expires: float
    program: str
    returns: int = 0

    def invitation(self, did: str) -> Invitation:
        """What guests have; LocalError where it is not of this host, or has ended."""
        invitation = Invitation.parse(self.url)
        if not invitation.is_host(did):
            raise LocalError(
                "That invitation was made by another identity.", hint="Host without --again, by a new link."
            )
        if self.expires <= time.time():
            raise LocalError("The invitation has expired.", hint="Host without --again, by a new link.")
        if self.returns >= MAX_RETURNS:
            raise LocalError(
                f"You have come back to this room {MAX_RETURNS} times; "
                "with more tries somebody could guess the words.",
                hint="Host without --again, by a new link.",
            )
        return invitation

    def returned(self) -> Self:
        """The same room, come back to once more."""
        return replace(self, returns=self.returns + 1)

    async def end(self) -> None:
        """Nobody comes back to it: whoever waits there is told that the host has ended the session."""
        invitation = Invitation.parse(self.url)
        room = bytes.fromhex(invitation.room_id)
        with contextlib.suppress(RendezvousError):  # it has ended already, or does so by itself
            async with RoomClient(invitation.rendezvous, room, owner_key=self.owner_key) as client:
                await client.delete()

    def to_json(self) -> str:
        """As text for a file."""
        kept = {
            "url": self.url,
            "owner_key": self.owner_key.hex(),
            "embedded": self.embedded,
            "expires": self.expires,
            "program": self.program,
            "returns": self.returns,
        }
        return json.dumps(kept, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Self:
        """From a file's text; ValueError where it is none of these."""
        kept = json.loads(text)
        if not isinstance(kept, dict):
            raise ValueError("no room")
        kinds = {"url": str, "owner_key": str, "embedded": bool, "program": str, "returns": int}
        if any(not isinstance(kept.get(name), kind) for name, kind in kinds.items()):
            raise ValueError("no room")
        key, expires = bytes.fromhex(kept["owner_key"]), kept.get("expires")
        if len(key) != OWNER_KEY or not isinstance(expires, int | float) or kept["returns"] < 0:
            raise ValueError("no room")
        return cls(kept["url"], key, kept["embedded"], expires, kept["program"], kept["returns"])


class RoomKeeper(Protocol):
    """Where a host's room is kept; `before` is the one that this session comes back to, if it does."""

    before: KeptRoom | None

    @property
    def left(self) -> KeptRoom | None:
        """The latest other one whose session has died before its start."""
        ...

    def keep(self, room: KeptRoom) -> bool:
        """From now on, in place of what this session kept before; whether anything is kept here."""
        ...

    def drop(self) -> None:
        """The session has begun, or ends in order: nobody comes back to it."""
        ...


class NoKeeper:
    """Nothing is kept: under a pseudonym, where root started Huddle."""

    before: KeptRoom | None = None
    left: KeptRoom | None = None

    def keep(self, room: KeptRoom) -> bool:
        return False

    def drop(self) -> None:
        pass
