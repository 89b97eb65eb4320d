"""The messages of a front room, in which a host who takes no part deals guests to groups.

They travel as those of a ceremony do, in signed envelopes of `huddle.ceremony.log`, and are as strict. What
is for one guest alone is sealed with a key of the two: X25519 of `Opening` and `Knock`.

    host   opening, listing, chunks                         once
    guest  knock                                            as often as it comes
    host   refusal                                          to one knock
    host   roll call      guest  here                       before a deal: who answers is dealt
    host   deal           guest  opened, by the first       the group's own room is there
    host   undone                                           its first did not open it, or somebody is lost
    guest  report                                           how far its session is, sealed for the host; or
                                                            that it has left a broken group, and waits again
    both   bye
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from huddle.ceremony.messages import (
    MAX_BODY,
    MAX_MANIFEST,
    Did,
    Meaningless,
    Message,
    Name,
    Options,
    Reason,
    Sha256,
    Software,
    is_line,
)
from huddle.codec import U8, U16, U32, Fixed, Limit
from huddle.identity.names import is_name

VERSION = 1
MAX_PLACEMENT = 8_192  # bytes, sealed: a link of 400, and 32 names with their dids

Exchange = Annotated[bytes, Fixed(32)]


@dataclass(frozen=True, slots=True)
class Knock(Message):
    """I am here, and want a place in a group."""

    kind = 1
    label = "groups knock"
    version: U8
    name: Name
    software: Annotated[tuple[Software, ...], Limit(16)]
    exchange: Exchange

    def check(self) -> None:
        if not is_name(self.name):
            raise Meaningless("a name that cannot be shown")
        if not all(is_line(part) for one in self.software for part in (one.name, one.version)):
            raise Meaningless("software that cannot be shown")


@dataclass(frozen=True, slots=True)
class Opening(Message):
    """The host: this room is open, and I am called so."""

    kind = 2
    label = "groups opening"
    version: U8
    name: Name
    exchange: Exchange

    def check(self) -> None:
        if not is_name(self.name):
            raise Meaningless("a name that cannot be shown")


@dataclass(frozen=True, slots=True)
class Listing(Message):
    """What all groups run, and with which options: `parties` in each."""

    kind = 3
    label = "groups listing"
    parties: U8
    options: Options
    manifest: Annotated[bytes, Limit(MAX_MANIFEST)]

    def check(self) -> None:
        if self.parties < 2:
            raise Meaningless("groups of fewer than two")


@dataclass(frozen=True, slots=True)
class Chunk(Message):
    """A piece of the program's files, under a key that only the first of a group gets."""

    kind = 4
    label = "groups chunk"
    index: U32
    sealed: Annotated[bytes, Limit(MAX_BODY - 1024)]


@dataclass(frozen=True, slots=True)
class Refused(Message):
    """The host to one guest: you get no place."""

    kind = 5
    label = "groups refusal"
    did: Did
    reason: Reason

    def check(self) -> None:
        if not is_line(self.reason):
            raise Meaningless("a reason that cannot be shown")


@dataclass(frozen=True, slots=True)
class RollCall(Message):
    """The host is about to deal: who is still here?"""

    kind = 6
    label = "groups roll call"
    number: U16


@dataclass(frozen=True, slots=True)
class Here(Message):
    """I am."""

    kind = 7
    label = "groups here"
    number: U16


@dataclass(frozen=True, slots=True)
class Seat:
    """One guest's place in a group: an encoded `Placement`, sealed for that guest."""

    did: Did
    sealed: Annotated[bytes, Limit(MAX_PLACEMENT)]


@dataclass(frozen=True, slots=True)
class Deal(Message):
    """The host has dealt the members of one group."""

    kind = 8
    label = "groups deal"
    group: U8
    seats: Annotated[tuple[Seat, ...], Limit(32)]


@dataclass(frozen=True, slots=True)
class Opened(Message):
    """The first of a group: its room can be entered."""

    kind = 9
    label = "groups opened"
    group: U8


@dataclass(frozen=True, slots=True)
class Undone(Message):
    """The host takes a deal back: whoever is in that group, and has not sealed its session, waits again."""

    kind = 10
    label = "groups undone"
    group: U8


@dataclass(frozen=True, slots=True)
class Report(Message):
    """How far a guest's session is: a word of STATES, or BACK, sealed for the host."""

    kind = 11
    label = "groups report"
    sealed: Annotated[bytes, Limit(256)]


@dataclass(frozen=True, slots=True)
class Bye(Message):
    """I leave the front room."""

    kind = 12
    label = "groups bye"
    reason: Reason

    def check(self) -> None:
        if not is_line(self.reason):
            raise Meaningless("a reason that cannot be shown")


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody in a group."""

    name: Name
    did: Did


@dataclass(frozen=True, slots=True)
class Placement:
    """What a guest needs to enter its group's session.

    `url` is the invitation, whose host is the first of the `members`; `digest` is that of the program which
    this group runs; `key` opens the chunks, and is empty for all but the first.
    """

    label: ClassVar[bytes] = b"groups placement"
    group: U8
    url: Annotated[str, Limit(512)]
    members: Annotated[tuple[Member, ...], Limit(32)]
    digest: Sha256
    key: Annotated[bytes, Limit(32)]


# How far a member is, in order. What it says of itself is all that the host knows of it.
STATES = ("dealt", "in", "words", "computing", "result", "failed", "left")

# What a member says that has left its group, which has lost somebody, and waits for another place.
BACK = "back"

KINDS: dict[int, type[Message]] = {
    cls.kind: cls
    for cls in (
        Knock,
        Opening,
        Listing,
        Chunk,
        Refused,
        RollCall,
        Here,
        Deal,
        Opened,
        Undone,
        Report,
        Bye,
    )
}
