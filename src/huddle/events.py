"""What a session tells whoever watches it: the person's screen, a script, the lab.

Each event is a frozen dataclass; `as_json` gives the object that `--json` prints on one line, as
`docs/events.md` documents it. An event never holds a secret, a private argument or a room key, but
for `Invitation` and `Plain`, which are the secrets that the person asked for.
"""

from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

VERSION = 1


@dataclass(frozen=True, slots=True)
class Event:
    """The base of all events; `event` is the key by which scripts tell them apart."""

    event: ClassVar[str] = ""


@dataclass(frozen=True, slots=True)
class Invitation(Event):
    """The session can be entered: by the link `url`, or by the short spoken `code`."""

    event: ClassVar[str] = "invitation"
    url: str
    code: str


@dataclass(frozen=True, slots=True)
class Party(Event):
    """A party came or changed.

    `state`: waiting (wants to come in), seated (has a seat; the host decides with the words on the screen),
    admitted, refused, accepted, connected, silent, gone, left; to the host of groups, who is in none of them,
    also dealt.
    `standing`: self, new, known, verified, or alarm (a known name with another key).
    `pid` is the party's place in the roster; to the host of groups, the number of a guest's knock.
    """

    event: ClassVar[str] = "party"
    name: str
    did: str
    state: str
    standing: str = "new"
    pid: int | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Lobby(Event):
    """To a guest, before the start: where they stand, by the host's word.

    `place`: waiting (no seat yet), refused (but the host can call them back), seated (has a seat; the host
    decides with the words on the screen), admitted. `here` are the names of those who have a seat, the host
    among them, `missing` of those who have one and are not here now. `parties` is how many it will be, 0 any
    number. `full`: all seats are taken.
    """

    event: ClassVar[str] = "lobby"
    place: str
    here: tuple[str, ...]
    missing: tuple[str, ...]
    parties: int
    full: bool


@dataclass(frozen=True, slots=True)
class Expected(Event):
    """The host waits for the people with these names, in this order (`--expect`)."""

    event: ClassVar[str] = "expected"
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Group(Event):
    """A group of a class (`--groups`) was dealt or is somewhere else than before; a guest is told its own.

    `state`: waiting (a guest of a class who is in none yet; `group` is 0), dealt, in (the words are shown),
    words (they were said), computing, result, failed, or undone (it never began, or has lost somebody; who is
    left of it waits again).
    `members` have name, did and a state of their own. `host` is who dealt them, with the `standing` that
    parties have.
    """

    event: ClassVar[str] = "group"
    group: int
    state: str
    members: tuple[dict[str, Any], ...]
    host: str = ""
    standing: str = "new"


@dataclass(frozen=True, slots=True)
class Program(Event):
    """The program that this session proposes, before anybody is asked to accept it.

    `files` have path, size and sha256; `sandbox` says whether it will be locked in on this machine; `flags`
    are MPyC's own that all parties use, such as "--threshold 0". `weaker` says what this machine's sandbox
    lacks; `limits` are its limits as `--limit` takes them. `folders` are empty ones that it has, `workdir` is
    the one in which it starts.
    """

    event: ClassVar[str] = "program"
    entry: str
    digest: str
    files: tuple[dict[str, Any], ...]
    args: tuple[str, ...]
    sandbox: bool
    run: int = 1
    flags: tuple[str, ...] = ()
    weaker: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    workdir: str = ""


@dataclass(frozen=True, slots=True)
class Question(Event):
    """The person is asked to decide; the session waits.

    `what`: admit (let the party `name` in), accept (this roster and this program, with these words),
    program (a later run's program, by the roster that stands), again (the host: another run, or the end),
    lobby (the host: propose again, or change something first), deal (the host of groups: whom to let in, and
    whether to deal).
    """

    event: ClassVar[str] = "question"
    what: str
    name: str = ""
    did: str = ""


@dataclass(frozen=True, slots=True)
class Chat(Event):
    """A party said something to all."""

    event: ClassVar[str] = "chat"
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Words(Event):
    """The four words that stand on all screens, for one epoch of the ceremony."""

    event: ClassVar[str] = "words"
    words: tuple[str, ...]
    epoch: int = 1


@dataclass(frozen=True, slots=True)
class WordsDiffer(Event):
    """A party, perhaps this one, saw other words: somebody may be intercepting. New words follow."""

    event: ClassVar[str] = "words_differ"
    name: str
    did: str
    epoch: int


