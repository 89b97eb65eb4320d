"""The room's log, as one party writes and reads it: records, envelopes, counters, the running hash.

    record   = salt (16 bytes) ‖ AES-256-GCM(envelope; associated data: room id)
    key (32) ‖ nonce (12) = HKDF(room key, "huddle/1 record", salt = salt, 44 bytes)
    envelope = kind U8 ‖ epoch U8 ‖ sender ‖ counter U32 ‖ seen U32 ‖ seen hash (32) ‖ body ‖ signature (64)
    signed   = Ed25519 over fields("huddle/1 <name of the kind>", room id, envelope without the signature)
    h(0)     = SHA-256 fields("huddle/1 log", room id)
    h(i + 1) = SHA-256 fields("huddle/1 log", h(i), SHA-256 fields("huddle/1 record", record i))

`seen` and `seen hash` are the number of records that the sender had read and the running hash at that
point, whatever those records were. So two parties to whom different logs were shown notice it at the
first record that one of them gets from the other. What is wrong with a record is either *noise*, which
anybody who knows the room's id can make (it opens under no key, bears no right signature, or is a copy)
and which is counted and ignored, however much of it there is: nobody can know whose it was. It is the
rendezvous that bounds it, as it does all that is written by whoever was not let in. Or it is an *offence*,
which only the rendezvous or the sender can make.
This module does not know who takes part: whether an offence matters is for the ceremony to say.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from huddle.ceremony.messages import KINDS, MAX_BODY, Did, Hello, Meaningless, Message, Sha256
from huddle.codec import U8, U32, DecodeError, Fixed, Limit, decode, encode
from huddle.errors import HuddleError, LocalError, RendezvousError
from huddle.identity.crypto import Crypto, InvalidSeal
from huddle.identity.did import public_from_did
from huddle.identity.kdf import hash_fields, hkdf
from huddle.identity.keys import Identity

SALT = 16
TAG = 16
SIGNATURE = 64

MAX_RECORD = MAX_BODY + 1_024  # salt, tag and the envelope around the largest body are 300 bytes
MAX_RECORDS = 4_096  # 32 parties, 8 epochs, 4 messages each and 8 times 11 file chunks are 1,200

_UNSIGNED = bytes(SIGNATURE)


@dataclass(frozen=True, slots=True)
class Envelope:
    """What a record holds."""

    kind: U8
    epoch: U8
    sender: Did
    counter: U32
    seen: U32
    seen_hash: Sha256
    body: Annotated[bytes, Limit(MAX_BODY)]
    signature: Annotated[bytes, Fixed(SIGNATURE)]


@dataclass(frozen=True, slots=True)
class LogEntry:
    """A record that opened and whose signature is right.

    `message` is None where the body is not a message that this version knows; `flaw` then says why.
    `offence` is what the rendezvous or the sender did with the order of the log. `stale` marks a
    record that this identity wrote before this process began.
    """

    envelope: Envelope
    message: Message | None
    flaw: str = ""
    offence: HuddleError | None = None
    stale: bool = False


@dataclass(frozen=True, slots=True)
class Noise:
    """A record that counts for nothing, and why; `copy` where it is an earlier one again."""

    why: str
    copy: bool = False


@dataclass(slots=True)
class _Life:
    """What one sender has written since its last beginning."""

    next: int = 0
    seen: int = 0


class Log:
    """One party's view of one room, whose messages are of these `kinds`; number 1 begins a sender's part."""

    def __init__(
        self,
        crypto: Crypto,
        identity: Identity,
        room_id: str,
        room_key: bytes,
        kinds: Mapping[int, type[Message]] = KINDS,
    ) -> None:
        self._kinds = kinds
        self._crypto = crypto
        self._identity = identity
        self._room = room_id.encode()
        self._room_key = room_key
        self._hashes = [hash_fields(b"huddle/1 log", self._room)]
        self._lives: dict[str, _Life] = {}
        self._known: set[bytes] = set()
        self._sent: deque[bytes] = deque()
        self._counter = 0
        self._alive = False
        self._noise = 0

    def __repr__(self) -> str:
        return f"<Log {self.count} records, {self._noise} noise, {len(self._sent)} without echo>"

    @property
    def count(self) -> int:
        """How many records were read."""
        return len(self._hashes) - 1

    @property
    def head(self) -> bytes:
        """The running hash of all that was read."""
        return self._hashes[-1]

    @property
    def unechoed(self) -> int:
        """How many of this party's own records the rendezvous has not shown yet."""
        return len(self._sent)

    @property
    def written(self) -> bool:
        """Whether this party has written anything."""
        return self._counter > 0

    def write(self, epoch: int, kind: int, body: bytes) -> bytes:
        """The record of one message of this party, to be sent now."""
        envelope = Envelope(
            kind, epoch, self._identity.did, self._counter, self.count, self.head, body, _UNSIGNED
        )
        unsigned = encode(envelope)[:-SIGNATURE]
        plain = unsigned + self._crypto.sign(self._identity.key, self._signed(kind, unsigned))
        self._counter += 1
        self._sent.append(hash_fields(b"huddle/1 envelope", plain))
        salt = self._crypto.random(SALT)
        key, nonce = self._keys(salt)
        return salt + self._crypto.seal(key, nonce, plain, self._room)

    def read(self, record: bytes) -> LogEntry | Noise:
        """Take the next record of the room.

        Raises RendezvousError past the limit on records, which a rendezvous enforces.
        """
        if self.count >= MAX_RECORDS:
            raise RendezvousError(
                f"the room holds more than {MAX_RECORDS} records, which no ceremony needs",
                hint="Start again with a new invitation.",
            )
        read = self._entry(record)
        self._hashes.append(hash_fields(b"huddle/1 log", self.head, hash_fields(b"huddle/1 record", record)))
        if isinstance(read, Noise):
            self._noise += 1
        return read

    def _entry(self, record: bytes) -> LogEntry | Noise:
        try:
            plain = self._open(record)
            envelope = decode(Envelope, plain)
            public = public_from_did(envelope.sender)
        except InvalidSeal:
            return Noise("a record that was not sealed with this room's key")
        except ValueError as exc:  # DecodeError is one
            return Noise(f"a record that is no envelope: {exc}")
        if envelope.kind not in self._kinds:
            return Noise(f"a record of the unknown kind {envelope.kind}")
        fingerprint = hash_fields(b"huddle/1 envelope", plain)
        if fingerprint in self._known:
            return Noise(f"a copy of an earlier record of {envelope.sender}", copy=True)
        if not self._crypto.verify(
            public, envelope.signature, self._signed(envelope.kind, plain[:-SIGNATURE])
        ):
            return Noise(f"a record in the name of {envelope.sender} without its signature")
        self._known.add(fingerprint)
        message, flaw = _message(envelope, self._kinds)
        if envelope.sender == self._identity.did:
            offence = self._echo(fingerprint)
            return LogEntry(envelope, message, flaw, offence, stale=not self._alive)
        return LogEntry(envelope, message, flaw, self._offence(envelope))

    def _open(self, record: bytes) -> bytes:
        if not SALT + TAG <= len(record) <= MAX_RECORD:
            raise DecodeError(f"{len(record)} bytes")
        key, nonce = self._keys(record[:SALT])
        return self._crypto.open(key, nonce, record[SALT:], self._room)

    def _echo(self, fingerprint: bytes) -> HuddleError | None:
        if self._sent and self._sent[0] == fingerprint:
            self._sent.popleft()
            self._alive = True
            return None
        if fingerprint in self._sent:
            return RendezvousError(
                "the rendezvous dropped or reordered messages of this party",
                hint="Start again with another rendezvous.",
            )
        if self._alive:
            return LocalError(
                "this identity takes part twice in the same room, from two processes or machines",
                hint="End the other one, or join with --pseudonym.",
            )
        return None

    def _offence(self, envelope: Envelope) -> HuddleError | None:
        who = envelope.sender
        life = self._lives.setdefault(who, _Life())
        if envelope.kind == Hello.kind and envelope.counter == 0:
            life = self._lives[who] = _Life()
        expected, life.next = life.next, envelope.counter + 1
        floor, life.seen = life.seen, max(life.seen, envelope.seen)
        if envelope.counter != expected:
            return RendezvousError(
                f"the rendezvous dropped or reordered messages of {who}"
                f" (number {envelope.counter} where {expected} was next)",
                hint="Start again with another rendezvous.",
            )
        if envelope.seen > self.count or envelope.seen < floor:
            return RendezvousError(
                f"{who} had read {envelope.seen} records where {self.count} were shown here:"
                " the rendezvous dropped or reordered some",
                hint="Start again with another rendezvous.",
            )
        if envelope.seen_hash != self._hashes[envelope.seen]:
            return RendezvousError(
                f"the rendezvous shows {who} another log of this room than the one shown here",
                hint="Start again with another rendezvous.",
            )
        return None

    def _keys(self, salt: bytes) -> tuple[bytes, bytes]:
        both = hkdf(self._room_key, b"huddle/1 record", salt=salt, length=44)
        return both[:32], both[32:]

    def _signed(self, kind: int, unsigned: bytes) -> bytes:
        return signed_fields(self._kinds[kind].label, self._room, unsigned)


def signed_fields(label: str, *parts: bytes) -> bytes:
    """What a signature of the protocol is over: a label for its purpose, then each part by its length."""
    return b"".join(len(part).to_bytes(4, "big") + part for part in (b"huddle/1 " + label.encode(), *parts))


def _message(envelope: Envelope, kinds: Mapping[int, type[Message]] = KINDS) -> tuple[Message | None, str]:
    try:
        message = decode(kinds[envelope.kind], envelope.body)
        message.check()
    except (DecodeError, Meaningless) as exc:
        return None, str(exc)
    return message, ""
