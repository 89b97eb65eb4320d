"""What travels between a rendezvous and its clients, before any of it is believed.

    message = type U8 | the fields, as `huddle.codec` encodes them        (one binary WebSocket message)

A client sends the types under 32, the rendezvous those from 32 on. `Refused` and `Gone` are the last
message of a connection. `docs/protocol-rendezvous.md` says who sends what, and when.

Nothing here knows what a record holds: it is ciphertext to the rendezvous and to this module alike.
"""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from huddle.codec import U16, U32, DecodeError, Fixed, Limit, decode, encode

# The largest message of a ceremony has 128 KiB; this leaves room for its envelope and for later versions.
MAX_RECORD = 196_608
# The largest message of rooms and nameplates: an Entry or Append with the largest record.
MAX_MESSAGE = MAX_RECORD + 64
# A relayed message is at most this long: it delays what is behind it, and the relay holds one a side.
MAX_RELAYED = 262_144
MOST_TURN = 4  # libraries use two or three, and each one more delays them

Id = Annotated[bytes, Fixed(16)]
Hash = Annotated[bytes, Fixed(32)]
Record = Annotated[bytes, Limit(MAX_RECORD)]
Word = Annotated[str, Limit(64)]
Text = Annotated[str, Limit(1024)]


@dataclass(frozen=True, slots=True)
class Open:
    """Enter the room as `client` and read it from entry `first` on.

    `client` is 16 random bytes that a client chose for itself and tells nobody but the rendezvous: what it
    writes counts on that account, and it is admitted by it.

    `create` makes the room where it is not there yet, for `lifetime` seconds (0: the default) and, if
    `owner` is given, to be deleted by whoever shows the key whose SHA-256 it is.
    """

    type: ClassVar[int] = 1
    first: U32
    create: bool
    owner: Hash | None
    lifetime: U32
    client: Id


@dataclass(frozen=True, slots=True)
class Append:
    """Add a record, once: the same `sequence` of a client again adds nothing and is confirmed again."""

    type: ClassVar[int] = 2
    sequence: U32
    record: Record


@dataclass(frozen=True, slots=True)
class Delete:
    """Remove the room for everybody, and the nameplate that leads to it."""

    type: ClassVar[int] = 3
    key: Hash


@dataclass(frozen=True, slots=True)
class Allocate:
    """Make a room with a nameplate; `owner` as in `Open`."""

    type: ClassVar[int] = 4
    owner: Hash


@dataclass(frozen=True, slots=True)
class LookUp:
    """Ask which room a nameplate leads to."""

    type: ClassVar[int] = 5
    number: U32


@dataclass(frozen=True, slots=True)
class AskIce:
    """Ask for STUN and TURN servers."""

    type: ClassVar[int] = 6


@dataclass(frozen=True, slots=True)
class Admit:
    """By the room's maker: whoever wrote the record at `index` takes part, and may write as one who does."""

    type: ClassVar[int] = 7
    index: U32


@dataclass(frozen=True, slots=True)
class Opened:
    """The room holds `count` entries now and is removed in `lifetime` seconds."""

    type: ClassVar[int] = 32
    count: U32
    lifetime: U32


@dataclass(frozen=True, slots=True)
class Entry:
    """The record at `index`; entries come in order, without gaps, the reader's own among them."""

    type: ClassVar[int] = 33
    index: U32
    record: Record


@dataclass(frozen=True, slots=True)
class Appended:
    """The record of this client's `sequence` stands at `index`."""

    type: ClassVar[int] = 34
    sequence: U32
    index: U32


@dataclass(frozen=True, slots=True)
class Presence:
    """So many connections are in the room, and whether one is its maker's: a hint, nothing more."""

    type: ClassVar[int] = 35
    count: U32
    maker: bool


@dataclass(frozen=True, slots=True)
class Gone:
    """There is no such room: `reason` is unknown, expired, deleted or lost (it held more before)."""

    type: ClassVar[int] = 36
    reason: Word


@dataclass(frozen=True, slots=True)
class Refused:
    """The rendezvous does not do this.

    `code` names the limit or the mistake, `text` says whose doing it is, `hint` what to do; `retry` is
    the number of seconds after which the same may succeed, 0 where it never will.
    """

    type: ClassVar[int] = 37
    code: Word
    text: Text
    hint: Text
    retry: U32


@dataclass(frozen=True, slots=True)
class Nameplate:
    """The nameplate `number` leads to `room` for `lifetime` more seconds."""

    type: ClassVar[int] = 38
    number: U32
    room: Id
    lifetime: U32


@dataclass(frozen=True, slots=True)
class Paired:
    """Both sides of the channel are there: every later message is the other side's, as it came."""

    type: ClassVar[int] = 39


@dataclass(frozen=True, slots=True)
class TurnServer:
    """A TURN server (RFC 7065) with a name and password for whoever asked."""

    url: Annotated[str, Limit(256)]
    username: Annotated[str, Limit(128)]
    password: Annotated[str, Limit(128)]


@dataclass(frozen=True, slots=True)
class IceServers:
    """The UDP port at which the rendezvous answers STUN (0: it does not), and TURN servers.

    The passwords are good for `lifetime` seconds.
    """

    type: ClassVar[int] = 40
    stun: U16
    turn: Annotated[tuple[TurnServer, ...], Limit(MOST_TURN)]
    lifetime: U32


Message = (
    Open
    | Append
    | Delete
    | Allocate
    | LookUp
    | AskIce
    | Admit
    | Opened
    | Entry
    | Appended
    | Presence
    | Gone
    | Refused
    | Nameplate
    | Paired
    | IceServers
)


def pack(message: Message) -> bytes:
    """The bytes of a message; ValueError where a field is over its limit."""
    return bytes((message.type,)) + encode(message)


def unpack(data: bytes, *kinds: type[Message]) -> Any:
    """The message in these bytes, of one of these kinds; DecodeError where it is anything else."""
    if not data:
        raise DecodeError("an empty message")
    for kind in kinds:
        if kind.type == data[0]:
            return decode(kind, data[1:])
    raise DecodeError(f"a message of type {data[0]} does not belong here")
