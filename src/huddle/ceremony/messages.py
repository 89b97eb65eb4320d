"""The messages of a room, as they are encoded in the body of an envelope (see `huddle.ceremony.log`).

A message says nothing about who sent it, in which room or in which epoch: the signed envelope does.
The bytes of a body are hashed and signed as they were sent and are never encoded again.
`check` refuses what the codec cannot: values that are well formed and mean nothing.
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from huddle.codec import U8, U16, U32, Fixed, Limit
from huddle.identity.names import NAME_BYTES, is_name

PROTOCOL = 1
SUITE = "ed25519 x25519 sha256 aes256gcm"

MAX_PARTIES = 32  # MPyC needs a link for each pair: 32 parties are 496 links and PRSS is long out of reach
MAX_EPOCHS = 8  # each epoch is a ceremony shown, so it is the q of the odds against the words
MAX_BODY = 131_072  # the largest message: an accept with 31 sealed offers of 3 KiB
MAX_NAME = NAME_BYTES  # a name stands on one line beside a did
MAX_REASON = 300  # bytes; a sentence or two for people
MAX_MANIFEST = 98_304  # bytes; 256 files with long paths, and room for the proposal around it
MAX_SEALED = 3_072  # bytes for one peer: a WebRTC offer with a dozen candidates is 2 KiB
MAX_OFFERS = 8  # networks that one party offers to one peer: there are seven
PATIENCE = 600  # seconds; a person reads a program before they say yes
MAX_OFFER = 2_560  # bytes of one network's offer

Sha256 = Annotated[bytes, Fixed(32)]
Name = Annotated[str, Limit(MAX_NAME)]
Did = Annotated[str, Limit(64)]
Reason = Annotated[str, Limit(MAX_REASON)]
Word = Annotated[str, Limit(32)]  # the name of a network or of a piece of software


class Meaningless(ValueError):
    """A message is well formed and still means nothing; the text says why."""


@dataclass(frozen=True, slots=True)
class Message:
    """The base of all messages; `kind` is the number of the type in the envelope."""

    kind: ClassVar[int]
    label: ClassVar[str]

    def check(self) -> None:
        """Raise Meaningless where the values cannot be meant."""


@dataclass(frozen=True, slots=True)
class Software:
    """One piece of software and its version, such as mpyc 0.11."""

    name: Word
    version: Annotated[str, Limit(64)]


@dataclass(frozen=True, slots=True)
class Hello(Message):
    """I am here: who I am, what I speak, and a commitment to values that I reveal later."""

    kind = 1
    label = "hello"
    role: U8  # 0 host, 1 guest
    name: Name
    did: Did
    versions: Annotated[tuple[U8, ...], Limit(8)]
    software: Annotated[tuple[Software, ...], Limit(16)]
    commitment: Sha256

    def check(self) -> None:
        if self.role > 1:
            raise Meaningless(f"role {self.role}")
        if not is_name(self.name):
            raise Meaningless("a name that cannot be shown")
        if not self.versions or len(set(self.versions)) != len(self.versions):
            raise Meaningless("its protocol versions are missing or doubled")
        if len({one.name for one in self.software}) != len(self.software):
            raise Meaningless("software named twice")
        if not all(is_line(part) for one in self.software for part in (one.name, one.version)):
            raise Meaningless("software that cannot be shown")


@dataclass(frozen=True, slots=True)
class Refusal(Message):
    """The host to one hello: you cannot take part."""

    kind = 2
    label = "refusal"
    hello: Sha256
    reason: Reason

    def check(self) -> None:
        _check_reason(self.reason)


@dataclass(frozen=True, slots=True)
class Options:
    """What all agree to beyond the program.

    `record`: a record signed by all is made. `files_follow`: the program's files come later, over the
    control links. `stay`: more runs may follow. `patience`: seconds for persons to accept. `networks`:
    those that may be used; empty means all.
    """

    record: bool = False
    files_follow: bool = False
    stay: bool = False
    patience: U16 = PATIENCE
    networks: Annotated[tuple[Word, ...], Limit(16)] = ()


@dataclass(frozen=True, slots=True)
class Proposal(Message):
    """The host fixes everything: who, in which order, and in what."""

    kind = 3
    label = "proposal"
    hellos: Annotated[tuple[Sha256, ...], Limit(MAX_PARTIES)]
    version: U8
    suite: Annotated[str, Limit(64)]
    threshold: U8 | None
    options: Options
    manifest: Annotated[bytes, Limit(MAX_MANIFEST)]

    def check(self) -> None:
        parties = len(self.hellos)
        if parties < 2 or len(set(self.hellos)) != parties:
            raise Meaningless("a session needs two or more different parties")
        if self.threshold is not None and 2 * self.threshold >= parties:
            raise Meaningless(f"threshold {self.threshold} with {parties} parties")
        if not all(is_line(name) for name in self.options.networks):
            raise Meaningless("a network that cannot be shown")


@dataclass(frozen=True, slots=True)
class Reveal(Message):
    """The values behind my commitment, given once, to one proposal."""

    kind = 4
    label = "reveal"
    proposal: Sha256
    exchange: Annotated[bytes, Fixed(32)]
    nonce: Annotated[bytes, Fixed(32)]


@dataclass(frozen=True, slots=True)
class ForPeer:
    """Bytes that only the party `to` can open."""

    to: U8
    sealed: Annotated[bytes, Limit(MAX_SEALED)]


@dataclass(frozen=True, slots=True)
class FileKey(Message):
    """The host gives the key of the program's files to each guest."""

    kind = 5
    label = "file key"
    keys: Annotated[tuple[ForPeer, ...], Limit(MAX_PARTIES)]