@dataclass(frozen=True, slots=True)
class Restarted(Event):
    """The host has begun a new ceremony, number `epoch`: words and answers so far do not count any more.

    `epoch` 0: somebody was lost after the sealing; that session is over, and those who are left are in a new
    room, whose host has another link and code. Those who are left of a group of a class wait to be dealt
    again, also where somebody was lost before the sealing.
    """

    event: ClassVar[str] = "restarted"
    epoch: int
    reason: str


@dataclass(frozen=True, slots=True)
class Sealed(Event):
    """All parties have signed the same roster and program; `digest` is hexadecimal."""

    event: ClassVar[str] = "sealed"
    digest: str
    parties: tuple[dict[str, Any], ...]
    pid: int


@dataclass(frozen=True, slots=True)
class Link(Event):
    """A link got a wire: by which network, over which path; `rtt_ms` are the milliseconds of its proof.

    `tried` are the networks that it would rather have, each an object with `network` and `outcome`: why it
    is not that one, as seen from here.
    """

    event: ClassVar[str] = "link"
    peer: str
    network: str
    path: str
    rtt_ms: float | None = None
    run: int = 0
    tried: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Reconnect(Event):
    """A link lost its wire (`state` lost) or has a new one (`state` restored)."""

    event: ClassVar[str] = "reconnect"
    peer: str
    state: str
    reason: str = ""
    run: int = 0


@dataclass(frozen=True, slots=True)
class Run(Event):
    """A run changed: `state` is started, finished or failed; `whose` and `reason` say why it failed."""

    event: ClassVar[str] = "run"
    run: int
    state: str
    seconds: float | None = None
    whose: str = ""
    peer: str = ""
    reason: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Proxy(Event):
    """The run waits for an MPyC that this person starts by hand.

    `arguments` are what MPyC must be given for this; `directory` has the program's files until the run ends.
    """

    event: ClassVar[str] = "proxy"
    arguments: tuple[str, ...]
    directory: str
    entry: str
    run: int = 1


@dataclass(frozen=True, slots=True)
class Plain(Event):
    """The run waits for plain MPyC, which this person starts behind a WireGuard app.

    `config` is what the app needs, with a private key that was made for this session; `command` is the
    line to type; `mpyc` the version that all have.
    """

    event: ClassVar[str] = "plain"
    config: str
    command: str
    mpyc: str
    run: int = 1


@dataclass(frozen=True, slots=True)
class Output(Event):
    """The program wrote `text`; `stream` is stdout or stderr."""

    event: ClassVar[str] = "output"
    stream: str
    text: str
    run: int = 1


@dataclass(frozen=True, slots=True)
class Input(Event):
    """The program of this party waits for a line typed here (`waiting`), or no longer does.

    `hidden`: it asks as for a password (`getpass`), so the line is not to be shown.
    """

    event: ClassVar[str] = "input"
    waiting: bool
    run: int = 1
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class Results(Event):
    """What the program of a run made or changed here, once its run is over; not told where that is nothing.

    `files` have path, size, and `kept`: their path below `directory`, empty where they were dropped.
    `directory` is what `--output` says, or empty. `carried`: later runs find them.
    """

    event: ClassVar[str] = "results"
    run: int
    files: tuple[dict[str, Any], ...]
    directory: str = ""
    carried: bool = False


@dataclass(frozen=True, slots=True)
class Stats(Event):
    """Counters per peer of the present run; `state` is what its program does.

    That is idle, computing, input (it waits for its person), gone, or hung_up: an MPyC that was started by
    hand has closed its connections.

    `memory_mb` is the most memory that this party's supervisor has held so far, in MB (10^6 bytes).
    """

    event: ClassVar[str] = "stats"
    run: int
    peers: tuple[dict[str, Any], ...]
    rounds: int = 0
    seconds: float = 0.0
    memory_mb: float = 0.0


@dataclass(frozen=True, slots=True)
class Notice(Event):
    """Something that a person should know and that ends nothing."""

    event: ClassVar[str] = "notice"
    text: str


@dataclass(frozen=True, slots=True)
class Error(Event):
    """Something failed: whose fault it is, and what to do."""

    event: ClassVar[str] = "error"
    whose: str
    message: str
    hint: str = ""
    peer: str = ""


@dataclass(frozen=True, slots=True)
class Ended(Event):
    """The session is over. `clean` is true only if every run finished well; `left` is what stays here."""

    event: ClassVar[str] = "ended"
    reason: str
    clean: bool
    left: tuple[str, ...] = field(default=())


def as_json(event: Event) -> dict[str, Any]:
    """The JSON object of an event: `event`, `version`, then its fields."""
    return {"event": event.event, "version": VERSION, **asdict(event)}
