"""The ceremony, as every party goes through it: from hellos to a sealed session, sans-IO.

Everything happens in the order of the room's log: a party acts on its own messages when the rendezvous
has shown them, so that all parties go through the same states at the same records. A ceremony has the
room's log, messages and timers (`room_io`), the verdict on each record (`gate`) and the present `epoch`.
What the host alone decides is in `host`, what only a guest checks in `guest`.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping

from huddle.ceremony import events, messages
from huddle.ceremony.epoch import Epoch, Greeting
from huddle.ceremony.events import CeremonyEvent
from huddle.ceremony.gate import Gate, MessageFault
from huddle.ceremony.invitation import Invitation
from huddle.ceremony.log import Log, LogEntry, Noise
from huddle.ceremony.messages import MAX_EPOCHS, Message, Offer, Software, shorten
from huddle.ceremony.notices import NoticeLimit
from huddle.ceremony.room_io import RoomIO
from huddle.ceremony.roster import Plan
from huddle.ceremony.sealed import Sealed
from huddle.ceremony.silence import ECHO_SECONDS, REVEAL_SECONDS, not_echoed
from huddle.ceremony.states import TIMELESS, CeremonyState, Handling, SenderRole
from huddle.ceremony.values import HOST
from huddle.errors import HuddleError, LocalError, PeerError
from huddle.identity.crypto import Crypto
from huddle.identity.keys import Identity
from huddle.identity.names import is_name
from huddle.identity.words import words_from


class Ceremony(ABC):
    """What host and guest have in common."""

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
            hint = "One line of at most 64 characters, all of them visible."
            raise LocalError(f"{name!r} cannot be a name", hint=hint)
        self.sealed: Sealed | None = None
        self._crypto = crypto
        self._identity = identity
        self._invitation = invitation
        self._name = name
        self._software = tuple(software)
        self._log = Log(crypto, identity, invitation.room_id, invitation.room_key)
        self._room: RoomIO[CeremonyEvent, str] = RoomIO(self._log, now)
        self._timers = self._room.timers
        self._gate = Gate()
        self._names: dict[str, str] = {}
        self._greeted = False
        self._notices = NoticeLimit()
        self._current = Epoch.fresh(crypto, invitation.room_id.encode(), 1)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._name} {self.state} epoch {self.epoch} {self._log!r}>"

    @property
    def state(self) -> CeremonyState:
        """Where this party stands."""
        return self._gate.state

    @property
    def epoch(self) -> int:
        """The number of the present epoch, from 1."""
        return self._current.room.epoch

    @property
    def did(self) -> str:
        """This party's did."""
        return self._identity.did

    # What the shell calls

    def receive(self, record: bytes, now: float) -> None:
        """Take the next record of the room, whoever sent it."""
        self._room.now = now
        if self._gate.ended:
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
        records = self._room.records(lambda epoch, message: epoch == self.epoch or type(message) in TIMELESS)
        if records and not self._gate.ended:
            self._timers.setdefault("echo", self._room.now + ECHO_SECONDS)
        return records

    def events(self) -> list[CeremonyEvent]:
        """What has happened since the last call."""
        return self._room.events()

    def next_timer(self) -> float | None:
        """When `handle_timer` must be called at the latest, if nothing happens before."""
        return self._room.next_timer()

    def handle_timer(self, now: float) -> None:
        """Do what is due."""
        for timer in self._room.due(now):
            if timer != "echo" and self._log.unechoed:
                # While the rendezvous does not even show this party's own words, nobody else is to blame.
                self._timers[timer] = now + REVEAL_SECONDS
                continue
            try:
                if timer == "echo":
                    raise not_echoed()
                self._expired(timer)
            except HuddleError as error:
                self._fail(error)

    # What the person decides

    def accept(self, offers: Mapping[int, tuple[Offer, ...]], *, digest: bytes) -> None:
        """Accept what the words with this digest were shown for; `offers` are this party's, by pid.

        Raises LocalError where the ceremony has moved on or the files are not there yet.
        """
        epoch = self._current
        if not self._shows(digest):
            raise LocalError("what you accept is no longer what is proposed", hint="Look again, then decide.")
        if epoch.files is None:
            raise LocalError("the program's files are not here yet", hint="Wait for them, then decide.")
        if epoch.spoiled is not None:
            raise LocalError(
                f"this cannot be accepted any more: {epoch.spoiled.message}",
                hint="Wait for the host to begin again.",
            )
        if not epoch.accepting:
            epoch.accepting = True
            self._send(epoch.acceptance(self._identity, offers))

    def decline(self, reason: str) -> None:
        """Take no part in what is proposed; the ceremony is over for this party."""
        asked = self.state in (CeremonyState.REVEALING, CeremonyState.ACCEPTING) and self.role != HOST
        said = shorten(reason)
        self._end(messages.Decline(said, leaves=True) if asked else messages.Bye(said))

    def differ(self, *, digest: bytes) -> None:
        """Say to all that this person sees other words than those of this digest; it ends the epoch.

        Raises LocalError where the ceremony has moved on, or this party has accepted already.
        """
        if not self._shows(digest):
            raise LocalError("these words do not count any more", hint="Compare the new ones.")
        if self._current.accepting:
            raise LocalError("you have accepted these words already", hint="Leave with Ctrl-C.")
        self._current.accepting = True  # that was this person's answer
        self._send(messages.Differ())

    def leave(self, reason: str) -> None:
        """Leave the room, at any time; nothing is taken any more."""
        self._end(messages.Bye(shorten(reason)))

    @property
    def _patience(self) -> float:
        return float(self._current.proposed.proposal.options.patience)

    def _shows(self, digest: bytes) -> bool:
        pairs = self._current.pairs
        return self.state is CeremonyState.ACCEPTING and pairs is not None and pairs.digest == digest

    # What host and guest decide for themselves

    @abstractmethod
    def _standing(self, did: str) -> SenderRole: ...

    @abstractmethod
    def _on_stale(self, entry: LogEntry) -> None: ...

    @abstractmethod
    def _on_fault(self, did: str, error: HuddleError) -> None: ...

    @abstractmethod
    def _on_hello(self, greeting: Greeting, entry: LogEntry) -> None: ...

    @abstractmethod
    def _on_told(self, message: messages.Refusal | messages.Lobby) -> None: ...

    @abstractmethod
    def _on_leaving(self, did: str, reason: str, *, declined: bool = False, stays: bool = False) -> None: ...

    @abstractmethod
    def _on_proposed(self, plan: Plan) -> bool: ...

    @abstractmethod
    def _on_revealed(self) -> None: ...

    @abstractmethod
    def _on_differ(self, did: str, error: PeerError) -> None: ...

    @abstractmethod
    def _on_accepted(self, did: str) -> None: ...

    @abstractmethod
    def _on_sealed(self) -> None: ...

    @abstractmethod
    def _on_epoch(self) -> None: ...

    @abstractmethod
    def _expired(self, timer: str) -> None: ...

    # Messages

    def _take(self, entry: LogEntry) -> None:
        did = entry.envelope.sender
        role = self._standing(did)
        if entry.offence is not None:
            if did == self.did or role is not SenderRole.STRANGER:
                raise entry.offence
            self._ignore(f"ignored a message of {self._called(did)}: {entry.offence}")
            return
        if did == self.did and entry.stale:
            self._on_stale(entry)
            return
        try:
            self._judge(entry, role)
        except MessageFault as fault:
            self._blame(fault.did or did, role, self._fault(fault.did or did, str(fault)))
        except PeerError as error:
            self._blame(did, role, error)

    def _blame(self, did: str, role: SenderRole, error: PeerError) -> None:
        if role is SenderRole.STRANGER:
            self._ignore(f"ignored: {error}")
        else:
            self._on_fault(did, error)

    def _judge(self, entry: LogEntry, role: SenderRole) -> None:
        handling, message = self._gate.judge(entry, self.epoch, role)
        if handling is Handling.NOTICE:
            self._ignore(f"ignored a {message.label} of {self._called(entry.envelope.sender)}")
        elif handling is Handling.TAKE:
            self._dispatch(entry, message)

    def _dispatch(self, entry: LogEntry, message: Message) -> None:
        did, epoch = entry.envelope.sender, self._current
        match message:
            case messages.Hello():
                self._take_hello(entry, message)
            case messages.Refusal() | messages.Lobby():
                self._on_told(message)
            case messages.Proposal():
                self._take_proposal(entry, message)
            case messages.Reveal():
                epoch.reveal(did, message)
                if epoch.has_all_reveals:
                    self._all_revealed()
            case messages.FileKey() if self.role != HOST:
                epoch.take_file_key(did, message)
            case messages.FileChunk() if self.role != HOST:
                if (files := epoch.take_chunk(message)) is not None:
                    self._have_files(files)
            case messages.Accept():
                self._take_accept(did, message)
            case messages.Differ():
                self._take_differ(did)
            case messages.Restart():
                self._take_restart(message)
            case messages.Decline() | messages.Bye() if did != self.did:
                declined = isinstance(message, messages.Decline)
                stays = isinstance(message, messages.Decline) and not message.leaves
                self._on_leaving(did, message.reason, declined=declined, stays=stays)

    def _take_hello(self, entry: LogEntry, hello: messages.Hello) -> None:
        did, body = entry.envelope.sender, entry.envelope.body
        if hello.did != did:
            raise MessageFault(f"says that it is {hello.did}")
        if (hello.role == HOST) != self._invitation.is_host(did):
            raise MessageFault("claims a role that the invitation does not give it")
        self._names[did] = hello.name
        self._on_hello(Greeting(self._current.room.hello_hash(did, body), body, hello), entry)

    def _take_proposal(self, entry: LogEntry, proposal: messages.Proposal) -> None:
        epoch = self._current
        epoch.plan = plan = epoch.read(entry.envelope.body, proposal, self._software)
        if not self._on_proposed(plan):
            epoch.plan = None
            return
        self._gate.enter(CeremonyState.REVEALING)
        pid = plan.pid(self.did)
        self._tell(
            events.Proposed(self.epoch, pid, plan.roster, proposal.threshold, proposal.options, plan.manifest)
        )
        values = epoch.secrets
        self._send(messages.Reveal(plan.hash, values.exchange, values.nonce))

    def _all_revealed(self) -> None:
        digest = self._current.pair(self._current.proposed.pid(self.did)).digest
        self._gate.enter(CeremonyState.ACCEPTING)
        self._timers.pop("reveal", None)
        self._tell(events.WordsReady(self.epoch, words_from(digest), digest))
        self._on_revealed()

    def _have_files(self, files: dict[str, bytes]) -> None:
        self._current.files = files
        self._tell(events.FilesReady(files))

    def _take_accept(self, did: str, message: messages.Accept) -> None:
        epoch = self._current
        if not epoch.accept(did, message):
            self._tell(events.CeremonyNotice(f"{self._called(did)} sent offers that do not open"))
        self._tell(events.Accepted(self._current.proposed.pid(did)))
        self._on_accepted(did)
        if not epoch.has_all_accepts:
            return
        self.sealed = epoch.seal()
        self._gate.enter(CeremonyState.SEALED)
        self._room.stop_timers(but="echo")
        self._room.outgoing = [one for one in self._room.outgoing if type(one[1]) in TIMELESS]
        self._tell(events.SessionSealed(self.sealed))
        self._on_sealed()

    def _take_differ(self, did: str) -> None:
        if self._current.spoiled is not None:  # once for an epoch is loud enough
            return
        hint = "Somebody may be intercepting: compare the next words by voice."
        self._current.spoiled = error = self._fault(did, "saw other words", hint=hint)
        self._tell(events.WordsDiffer(did, error.peer, self.epoch))
        self._on_differ(did, error)

    def _take_restart(self, message: messages.Restart) -> None:
        if message.epoch != self.epoch + 1 or message.epoch > MAX_EPOCHS:
            raise MessageFault(f"began epoch {message.epoch} after epoch {self.epoch} of {MAX_EPOCHS}")
        self._current = Epoch.fresh(self._crypto, self._current.room.id, message.epoch)
        self._gate.enter(CeremonyState.GATHERING)
        self._greeted = False
        self._room.stop_timers(but="echo")
        self._tell(events.Restarted(message.epoch, message.reason))
        self._on_epoch()

    # Small things

    def _greet(self) -> None:
        if not self._greeted:
            self._greeted = True
            epoch = self._current
            self._send(epoch.room.hello(self.role, self.did, self._name, self._software, epoch.secrets))

    def _send(self, message: Message) -> None:
        self._room.send(message, self.epoch)

    def _tell(self, event: CeremonyEvent) -> None:
        self._room.tell(event)

    def _ignore(self, text: str) -> None:
        if told := self._notices.text(text):
            self._tell(events.CeremonyNotice(told))

    def _called(self, did: str) -> str:
        plan = self._current.plan
        known = plan is not None and plan.has(did)
        return plan.roster[plan.pid(did)].name if plan and known else self._names.get(did, did)

    def _fault(self, did: str, what: str, *, hint: str = "") -> PeerError:
        name = self._called(did)
        hint = hint or f"Ask {name} what happened, then start again with a new invitation."
        return PeerError(f"{name} {what}", peer=name, hint=hint)

    def _fail(self, error: HuddleError) -> None:
        if not self._gate.ended:
            self._tell(events.Failed(error))
            self._end(messages.Bye(shorten(error.message)))

    def _end(self, message: Message) -> None:
        if self._gate.ended:
            return
        # Who has not said hello in this room has nobody to say goodbye to.
        self._room.outgoing = []
        if self._log.written:
            self._send(message)
        self._gate.enter(CeremonyState.ENDED)
        self._current.values = None
        self._timers.clear()
