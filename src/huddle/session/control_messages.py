"""What the supervisors of a session say to each other, over control links.

A message is a codec dataclass behind its length and type, in the payload bytes of the control link's
DATA frames:

    message = length U32 (of type and body) | type U8 | body

The link is ordered, reliable and bound to both identities, so a message needs no counter and no seal.
Signatures are there only where a third party must be able to check what somebody said (`Answer`,
`RecordSignature`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from huddle.ceremony.messages import MAX_MANIFEST
from huddle.codec import U8, U16, U32, U64, DecodeError, Fixed, Limit, decode, encode
from huddle.record.signed import PathRecord

MAX_MESSAGE = 131_072  # a part of a file with its header; everything else is far smaller
PART = 65_536  # bytes of a file in one message, so that a heartbeat never waits long behind one
MAX_RECORD = 122_880  # bytes of a record before its signatures: dozens of runs of a common program
MAX_SIGNAL = 16_384  # bytes: a description and 32 candidates with long names
MAX_CHAT = 2_000  # bytes; a few lines of text

_Reason = Annotated[str, Limit(500)]

IDLE, COMPUTING, INPUT, GONE, HUNG_UP = range(5)
STATES = ("idle", "computing", "input", "gone", "hung_up")


@dataclass(frozen=True, slots=True)
class Status:
    """A heartbeat, every two seconds: what this party's runner is doing (an index of `STATES`)."""

    run: U32
    state: U8


@dataclass(frozen=True, slots=True)
class RunProposal:
    """The host proposes a run after the first; its files follow as `FilePart`s, then `FilesDone`."""

    manifest: Annotated[bytes, Limit(MAX_MANIFEST)]


@dataclass(frozen=True, slots=True)
class FilePart:
    """The next bytes of the file with that index in the manifest of the run."""

    run: U32
    index: U16
    data: Annotated[bytes, Limit(PART)]


@dataclass(frozen=True, slots=True)
class FilesDone:
    """All files of that run have been sent."""

    run: U32


@dataclass(frozen=True, slots=True)
class Answer:
    """A party's yes (with its signature over the manifest) or no (with a reason) to a proposed run."""

    run: U32
    accept: bool
    signature: Annotated[bytes, Limit(64)]
    reason: _Reason


@dataclass(frozen=True, slots=True)
class Outcome:
    """This party's part in a run is over. `reason` never quotes what the program printed.

    `culprit` is the pid of the party because of whom it failed, as this party saw it.
    """

    run: U32
    ok: bool
    reason: _Reason
    culprit: U8 | None = None


@dataclass(frozen=True, slots=True)
class StreamCounts:
    """Bytes of frames that a program has written to a peer and read of it, and whether its END is read."""

    pid: U8
    written: U64
    read: U64
    ended: bool


@dataclass(frozen=True, slots=True)
class Still:
    """Only a peer's bytes can move this party's program (see `huddle.running.standstill`)."""

    run: U32
    streams: Annotated[tuple[StreamCounts, ...], Limit(64)]


@dataclass(frozen=True, slots=True)
class Leave:
    """This party leaves the session, because of the party `culprit` where there is one."""

    reason: _Reason
    culprit: U8 | None = None


@dataclass(frozen=True, slots=True)
class Chat:
    """A line for people to read."""

    text: Annotated[str, Limit(MAX_CHAT)]


@dataclass(frozen=True, slots=True)
class RecordDraft:
    """The host's text of the session's record, for all to check and sign."""

    record: Annotated[bytes, Limit(MAX_RECORD)]


@dataclass(frozen=True, slots=True)
class RecordSignature:
    """One party's signature under the record's draft."""

    signature: Annotated[bytes, Fixed(64)]


@dataclass(frozen=True, slots=True)
class Paths:
    """To the host after a run, for the record: all paths so far from this party to those above it."""

    run: U32
    paths: Annotated[tuple[PathRecord, ...], Limit(400)]


@dataclass(frozen=True, slots=True)
class ForwardPort:
    """The UDP port that leads to that party."""

    pid: U8
    port: U16


@dataclass(frozen=True, slots=True)
class Forwards:
    """By these ports of the sender the receiver's WireGuard reaches others (`huddle.networks.outsiders`)."""

    ports: Annotated[tuple[ForwardPort, ...], Limit(32)]


@dataclass(frozen=True, slots=True)
class Numpy:
    """Whether this party has numpy for a run whose program names it (`huddle.session.numpy_agreement`)."""

    run: U32
    there: bool


@dataclass(frozen=True, slots=True)
class Lost:
    """A guest to the host: the guest `pid` is gone, so this session can't go on (`session.regrouping`)."""

    pid: U8
    reason: _Reason


@dataclass(frozen=True, slots=True)
class Regroup:
    """The host: somebody was lost; all who are left go on in the session of this invitation."""

    url: Annotated[str, Limit(400)]
    reason: _Reason


@dataclass(frozen=True, slots=True)
class RunnerSignal:
    """From what holds this party's runner to what holds the peer's (in browsers `huddle.browser.direct`)."""

    run: U32
    data: Annotated[bytes, Limit(MAX_SIGNAL)]


Message = (
    Status
    | RunProposal
    | FilePart
    | FilesDone
    | Answer
    | Outcome
    | Leave
    | Chat
    | RecordDraft
    | RecordSignature
    | Paths
    | Forwards
    | Numpy
    | Still
    | Lost
    | Regroup
    | RunnerSignal
)

TYPES: dict[int, type[Message]] = {
    1: Status,
    2: RunProposal,
    3: FilePart,
    4: FilesDone,
    5: Answer,
    6: Outcome,
    7: Leave,
    8: Chat,
    9: RecordDraft,
    10: RecordSignature,
    11: Paths,
    12: Forwards,
    13: Numpy,
    14: Still,
    15: Lost,
    16: Regroup,
    17: RunnerSignal,
}
_NUMBERS = {cls: number for number, cls in TYPES.items()}


def pack(message: Message) -> bytes:
    """The bytes of one message."""
    body = encode(message)
    return (len(body) + 1).to_bytes(4, "big") + bytes([_NUMBERS[type(message)]]) + body


class Unpacker:
    """Cuts the byte stream of a control link into messages."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Message]:
        """The messages that are complete with these bytes; raises DecodeError on anything else."""
        self._buffer += data
        while len(self._buffer) >= 4:
            size = int.from_bytes(self._buffer[:4], "big")
            if not 1 <= size <= MAX_MESSAGE:
                self._buffer.clear()  # nothing can follow that makes sense
                raise DecodeError(f"a control message of {size} bytes")
            if len(self._buffer) < 4 + size:
                return
            number, body = self._buffer[4], bytes(self._buffer[5 : 4 + size])
            del self._buffer[: 4 + size]
            if number not in TYPES:
                raise DecodeError(f"control message type {number} is unknown")
            yield decode(TYPES[number], body)
