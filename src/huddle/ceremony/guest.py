"""The ceremony of a guest: what it checks before it takes part, and how long it waits for the host."""

from collections.abc import Iterable
from dataclasses import replace

from huddle.ceremony import events
from huddle.ceremony.ceremony import Ceremony
from huddle.ceremony.epoch import Greeting
from huddle.ceremony.files import chunk_count
from huddle.ceremony.invitation import Invitation
from huddle.ceremony.log import LogEntry
from huddle.ceremony.manifest import Flags, Manifest, differences
from huddle.ceremony.messages import DECLINED, Decline, Hello, Lobby, Refusal, Software, parting, shorten
from huddle.ceremony.roster import Plan
from huddle.ceremony.silence import DECIDE_SECONDS, ECHO_SECONDS, REVEAL_SECONDS, silent
from huddle.ceremony.states import CeremonyState, SenderRole
from huddle.ceremony.values import GUEST
from huddle.errors import HuddleError, LocalError, PeerError
from huddle.identity.crypto import Crypto
from huddle.identity.keys import Identity

HOST_GRACE = ECHO_SECONDS + DECIDE_SECONDS  # the host acts first, even through an outage
HOST_SECONDS = 60.0  # the host's hello is the room's first record: who does not see it is in a dead room


class GuestCeremony(Ceremony):
    """A guest's side.

    `own` is the manifest of this party's own copy of the program and `program_digest` the digest that it
    expects; a proposal of anything else is refused, but that `optional` files of `own` may be missing.
    Arguments and flags of `own` count only where it has some. `record`: it takes part only where a record
    is made. `patient`: refused by the host's person it stays, and can be called back; else that is the end.
    """

    role = GUEST

    def __init__(  # noqa: PLR0913 - all by keyword, all it knows at first
        self,
        crypto: Crypto,
        identity: Identity,
        invitation: Invitation,
        *,
        name: str,
        software: Iterable[Software],
        now: float,
        own: Manifest | None = None,
        optional: frozenset[str] = frozenset(),
        program_digest: bytes | None = None,
        record: bool = False,
        patient: bool = False,
    ) -> None:
        super().__init__(crypto, identity, invitation, name=name, software=software, now=now)
        self._own = own
        self._optional = optional
        self._program_digest = program_digest
        self._record = record
        self._patient = patient
        self._refused = False  # by the host's person, who may think better of it
        self._host = ""
        self._hashes: set[bytes] = set()
        self._lobby: Lobby | None = None  # the host's latest word on who has a seat
        self._shown: events.LobbyChanged | None = None
        self._timers["host"] = now + HOST_SECONDS

    @property
    def host(self) -> str:
        """The name of the host, once it was seen in the room; else empty."""
        return self._called(self._host) if self._host else ""

    def not_now(self, reason: str) -> None:
        """Take no part in what is proposed, and keep the seat: the host can propose again, or another thing.

        Raises LocalError where nothing is proposed, or this party has answered already.
        """
        if self.state not in (CeremonyState.REVEALING, CeremonyState.ACCEPTING):
            raise LocalError("nothing is proposed now", hint="Wait for the host.")
        if self._current.accepting:
            raise LocalError("you have answered already", hint="Leave with Ctrl-C.")
        self._current.accepting = True
        if self._current.spoiled is None:
            hint = "Ask what happened, then join again."
            self._current.spoiled = self._fault(self._host, "did not begin again after the no", hint=hint)
        self._timers.setdefault("fault", self._room.now + DECIDE_SECONDS)
        self._send(Decline(shorten(reason)))

    def _standing(self, did: str) -> SenderRole:
        if self._invitation.is_host(did):
            return SenderRole.HOST
        plan = self._current.plan
        return SenderRole.MEMBER if plan is not None and plan.has(did) else SenderRole.STRANGER

    def _judge(self, entry: LogEntry, standing: SenderRole) -> None:
        again = isinstance(entry.message, Hello) and entry.envelope.counter == 0
        if again and self._host and standing is SenderRole.HOST:
            raise self._fault(self._host, "began again", hint="Ask the host for a new invitation.")
        super()._judge(entry, standing)

    def _on_stale(self, entry: LogEntry) -> None:
        # A guest may come again. A proposal may name the hello of its earlier process.
        envelope, hello = entry.envelope, entry.message
        if isinstance(hello, Hello) and envelope.epoch == self.epoch:
            hash_ = self._current.room.hello_hash(self.did, envelope.body)
            self._current.greetings.append(Greeting(hash_, envelope.body, hello))

    def _on_hello(self, greeting: Greeting, entry: LogEntry) -> None:
        did = greeting.hello.did
        if self.state is CeremonyState.SEALED:
            return
        if self._invitation.is_host(did):
            if did in self._current.hellos:
                raise self._fault(did, "sent two hellos in one epoch")
            self._timers.pop("host", None)
            if not self._host:
                self._host = did
                self._tell(events.HostCame(did, greeting.hello.name))
            self._greet()
        if did == self.did:
            self._hashes.add(greeting.hash)
        self._current.greet(greeting)
        self._show_lobby()

    def _show_lobby(self) -> None:
        hellos = self._current.hellos
        lobby = self._lobby or (Lobby(0, ()) if self._refused else None)
        # Who is refused over words on the screen hears it before a new epoch takes those away.
        outside = self._refused or self.state in (CeremonyState.GATHERING, CeremonyState.OUTSIDE)
        if lobby is None or not outside or self.did not in hellos:
            return
        places = {one.did: one.let_in for one in lobby.places}
        if self.did in places:
            place, self._refused = "admitted" if places[self.did] else "seated", False
        else:
            place = "refused" if self._refused else "waiting"
        seated = [self._host, *places]
        shown = events.LobbyChanged(
            place,
            tuple(self._called(did) for did in seated if did in hellos),
            tuple(self._called(did) for did in seated if did not in hellos),
            lobby.parties,
            bool(lobby.parties) and len(seated) >= lobby.parties,
        )
        if shown != self._shown:
            self._shown = shown
            self._tell(shown)

    def _on_told(self, message: Refusal | Lobby) -> None:
        if isinstance(message, Lobby):
            self._lobby = message
            self._show_lobby()
        elif message.hello in self._hashes:
            name = self._called(self._host)
            if self._patient and message.reason == DECLINED:
                self._refused = True
                if self._lobby is not None:  # whose latest word may still give this party a seat
                    places = tuple(place for place in self._lobby.places if place.did != self.did)
                    self._lobby = replace(self._lobby, places=places)
                self._show_lobby()
                return
            raise PeerError(
                f"{name} did not let you in: {message.reason}",
                peer=name,
                hint=f"Ask {name}, then join again.",
            )

    def _on_leaving(self, did: str, reason: str, *, declined: bool = False, stays: bool = False) -> None:
        if self.sealed is not None:
            self._tell(events.PeerLeft(self._current.proposed.pid(did), reason))
        elif self._invitation.is_host(did):
            raise self._fault(did, f"ended the session: {reason}")
        elif self._current.plan is not None and self._current.plan.has(did):
            self._on_fault(did, self._fault(did, parting(reason, declined=declined, stays=stays)))
        elif not stays and self._current.hellos.pop(did, None) is not None:
            self._show_lobby()

    def _on_fault(self, did: str, error: HuddleError) -> None:
        if did == self.did or self._invitation.is_host(did):
            self._fail(error)
            return
        self._tell(events.CeremonyNotice(error.message))
        if self.state in (CeremonyState.REVEALING, CeremonyState.ACCEPTING):
            # The host has seen it too and begins a new epoch; only if it does not, all is over.
            self._current.spoiled = self._current.spoiled or error
            self._timers.setdefault("fault", self._room.now + DECIDE_SECONDS)

    def _on_proposed(self, plan: Plan) -> bool:
        greeted = self._current.hellos.get(self.did)
        if greeted is None or greeted.hash not in {greeting.hash for greeting in plan.greetings}:
            self._gate.enter(CeremonyState.OUTSIDE)
            self._tell(events.CeremonyNotice("the host goes on without you, for now"))
            self._show_lobby()
            return False
        self._refused, self._shown = False, None  # a refusal from now on is another one
        wrong: tuple[str, ...] = ()
        own = self._own
        if own is not None:
            theirs = {file.path for file in plan.manifest.files}
            files = tuple(
                file for file in own.files if file.path in theirs or file.path not in self._optional
            )
            own = replace(own, files=files, folders=plan.manifest.folders, workdir=plan.manifest.workdir)
            wrong = differences(own, plan.manifest, args=bool(own.args), flags=own.flags != Flags())
            # A lower threshold lets fewer parties read everybody's inputs: nobody gets it unasked.
            usual, threshold = (len(plan.roster) - 1) // 2, plan.proposal.threshold
            if own.flags.threshold is None and threshold is not None and threshold < usual:
                wrong = (*wrong, f"the threshold is {threshold}, lower than the usual {usual}")
        if self._program_digest not in (None, plan.manifest.program_digest):
            wrong = (*wrong, f"its digest is {plan.manifest.program_digest.hex()}")
        if wrong:
            raise self._fault(
                self._host,
                f"proposes another program than the one expected here: {'; '.join(wrong)}",
                hint="Agree on one program with the host, then join again.",
            )
        if self._record and not plan.proposal.options.record:
            raise LocalError(
                "no record is made of this session, and this guest wants one",
                hint="Ask the host to use --record, or do without.",
            )
        self._timers["reveal"] = self._room.now + REVEAL_SECONDS + HOST_GRACE
        return True

    def _on_revealed(self) -> None:
        self._timers["accept"] = self._room.now + self._patience + HOST_GRACE

    def _on_differ(self, did: str, error: PeerError) -> None:
        # The host has seen it too and begins a new epoch; only if it does not, all is over.
        self._timers.setdefault("fault", self._room.now + DECIDE_SECONDS)

    def _on_accepted(self, did: str) -> None:
        if not self._invitation.is_host(did):
            return
        self._timers["accept"] = self._room.now + self._patience + HOST_GRACE
        # What travels with no file of its own is asked about when the host has decided, as all else is.
        manifest = self._current.proposed.manifest
        if self._current.proposed.proposal.options.files_follow:
            self._have_files({})
        elif not chunk_count(manifest):
            self._have_files({file.path: b"" for file in manifest.files})

    def _on_sealed(self) -> None:
        """Nothing more is to be said in the room."""

    def _on_epoch(self) -> None:
        self._shown = None
        self._timers["host"] = self._room.now + HOST_SECONDS

    def _expired(self, timer: str) -> None:
        if timer == "host":
            raise PeerError(
                "the host is not in this room",
                peer=self._called(self._host) if self._host else "the host",
                hint="Ask the host whether the session is still open, and for a new invitation.",
            )
        if self._current.spoiled is not None:
            raise self._current.spoiled
        done = self._current.reveals if timer == "reveal" else self._current.accepts
        raise silent(self._current.proposed, self.did, done, "reveal" if timer == "reveal" else "accept")