@dataclass(frozen=True, slots=True)
class FileChunk(Message):
    """A piece of the program's files, sealed with the key of the files."""

    kind = 6
    label = "file chunk"
    index: U32
    sealed: Annotated[bytes, Limit(MAX_BODY - 1024)]


@dataclass(frozen=True, slots=True)
class Accept(Message):
    """I take part: my signature on the digest, and how each peer can reach me."""

    kind = 7
    label = "accept"
    signature: Annotated[bytes, Fixed(64)]
    offers: Annotated[tuple[ForPeer, ...], Limit(MAX_PARTIES)]


@dataclass(frozen=True, slots=True)
class Decline(Message):
    """I do not take part in what is proposed; `leaves`: nor in anything else, so my seat is free."""

    kind = 8
    label = "decline"
    reason: Reason
    leaves: bool = False

    def check(self) -> None:
        _check_reason(self.reason)


@dataclass(frozen=True, slots=True)
class Restart(Message):
    """The host begins a new epoch: all values so far are void."""

    kind = 9
    label = "restart"
    epoch: U8
    reason: Reason

    def check(self) -> None:
        _check_reason(self.reason)


@dataclass(frozen=True, slots=True)
class Bye(Message):
    """I leave the room, or my part of the ceremony failed."""

    kind = 10
    label = "bye"
    reason: Reason

    def check(self) -> None:
        _check_reason(self.reason)


@dataclass(frozen=True, slots=True)
class Differ(Message):
    """My person sees other words than somebody else: this epoch must not be sealed."""

    kind = 12
    label = "differ"


@dataclass(frozen=True, slots=True)
class Place:
    """A seat that is taken: whose, and whether the host's person has let them in for good."""

    did: Did
    let_in: bool


@dataclass(frozen=True, slots=True)
class Lobby(Message):
    """The host tells who has a seat, of how many; it is shown to people, and nothing follows from it.

    `parties` counts the host; 0: any number.
    """

    kind = 13
    label = "lobby"
    parties: U8
    places: Annotated[tuple[Place, ...], Limit(MAX_PARTIES)]

    def check(self) -> None:
        if len({one.did for one in self.places}) != len(self.places):
            raise Meaningless("two seats of one party")


@dataclass(frozen=True, slots=True)
class Offer:
    """What a peer must know to reach this party by one network."""

    network: Word
    data: Annotated[bytes, Limit(MAX_OFFER)]


@dataclass(frozen=True, slots=True)
class Offers:
    """What an accept seals for one peer."""

    offers: Annotated[tuple[Offer, ...], Limit(MAX_OFFERS)]


KINDS: dict[int, type[Message]] = {
    cls.kind: cls
    for cls in (
        Hello,
        Refusal,
        Proposal,
        Reveal,
        FileKey,
        FileChunk,
        Accept,
        Decline,
        Restart,
        Bye,
        Differ,
        Lobby,
    )
}


NO_REASON = "no reason given"


def is_line(text: str) -> bool:
    """Whether a text may stand on a person's screen: one line without control or format characters."""
    return bool(text) and text.isprintable() and text == text.strip()


def shorten(reason: str) -> str:
    """A reason that fits its limit and can be shown, whatever it was made from."""
    line = " ".join("".join(char if char.isprintable() else " " for char in reason).split())
    return line.encode()[:MAX_REASON].decode(errors="ignore").strip() or NO_REASON


# The reason of a refusal by the host's person, who may think better of it: a guest may wait for that.
DECLINED = "the host declined"


def parting(reason: str, *, declined: bool = False, stays: bool = False) -> str:
    """What a party did that leaves, or `stays` after a no, to be read behind its name; why, where it says."""
    did = "said no" if stays else "declined to take part" if declined else "left the session"
    return did if reason in ("", NO_REASON, did) else f"{did}: {reason}"


def departed(name: str, reason: str) -> str:
    """That a party is gone, and why: its own reason, or a sentence on it; without a full stop."""
    if reason.startswith(f"{name} "):
        return reason
    return f"{name} {parting(reason, declined=reason.startswith('declined'))}"


def _check_reason(reason: str) -> None:
    if not is_line(reason):
        raise Meaningless("a reason that cannot be shown")
