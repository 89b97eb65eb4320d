"""What every ceremony stands on: the log, the judgement of each record, timers, and the way out.

Everything happens in the order of the room's log: a party acts on its own messages when the rendezvous
has shown them, so that all parties go through the same states at the same records. Bytes and `now`
(seconds, of any clock that does not jump) go in; records, events and the time of the next timer come out.
This module knows who may say what and when (`states`); what follows is in `ceremony`.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from huddle.ceremony import events
from huddle.ceremony.events import CeremonyEvent
from huddle.ceremony.files import FileReader
from huddle.ceremony.invitation import Invitation
from huddle.ceremony.log import Log, LogEntry, Noise
from huddle.ceremony.messages import Accept, Bye, Hello, Message, Offer, Reveal, Software, shorten
from huddle.ceremony.roster import Plan
from huddle.ceremony.sealed import Pairs, Sealed
from huddle.ceremony.states import TIMELESS, TRANSITIONS, CeremonyState, Handling, SenderRole, verdict
from huddle.ceremony.values import EpochContext, Values
from huddle.codec import encode
from huddle.errors import HuddleError, LocalError, PeerError, RendezvousError
from huddle.identity.crypto import Crypto
from huddle.identity.keys import Identity
from huddle.identity.names import is_name

REVEAL_SECONDS = 30.0  # a reveal needs no person: who takes longer is gone
ECHO_SECONDS = 120.0  # longer than a rendezvous takes to restart
MAX_IGNORED = 16  # that a person is told of one by one: more tell nothing new
DECIDE_SECONDS = 30.0  # what a guest gives the host to decide what the host has seen too


@dataclass(frozen=True, slots=True)
class Greeting:
    """A hello of the present epoch, as it was sent."""

    hash: bytes
    body: bytes
    hello: Hello


@dataclass(slots=True)
class Round:
    """What belongs to one epoch, and is forgotten with it."""

    room: EpochContext
    values: Values | None  # None once the epoch is over: they are never needed again
    hellos: dict[str, Greeting] = field(default_factory=dict)  # the latest by did
    greetings: list[Greeting] = field(default_factory=list)  # all of them
    plan: Plan | None = None
    reveals: dict[int, Reveal] = field(default_factory=dict)
    accepts: dict[int, Accept] = field(default_factory=dict)
    offers: dict[int, tuple[Offer, ...]] = field(default_factory=dict)
    pairs: Pairs | None = None
    reader: FileReader | None = None
    files: dict[str, bytes] | None = None
    accepting: bool = False
    spoiled: HuddleError | None = None  # a guest has seen a fault and waits for the host's restart


class CeremonyCore(ABC):
    """A party in a room: reads the log, and writes to it."""

    role: int

    def __init__(
        self,
        crypto: Crypto,
        identity: Identity,
        invitation: Invitation,
        *,
        name: str,
        software: Iterable[Software],
        now: float,
    ) -> None:
        if not is_name(name):
            raise LocalError(
                f"{name!r} cannot be a name", hint="One line of at most 64 characters, all of them visible."
            )
        self.state = CeremonyState.GATHERING
        self.sealed: Sealed | None = None
        self._crypto = crypto
        self._identity = identity
        self._invitation = invitation
        self._name = name
        self._software = tuple(software)
        self._now = now
        self._room_id = invitation.room_id.encode()
        self._log = Log(crypto, identity, invitation.room_id, invitation.room_key)
        self._events: list[CeremonyEvent] = []
        self._outgoing: list[tuple[int, type[Message], bytes]] = []
        self._timers: dict[str, float] = {}
        self._names: dict[str, str] = {}
        self._greeted = False
        self._ignored = 0
        self._round = self._new_round(1)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._name} {self.state} epoch {self.epoch} {self._log!r}>"

    @property
    def epoch(self) -> int:
        """The number of the present epoch, from 1."""
        return self._round.room.epoch

    @property
    def did(self) -> str:
        """This party's did."""
        return self._identity.did

    # What the shell calls

    def receive(self, record: bytes, now: float) -> None:
        """Take the next record of the room, whoever sent it."""
        self._now = now
        if self.state is CeremonyState.ENDED:
            return
        try:
            read = self._log.read(record)
        except HuddleError as error:
            self._fail(error)
            return
        if isinstance(read, Noise):
            self._ignore(f"ignored {read.why}")
        else:
            self.take(read)
        if not self._log.unechoed:
            self._timers.pop("echo", None)

    def take(self, entry: LogEntry) -> None:
        """Take a record that the log has opened."""
        try:
            self._take(entry)
        except HuddleError as error:
            self._fail(error)

    def records_to_send(self) -> list[bytes]:
        """The records to append to the room now, in this order."""
        outgoing, self._outgoing = self._outgoing, []
        records = [
            self._log.write(epoch, cls.kind, body)
            for epoch, cls, body in outgoing
            if epoch == self.epoch or cls in TIMELESS
        ]
        if records and self.state is not CeremonyState.ENDED:
            self._timers.setdefault("echo", self._now + ECHO_SECONDS)
        return records

    def events(self) -> list[CeremonyEvent]:
        """What has happened since the last call."""
        happened, self._events = self._events, []
        return happened

    def next_timer(self) -> float | None:
        """When `handle_timer` must be called at the latest, if nothing happens before."""
        return min(self._timers.values(), default=None)

    def handle_timer(self, now: float) -> None:
        """Do what is due."""
        self._now = now
        due = [name for name, when in self._timers.items() if when <= now]
        for name in due:
            if self._timers.pop(name, None) is None:
                continue
            if name != "echo" and self._log.unechoed:
                # While the rendezvous does not even show this party's own words, nobody else is to blame.
                self._timers[name] = now + REVEAL_SECONDS
                continue
            try:
                self._expired(name)
            except HuddleError as error:
                self._fail(error)

    def leave(self, reason: str) -> None:
        """Leave the room, at any time; nothing is taken any more."""
        self._leave(Bye(shorten(reason)))

    # What is above this

    @abstractmethod
    def _dispatch(self, entry: LogEntry, message: Message) -> None: ...

    @abstractmethod
    def _on_fault(self, did: str, error: HuddleError) -> None: ...

    @abstractmethod
    def _expired(self, timer: str) -> None: ...

    @abstractmethod
    def _on_stale(self, entry: LogEntry) -> None: ...

    @abstractmethod
    def _standing(self, did: str) -> SenderRole: ...

    # The log

    def _take(self, entry: LogEntry) -> None:
        did = entry.envelope.sender
        standing = self._standing(did)
        if did == self.did:
            if entry.offence:
                raise entry.offence
            if entry.stale:
                self._on_stale(entry)
                return
        elif standing is SenderRole.STRANGER and entry.offence is not None:
            self._ignore(f"ignored a message of {self._called(did)}: {entry.offence}")
            return
        elif entry.offence is not None:
            raise entry.offence
        try:
            self._judge(entry, standing)
        except PeerError as error:
            if standing is SenderRole.STRANGER:
                self._ignore(f"ignored: {error}")
            else:
                self._on_fault(did, error)

    def _judge(self, entry: LogEntry, standing: SenderRole) -> None:
        envelope, message = entry.envelope, entry.message
        if message is None:
            raise self._fault(envelope.sender, f"sent what means nothing: {entry.flaw}")
        cls = type(message)
        if cls not in TIMELESS:
            if envelope.epoch < self.epoch:
                return
            if envelope.epoch > self.epoch:
                raise self._fault(envelope.sender, f"speaks of epoch {envelope.epoch} before the host")
        found = verdict(self.state, cls, standing)
        if found is Handling.NOTICE:
            self._ignore(f"ignored a {cls.label} of {self._called(envelope.sender)}")
        elif found is Handling.FAULT:
            raise self._fault(envelope.sender, f"sent a {cls.label} while {self.state}, where none belongs")
        elif found is Handling.TAKE:
            self._dispatch(entry, message)

    # Small things

    @property
    def _plan(self) -> Plan:
        plan = self._round.plan
        if plan is None:
            raise RuntimeError("there is no proposal in this state")
        return plan

    @property
    def _pairs(self) -> Pairs:
        pairs = self._round.pairs
        if pairs is None:
            raise RuntimeError("not all have revealed in this state")
        return pairs

    @property
    def _values(self) -> Values:
        values = self._round.values
        if values is None:
            raise RuntimeError("the values of this epoch are gone")
        return values

    def _new_round(self, epoch: int) -> Round:
        return Round(EpochContext(self._room_id, epoch), Values.fresh(self._crypto))

    def _enter(self, state: CeremonyState) -> None:
        if (self.state, state) not in TRANSITIONS:
            raise RuntimeError(f"no way from {self.state} to {state}")
        self.state = state

    def _greet(self) -> None:
        if not self._greeted:
            self._greeted = True
            hello = self._round.room.hello(self.role, self.did, self._name, self._software, self._values)
            self._send(hello)

    def _send(self, message: Message) -> None:
        self._outgoing.append((self.epoch, type(message), encode(message)))

    def _tell(self, event: CeremonyEvent) -> None:
        self._events.append(event)

    def _ignore(self, text: str) -> None:
        """Tell of a record that counts for nothing, unless there are many."""
        self._ignored += 1
        if self._ignored <= MAX_IGNORED:
            self._tell(events.CeremonyNotice(text))
        elif self._ignored == MAX_IGNORED + 1:
            self._tell(
                events.CeremonyNotice(
                    "more such records come, and change nothing; whoever writes them has the invitation,"
                    " or is the rendezvous"
                )
            )

    def _called(self, did: str) -> str:
        plan = self._round.plan
        if plan is not None and plan.has(did):
            return plan.roster[plan.pid(did)].name
        return self._names.get(did, did)

    def _fault(self, did: str, what: str, *, hint: str = "") -> PeerError:
        name = self._called(did)
        hint = hint or f"Ask {name} what happened, then start again with a new invitation."
        return PeerError(f"{name} {what}", peer=name, hint=hint)

    def _echo_expired(self) -> RendezvousError:
        return RendezvousError(
            f"the rendezvous did not show this party's own messages for {ECHO_SECONDS:.0f} seconds",
            hint="Check the connection, then start again, perhaps with another rendezvous.",
        )

    def _silent(self, done: Collection[int], what: str) -> HuddleError:
        roster = self._plan.roster
        if self._plan.pid(self.did) not in done:
            if what == "reveal":
                return self._echo_expired()
            return LocalError("nobody here decided in time", hint="Start again with a new invitation.")
        missing = [member.name for member in roster if member.pid not in done]
        return PeerError(
            f"{', '.join(missing)} did not {what} in time",
            peer=missing[0],
            hint=f"Ask {missing[0]} what happened, then start again with a new invitation.",
        )

    def _leave(self, message: Message) -> None:
        if self.state is CeremonyState.ENDED:
            return
        self._end(message)

    def _fail(self, error: HuddleError) -> None:
        if self.state is CeremonyState.ENDED:
            return
        self._tell(events.Failed(error))
        self._end(Bye(shorten(error.message)))

    def _end(self, message: Message) -> None:
        # Who has not said hello in this room has nobody to say goodbye to.
        self._outgoing = []
        if self._log.written:
            self._send(message)
        self._enter(CeremonyState.ENDED)
        self._round.values = None
        self._timers = {}
