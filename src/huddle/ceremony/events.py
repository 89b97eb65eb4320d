"""What a ceremony tells its shell, in the order in which it happened."""

from dataclasses import dataclass, field

from huddle.ceremony.manifest import Manifest
from huddle.ceremony.messages import Options
from huddle.ceremony.sealed import Member, Sealed
from huddle.errors import HuddleError


@dataclass(frozen=True, slots=True)
class CeremonyEvent:
    """The base of all of them."""


@dataclass(frozen=True, slots=True)
class GuestCame(CeremonyEvent):
    """To the host: somebody wants to take part.

    `admitted` where the person admitted this did before and nothing needs to be decided. `late` where a
    proposal is out already: admitting now begins a new epoch.
    """

    hello: bytes
    did: str
    name: str
    admitted: bool = False
    late: bool = False


@dataclass(frozen=True, slots=True)
class GuestLeft(CeremonyEvent):
    """To the host: a guest left, was dropped, or was refused without asking, for the reason said."""

    did: str
    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class SaidNo(CeremonyEvent):
    """To the host: a guest takes no part in what is proposed, and keeps the seat; nothing is proposed until
    the person says so."""

    did: str
    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class LobbyChanged(CeremonyEvent):
    """To a guest: where it stands before the start, by the host's word.

    `place`: waiting (no seat yet), refused (and can be called back), seated (the host decides with the words
    on the screen), admitted. `here` and `missing` are the names of those with a seat, the host among them;
    `parties` is how many it will be, 0: any number. `full`: there is no seat for who waits.
    """

    place: str
    here: tuple[str, ...]
    missing: tuple[str, ...]
    parties: int
    full: bool


@dataclass(frozen=True, slots=True)
class HostCame(CeremonyEvent):
    """To a guest: the host of the invitation is in the room, and has this guest's hello before it."""

    did: str
    name: str


@dataclass(frozen=True, slots=True)
class Proposed(CeremonyEvent):
    """The host's proposal is valid; `pid` is this party's."""

    epoch: int
    pid: int
    roster: tuple[Member, ...]
    threshold: int | None
    options: Options
    manifest: Manifest


@dataclass(frozen=True, slots=True)
class WordsReady(CeremonyEvent):
    """All have revealed: these words stand on all screens."""

    epoch: int
    words: tuple[str, ...]
    digest: bytes


@dataclass(frozen=True, slots=True)
class WordsDiffer(CeremonyEvent):
    """A party, perhaps this one, sees other words: somebody may be in the middle, and this epoch is over."""

    did: str
    name: str
    epoch: int


@dataclass(frozen=True, slots=True)
class FilesReady(CeremonyEvent):
    """The program's files are here and are those of the manifest; empty where they follow later."""

    files: dict[str, bytes] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Accepted(CeremonyEvent):
    """A party, perhaps this one, has accepted."""

    pid: int


@dataclass(frozen=True, slots=True)
class Restarted(CeremonyEvent):
    """The host began a new epoch: words and files so far are void."""

    epoch: int
    reason: str


@dataclass(frozen=True, slots=True)
class SessionSealed(CeremonyEvent):
    """All accepts are verified."""

    sealed: Sealed


@dataclass(frozen=True, slots=True)
class PeerLeft(CeremonyEvent):
    """After the sealing: a peer said goodbye in the room."""

    pid: int
    reason: str


@dataclass(frozen=True, slots=True)
class CeremonyNotice(CeremonyEvent):
    """Something that a person should know and that ends nothing."""

    text: str


@dataclass(frozen=True, slots=True)
class Failed(CeremonyEvent):
    """The ceremony is over; the error says whose fault it is."""

    error: HuddleError
