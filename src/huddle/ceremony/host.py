"""The ceremony of the host: whom it admits, what it proposes, and when it begins a new epoch."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from huddle.ceremony import events, messages
from huddle.ceremony.admissions import Admissions
from huddle.ceremony.ceremony import Ceremony
from huddle.ceremony.epoch import Greeting
from huddle.ceremony.intent import Intent
from huddle.ceremony.invitation import Invitation
from huddle.ceremony.log import LogEntry
from huddle.ceremony.manifest import Manifest
from huddle.ceremony.messages import MAX_EPOCHS, Hello, Options, Software, parting, shorten
from huddle.ceremony.planned import Planned
from huddle.ceremony.roster import Plan
from huddle.ceremony.silence import REVEAL_SECONDS, silent
from huddle.ceremony.states import CeremonyState, SenderRole
from huddle.ceremony.values import HOST
from huddle.errors import HuddleError, LocalError, PeerError
from huddle.identity.crypto import Crypto
from huddle.identity.keys import Identity

REPLACE_SECONDS = 60.0  # for somebody else to come, where a party of a fixed number was lost
RETURN_SECONDS = 60.0  # for those of an earlier session: their networks are made anew
MAX_WAITING = 64  # guests at the door: twice what can be let in; more is a leaked invitation


class HostCeremony(Ceremony):
    """The host's side.

    `manifest` and `files` are the first program; `parties` the number of parties, the host included, at
    which it proposes by itself, or None where the person says when (`propose`). `order` is the place of a
    name among the guests; those with the same one stand in the order of admission. `lobby`: a seat that
    gets free waits for somebody else, and after a no for the person's word; else both end it by name.
    `stayed` are the names, by did, of those from an earlier session, who have their seats already; `held`:
    nothing is proposed until the person says so.
    """

    role = HOST

    def __init__(  # noqa: PLR0913 - all by keyword, all it knows at first
        self,
        crypto: Crypto,
        identity: Identity,
        invitation: Invitation,
        *,
        name: str,
        software: Iterable[Software],
        manifest: Manifest,
        files: Mapping[str, bytes],
        now: float,
        parties: int | None = None,
        options: Options | None = None,
        order: Callable[[str], int] = lambda name: 0,
        lobby: bool = False,
        stayed: Mapping[str, str] | None = None,
        held: bool = False,
    ) -> None:
        super().__init__(crypto, identity, invitation, name=name, software=software, now=now)
        self._planned = Planned(manifest, dict(files), options or Options(), parties, self._software)
        self._guests = Admissions(name, self._software, parties)
        self._order = order
        self._lobby = lobby
        self._guests.admitted.update(stayed or {})
        if stayed:
            self._timers["return"] = now + RETURN_SECONDS
        self._intent = Intent(held=held)
        self._lacking: HuddleError | None = None
        self._greet()

    # What the person decides

    def seat(self, hello: bytes) -> None:
        """Let the guest with this hello into the roster, and decide about them by `accept`, with the rest.

        Until then the program's files stay here, and guests accept nothing that they have not got: whoever
        has a seat only sees what the invitation alone shows, and the words.
        """
        did = self._guests.asked_by(hello).did
        if did not in self._guests.admitted:
            self._guests.seated.add(did)
        self._admit(hello)

    def admit(self, hello: bytes) -> None:
        """Let the guest with this hello take part; `hello` is the hash of GuestCame.

        Where a proposal is out already, this begins a new epoch. Who was refused, and waits, is called back.
        """
        self._guests.seated.discard(self._guests.asked_by(hello).did)
        self._admit(hello)

    def _admit(self, hello: bytes) -> None:
        asked = self._guests.asked_by(hello)
        if self._guests.admitted.get(asked.did) == asked.name:
            return
        greeting = self._guests.call_back(asked.did)
        unwelcome = self._guests.unwelcome(asked, greeting, self._current.hellos.values())
        if not unwelcome and self.state is CeremonyState.SEALED:
            unwelcome = "the session has begun"
        if not unwelcome and self._current.plan is not None and self.epoch >= MAX_EPOCHS:
            unwelcome = "the session has begun again too often"
        if unwelcome:
            self._turn_away(hello, asked, unwelcome)
            return
        self._guests.admitted[asked.did] = asked.name
        if greeting is not None:
            self._current.greet(greeting)
        if self.state is CeremonyState.GATHERING:
            self._propose_if_ready()
        elif self.state in (CeremonyState.REVEALING, CeremonyState.ACCEPTING):
            self._restart(f"{asked.name} came")

    def refuse(self, hello: bytes, reason: str) -> None:
        """Do not let this guest in: asked about MAX_REFUSALS times, called back by `admit` where it waits."""
        asked = self._guests.asked_by(hello)
        greeting = self._current.hellos.get(asked.did)
        self._turn_away(hello, asked, shorten(reason), told=True)
        self._guests.refuse(asked.did, asked.name, greeting)

    def propose(self) -> None:
        """Begin with who is admitted, or once so many are as are fixed; else LocalError where nobody is."""
        if not self._guests.admitted and self._guests.parties is None:
            raise LocalError("nobody else is here yet", hint="Admit at least one guest.")
        if self._guests.admitted:
            self._planned.check_threshold(len(self._guests.admitted) + 1)
        self._intent.go_on()
        self._propose_if_ready()

    @property
    def options(self) -> Options:
        """What all are to agree to beyond the program."""
        return self._planned.options

    @property
    def free(self) -> int:
        """Seats that nobody has."""
        return self._guests.free

    @property
    def held(self) -> bool:
        """Whether nothing is proposed until the person says so."""
        return self._intent.held

    def hold(self, reason: str) -> None:
        """Void what is proposed; nothing is proposed again until the person says so (`propose`)."""
        self._intent.held = True
        self._void(reason)

    def change(
        self,
        reason: str,
        *,
        manifest: Manifest | None = None,
        files: Mapping[str, bytes] | None = None,
        options: Options | None = None,
        parties: int | None = None,
    ) -> None:
        """Propose another program, or to another number of parties; all keep their seats.

        A proposal that is out becomes void. Raises LocalError, and changes nothing, where that can't be
        proposed or the session is sealed.
        """
        if self.state in (CeremonyState.SEALED, CeremonyState.ENDED):
            raise LocalError("the session has begun: nothing can be changed now", hint="Stop it first.")
        taken = len(self._guests.admitted) + 1
        if parties is not None and taken > parties:
            raise LocalError(f"{taken} are here already, with you", hint="Remove somebody first.")
        before = self._planned
        self._planned = replace(
            before,
            manifest=manifest or before.manifest,
            files=before.files if files is None else dict(files),
            options=options or before.options,
            parties=parties or before.parties,
        )
        self._guests.parties = self._planned.parties
        self._intent.change()
        self._void(reason)
        self._propose_if_ready()

    def records_to_send(self) -> list[bytes]:
        """The records to append to the room now, in this order."""
        gathering = self.state is CeremonyState.GATHERING and not self._intent.proposes
        if (gathering or self._somebody_waits()) and (news := self._guests.news()) is not None:
            self._send(news)
        return super().records_to_send()

    def _somebody_waits(self) -> bool:
        alive = self.state not in (CeremonyState.SEALED, CeremonyState.ENDED)
        return alive and any(
            did != self.did and did not in self._guests.admitted for did in self._current.hellos
        )

    def _void(self, reason: str) -> None:
        """Make what is proposed void, if anything is."""
        if self.state in (CeremonyState.REVEALING, CeremonyState.ACCEPTING):
            self._current.spoiled = LocalError(f"this is void: {reason}")
            self._restart(reason)

    # The log

    def _standing(self, did: str) -> SenderRole:
        if did == self.did:
            return SenderRole.HOST
        inside = self._guests.belongs(did, self._current.plan)
        return SenderRole.MEMBER if inside else SenderRole.STRANGER

    def _on_stale(self, entry: LogEntry) -> None:
        raise LocalError("this invitation was used before", hint="Host again: each session has its own.")

    def _on_hello(self, greeting: Greeting, entry: LogEntry) -> None:
        hello, did = greeting.hello, greeting.hello.did
        if did != self.did:
            if len(self._current.hellos) >= MAX_WAITING and did not in self._current.hellos:
                self._tell(events.CeremonyNotice(f"ignored {hello.name}: {MAX_WAITING} are waiting already"))
                return
            unfit = self._guests.unfit(hello, self._current.hellos.values())
            unfit = "the session has begun" if self.state is CeremonyState.SEALED else unfit
            if unfit:
                self._turn_away(greeting.hash, hello, unfit)
                return
            # Who waits for the person to think better of it says hello in each epoch, which is no knock.
            if self._guests.waits(greeting, anew=entry.envelope.counter == 0):
                return
            self._guests.knock(greeting.hash, hello)
        self._current.greet(greeting)
        plan = self._current.plan
        admitted = self._guests.admitted.get(did) == hello.name
        if did != self.did:
            late = plan is not None and not plan.has(did)
            self._tell(events.GuestCame(greeting.hash, did, hello.name, admitted, late))
            if not admitted:
                self._guests.admitted.pop(did, None)
        if plan is None:
            self._propose_if_ready()
        elif plan.has(did):
            self._restart(f"{hello.name} came again")

    def _on_told(self, message: messages.Refusal | messages.Lobby) -> None:
        """This party's own."""

    def _on_leaving(self, did: str, reason: str, *, declined: bool = False, stays: bool = False) -> None:
        plan = self._current.plan
        if self.sealed is not None:
            self._tell(events.PeerLeft(self._current.proposed.pid(did), reason))
            return
        if did in self._guests.refused:
            self._lose(did, reason)
            return
        error = self._fault(did, parting(reason, declined=declined, stays=stays))
        if stays and self._lobby:
            if did in self._guests.admitted:
                self._tell(events.SaidNo(did, self._called(did), reason))
                self.hold(error.message)
        elif plan is None or not self._guests.belongs(did, plan):
            # In a new epoch somebody who is let in may leave before they say hello.
            if did in self._current.hellos or did in self._guests.admitted:
                self._lose(did, reason)
                self._propose_if_ready()
        elif declined and self._guests.parties is not None and not self._lobby:
            self._lose(did, reason)
            self._fail(error)
        else:
            self._drop([did], error, reason)

    def _on_fault(self, did: str, error: HuddleError) -> None:
        if did == self.did:
            self._fail(error)
            return
        if self.state is CeremonyState.SEALED:
            self._tell(events.CeremonyNotice(error.message))
            return
        self._guests.ban(did)
        self._drop([did], error)

    def _on_proposed(self, plan: Plan) -> bool:
        self._timers.pop("return", None)
        self._timers.pop("replace", None)
        self._timers["reveal"] = self._room.now + REVEAL_SECONDS
        self._lacking = None
        if self._intent.regrets:
            self._restart("the host has changed something")
        for member, greeting in zip(plan.roster[1:], plan.greetings[1:], strict=True):
            latest = self._current.hellos.get(member.did)
            if latest is None or latest.hash != greeting.hash or member.did not in self._guests.admitted:
                self._restart(f"{member.name} left or came again")
        return True

    def _on_revealed(self) -> None:
        self._timers["accept"] = self._room.now + self._patience
        if self._intent.has_given_up(self.epoch):
            return
        if not self._undecided():
            self._send_files()
        self._have_files({} if self.options.files_follow else dict(self._planned.files))

    def _undecided(self) -> bool:
        return any(member.did in self._guests.seated for member in self._current.proposed.roster)

    def _send_files(self) -> None:
        epoch = self._current
        for message in self._planned.sealed_files(self._crypto, epoch.paired, epoch.proposed.manifest):
            self._send(message)

    def _on_differ(self, did: str, error: PeerError) -> None:
        self._restart(error.message)

    def _on_accepted(self, did: str) -> None:
        if did == self.did and self._undecided():
            self._guests.seated.clear()
            self._timers["accept"] = self._room.now + self._patience
            self._send_files()

    def _on_sealed(self) -> None:
        for greeting in (*self._current.hellos.values(), *self._guests.waiting()):
            if not self._current.proposed.has(greeting.hello.did):
                self._send(messages.Refusal(greeting.hash, "the session has begun without you"))

    def _on_epoch(self) -> None:
        self._intent.begin()
        self._guests.new_epoch()
        self._timers["return"] = self._room.now + REVEAL_SECONDS
        if self._lacking is not None:
            self._timers["replace"] = self._room.now + REPLACE_SECONDS
        self._greet()

    def _expired(self, timer: str) -> None:
        if timer == "replace":
            if self._lacking is not None:
                raise self._lacking
        elif timer == "return":
            missing = [did for did in self._guests.admitted if did not in self._current.hellos]
            if missing:
                self._drop(missing, self._fault(missing[0], "did not come back for the new epoch"))
        else:
            done = self._current.reveals if timer == "reveal" else self._current.accepts
            error = silent(self._current.proposed, self.did, done, timer)
            missing = [member.did for member in self._current.proposed.roster if member.pid not in done]
            if self.did in missing and self._lobby and timer == "accept":
                self.hold("the host did not decide in time")
                return
            if self.did in missing:
                raise error
            self._drop(missing, error)

    # Small things

    def _propose_if_ready(self) -> None:
        if not self._intent.may_propose(self.state):
            return
        host = self._current.hellos.get(self.did)
        guests = self._guests.assembled(self._current.hellos, self._order, ready=self._intent.ready)
        if host is None or not guests:
            return
        try:
            proposal = self._planned.proposal([host, *guests])
        except LocalError as error:
            self._fail(error)
            return
        self._intent.propose()
        self._send(proposal)

    def _restart(self, reason: str) -> None:
        if self._intent.has_given_up(self.epoch):
            return
        if self.epoch >= MAX_EPOCHS:
            raise self._lacking or LocalError(
                f"{MAX_EPOCHS} ceremonies did not end (the last because {reason})",
                hint="Start again with a new invitation.",
            )
        self._intent.give_up(self.epoch)
        self._send(messages.Restart(self.epoch + 1, shorten(reason)))

    def _drop(self, dids: Iterable[str], error: HuddleError, reason: str = "") -> None:
        for did in dids:
            self._lose(did, reason or error.message)
        if not self._lobby and self._guests.parties is not None:  # else the seat waits for somebody else
            self._lacking = error
        elif not self._lobby and not self._guests.admitted:
            raise error
        if self._current.plan is not None:
            self._restart(error.message)
        elif self._guests.parties is not None and not self._lobby:
            self._timers.setdefault("replace", self._room.now + REPLACE_SECONDS)
        else:
            self._propose_if_ready()

    def _lose(self, did: str, reason: str) -> None:
        self._guests.lose(did)
        self._current.hellos.pop(did, None)
        self._tell(events.GuestLeft(did, self._called(did), reason))

    def _turn_away(self, hash_: bytes, hello: Hello, reason: str, *, told: bool = False) -> None:
        if not told:
            self._tell(events.GuestLeft(hello.did, hello.name, reason))
        self._send(messages.Refusal(hash_, reason))
        known = hello.did in self._guests.admitted
        self._guests.lose(hello.did)
        self._current.hellos.pop(hello.did, None)
        self._propose_if_ready()
        if known and self._current.plan is not None and self._current.plan.has(hello.did):
            self._restart(f"{hello.name} was refused: {reason}")
