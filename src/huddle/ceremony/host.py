"""The ceremony of the host: whom it admits, what it proposes, and when it begins a new epoch."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from huddle.ceremony import events
from huddle.ceremony.ceremony import Ceremony
from huddle.ceremony.core import REVEAL_SECONDS, Greeting
from huddle.ceremony.files import seal_files
from huddle.ceremony.invitation import Invitation
from huddle.ceremony.log import LogEntry
from huddle.ceremony.manifest import Manifest, version_differences
from huddle.ceremony.messages import (
    MAX_EPOCHS,
    MAX_PARTIES,
    PROTOCOL,
    SUITE,
    FileKey,
    ForPeer,
    Hello,
    Lobby,
    Meaningless,
    Options,
    Place,
    Proposal,
    Refusal,
    Restart,
    Software,
    parting,
    shorten,
)
from huddle.ceremony.planned import check_planned
from huddle.ceremony.roster import Plan, bits
from huddle.ceremony.states import CeremonyState, SenderRole
from huddle.ceremony.values import HOST
from huddle.codec import encode
from huddle.errors import HuddleError, LocalError, PeerError
from huddle.identity.crypto import Crypto
from huddle.identity.keys import Identity
from huddle.identity.names import alike

REPLACE_SECONDS = 60.0  # for somebody else to come, where a party of a fixed number was lost
MAX_REFUSALS = 3  # of one guest in one room: the host's person may think better of it, and is not pestered
MAX_WAITING = 64  # guests at the door: twice what can be let in; more is a leaked invitation


class HostCeremony(Ceremony):
    """The host's side.

    `manifest` and `files` are the first program; `parties` the number of parties, the host included, at
    which it proposes by itself, or None where the person says when (`propose`). `order` is the place of a
    name among the guests; those with the same one stand in the order of admission. `lobby`: a seat that
    gets free waits for somebody else, and after a no for the person's word; else both end it by name.
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
    ) -> None:
        super().__init__(
            crypto,
            identity,
            invitation,
            name=name,
            software=software,
            now=now,
        )
        self._options = options or Options()
        self._manifest = manifest
        self._files = dict(files)
        self._parties = parties
        self._order = order
        self._lobby = lobby
        self._held = False  # nothing is proposed until the person says so
        self._changed = False  # what is under way to the room is not what the person wants any more
        self._places: tuple[Place, ...] = ()  # as the guests were told
        self._told_parties = parties
        check_planned(self._manifest, self._files, self._options, self._parties, self._software)
        self._asked: dict[bytes, Hello] = {}
        self._admitted: dict[str, str] = {}
        self._seated: set[str] = set()  # admitted for now; the person decides with the words on the screen
        self._refusals: dict[str, int] = {}
        self._banned: set[str] = set()  # who broke the protocol
        self._ready = False
        self._proposing = False
        self._restarting = 0
        self._lacking: HuddleError | None = None
        self._greet()

    # What the person decides

    def seat(self, hello: bytes) -> None:
        """Let the guest with this hello into the roster, and decide about them by `accept`, with the rest.

        Until then the program's files stay here, and guests accept nothing that they have not got: whoever
        has a seat only sees what the invitation alone shows, and the words.
        """
        did = self._asked_for(hello).did
        if did not in self._admitted:
            self._seated.add(did)
        self._admit(hello)

    def admit(self, hello: bytes) -> None:
        """Let the guest with this hello take part; `hello` is the hash of GuestCame.

        Where a proposal is out already, this begins a new epoch.
        """
        self._seated.discard(self._asked_for(hello).did)
        self._admit(hello)

    def _admit(self, hello: bytes) -> None:
        asked = self._asked_for(hello)
        full = len(self._admitted) + 1 >= (self._parties or MAX_PARTIES)
        if asked.did in self._admitted and self._admitted[asked.did] == asked.name:
            return
        if self.state is CeremonyState.SEALED or (full and asked.did not in self._admitted):
            self._turn_away(hello, asked, "the session is full" if full else "the session has begun")
            return
        if self._is_taken(asked.name, asked.did):
            self._turn_away(hello, asked, _same_name(asked.name))
            return
        if self._round.plan is not None and self.epoch >= MAX_EPOCHS:
            self._turn_away(hello, asked, "the session has begun again too often")
            return
        self._admitted[asked.did] = asked.name
        if self.state is CeremonyState.GATHERING:
            self._propose_if_ready()
        elif self.state in (CeremonyState.REVEALING, CeremonyState.ACCEPTING):
            self._restart(f"{asked.name} came")

    def refuse(self, hello: bytes, reason: str) -> None:
        """Do not let the guest with this hello take part; one who knocks again is asked about again.

        After MAX_REFUSALS they are turned away without asking.
        """
        asked = self._asked_for(hello)
        self._refusals[asked.did] = self._refusals.get(asked.did, 0) + 1
        self._turn_away(hello, asked, shorten(reason))

    def propose(self) -> None:
        """Begin with those who are admitted; LocalError where there is nobody."""
        if not self._admitted:
            raise LocalError("nobody else is here yet", hint="Admit at least one guest.")
        threshold = self._manifest.flags.threshold
        if threshold is not None and 2 * threshold > len(self._admitted):
            raise LocalError(
                f"threshold {threshold} needs {2 * threshold + 1} parties", hint="Choose a lower --threshold."
            )
        self._ready, self._held = True, False
        self._propose_if_ready()

    @property
    def options(self) -> Options:
        """What all are to agree to beyond the program."""
        return self._options

    @property
    def free(self) -> int:
        """Seats that nobody has."""
        return (self._parties or MAX_PARTIES) - 1 - len(self._admitted)

    @property
    def held(self) -> bool:
        """Whether nothing is proposed until the person says so."""
        return self._held

    def hold(self, reason: str) -> None:
        """Void what is proposed; nothing is proposed again until the person says so (`propose`)."""
        self._held = True
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
        if parties is not None and len(self._admitted) + 1 > parties:
            taken = len(self._admitted) + 1
            raise LocalError(f"{taken} are here already, with you", hint="Remove somebody first.")
        before = self._manifest, self._files, self._options, self._parties
        self._manifest, self._options = manifest or self._manifest, options or self._options
        self._files = dict(files) if files is not None else self._files
        self._parties = parties or self._parties
        try:
            check_planned(self._manifest, self._files, self._options, self._parties, self._software)
        except LocalError:
            self._manifest, self._files, self._options, self._parties = before
            raise
        self._changed = self._proposing
        self._void(reason)
        self._propose_if_ready()

    def records_to_send(self) -> list[bytes]:
        """The records to append to the room now, in this order."""
        places = tuple(Place(did, did not in self._seated) for did in self._admitted)
        told = places == self._places and self._parties == self._told_parties
        gathering = self.state is CeremonyState.GATHERING and not self._proposing
        if not told and (gathering or self._somebody_waits()):
            self._places, self._told_parties = places, self._parties
            self._send(Lobby(self._parties or 0, places))
        return super().records_to_send()

    def _somebody_waits(self) -> bool:
        alive = self.state not in (CeremonyState.SEALED, CeremonyState.ENDED)
        return alive and any(did != self.did and did not in self._admitted for did in self._round.hellos)

    def _void(self, reason: str) -> None:
        """Make what is proposed void, if anything is."""
        if self.state in (CeremonyState.REVEALING, CeremonyState.ACCEPTING):
            self._round.spoiled = LocalError(f"this is void: {reason}")
            self._restart(reason)

    # The log

    def _standing(self, did: str) -> SenderRole:
        if did == self.did:
            return SenderRole.HOST
        plan = self._round.plan
        inside = plan.has(did) if plan is not None else did in self._admitted
        return SenderRole.MEMBER if inside else SenderRole.STRANGER

    def _on_stale(self, entry: LogEntry) -> None:
        raise LocalError("this invitation was used before", hint="Host again: each session has its own.")

    def _on_hello(self, greeting: Greeting, entry: LogEntry) -> None:
        hello, did = greeting.hello, greeting.hello.did
        if did != self.did:
            if len(self._round.hellos) >= MAX_WAITING and did not in self._round.hellos:
                self._tell(events.CeremonyNotice(f"ignored {hello.name}: {MAX_WAITING} are waiting already"))
                return
            unfit = "the session has begun" if self.state is CeremonyState.SEALED else self._unfit(hello)
            if unfit:
                self._turn_away(greeting.hash, hello, unfit)
                return
            self._asked[greeting.hash] = hello
        self._round.hellos[did] = greeting
        self._round.greetings.append(greeting)
        plan = self._round.plan
        admitted = self._admitted.get(did) == hello.name
        if did != self.did:
            late = plan is not None and not plan.has(did)
            self._tell(events.GuestCame(greeting.hash, did, hello.name, admitted, late))
            if not admitted:
                self._admitted.pop(did, None)
        if plan is None:
            self._propose_if_ready()
        elif plan.has(did):
            self._restart(f"{hello.name} came again")

    def _on_refusal(self, message: Refusal) -> None:
        """This party's own."""

    def _on_lobby(self, message: Lobby) -> None:
        """This party's own."""

    def _on_leaving(self, did: str, reason: str, *, declined: bool) -> None:
        plan = self._round.plan
        if self.sealed is not None:
            self._tell(events.PeerLeft(self._plan.pid(did), reason))
            return
        error = self._fault(did, parting(reason, declined=declined))
        if declined and self._lobby:
            if did in self._admitted:
                self._tell(events.SaidNo(did, self._called(did), reason))
                self.hold(error.message)
        elif plan is None or not plan.has(did):
            if did in self._round.hellos:
                self._lose(did, reason)
                self._propose_if_ready()
        elif declined and self._parties is not None:
            self._lose(did, reason)
            self._fail(error)
        else:
            self._drop([did], error)

    def _on_fault(self, did: str, error: HuddleError) -> None:
        if did == self.did:
            self._fail(error)
            return
        self._tell(events.CeremonyNotice(error.message))
        if self.state is CeremonyState.SEALED:
            return
        self._banned.add(did)
        self._drop([did], error)

    def _on_proposed(self, plan: Plan) -> bool:
        self._timers.pop("return", None)
        self._timers.pop("replace", None)
        self._timers["reveal"] = self._now + REVEAL_SECONDS
        self._lacking = None
        if self._held or self._changed:
            self._restart("the host has changed something")
        for member, greeting in zip(plan.roster[1:], plan.greetings[1:], strict=True):
            latest = self._round.hellos.get(member.did)
            if latest is None or latest.hash != greeting.hash or member.did not in self._admitted:
                self._restart(f"{member.name} left or came again")
        return True

    def _on_revealed(self) -> None:
        self._timers["accept"] = self._now + self._plan.proposal.options.patience
        if self._restarting == self.epoch:
            return
        if not self._undecided():
            self._send_files()
        self._have_files({} if self._options.files_follow else dict(self._files))

    def _undecided(self) -> bool:
        return any(member.did in self._seated for member in self._plan.roster)

    def _send_files(self) -> None:
        pairs, manifest = self._pairs, self._plan.manifest
        if not self._options.files_follow and manifest.size:
            key = self._crypto.random(32)
            self._send(
                FileKey(tuple(ForPeer(pid, pairs.seal(b"files", pid, key)) for pid in sorted(pairs.secrets)))
            )
            for chunk in seal_files(self._crypto, key, pairs.digest, manifest, self._files):
                self._send(chunk)

    def _on_differ(self, did: str, error: PeerError) -> None:
        self._restart(error.message)

    def _on_accepted(self, did: str) -> None:
        if did == self.did and self._undecided():
            self._seated.clear()
            self._timers["accept"] = self._now + self._plan.proposal.options.patience
            self._send_files()

    def _seal(self) -> None:
        super()._seal()
        for did, greeting in self._round.hellos.items():
            if not self._plan.has(did):
                self._send(Refusal(greeting.hash, "the session has begun without you"))

    def _on_epoch(self) -> None:
        self._proposing = self._changed = False
        self._timers["return"] = self._now + REVEAL_SECONDS
        if self._lacking is not None:
            self._timers["replace"] = self._now + REPLACE_SECONDS
        self._greet()

    def _expired(self, timer: str) -> None:
        if timer == "echo":
            raise self._echo_expired()
        if timer == "replace":
            if self._lacking is not None:
                raise self._lacking
        elif timer == "return":
            missing = [did for did in self._admitted if did not in self._round.hellos]
            if missing:
                self._drop(missing, self._fault(missing[0], "did not come back for the new epoch"))
        else:
            done = self._round.reveals if timer == "reveal" else self._round.accepts
            error = self._silent(done.keys(), timer)
            missing = [member.did for member in self._plan.roster if member.pid not in done]
            if self.did in missing and self._lobby and timer == "accept":
                self.hold("the host did not decide in time")
                return
            if self.did in missing:
                raise error
            self._drop(missing, error)

    # Small things

    def _propose_if_ready(self) -> None:
        present = self._round.hellos
        enough = self._ready if self._parties is None else len(self._admitted) + 1 == self._parties
        here = self.did in present and all(did in present for did in self._admitted)
        if (
            self.state is not CeremonyState.GATHERING
            or self._proposing
            or self._held
            or not (enough and here and self._admitted)
        ):
            return
        guests = sorted(self._admitted, key=lambda did: self._order(self._admitted[did]))
        greetings = [present[did] for did in (self.did, *guests)]
        manifest = self._manifest
        if len({bits(greeting.hello.software) for greeting in greetings}) > 1:
            manifest = replace(manifest, flags=replace(manifest.flags, mix32_64bit=True))
        proposal = Proposal(
            tuple(greeting.hash for greeting in greetings),
            PROTOCOL,
            SUITE,
            manifest.flags.threshold,
            self._options,
            encode(manifest),
        )
        try:
            proposal.check()
        except Meaningless as exc:
            hint = "Choose a lower --threshold."
            self._fail(LocalError(f"this cannot be proposed: {exc}", hint=hint))
            return
        self._proposing = True
        self._send(proposal)

    def _restart(self, reason: str) -> None:
        if self._restarting == self.epoch:
            return
        if self.epoch >= MAX_EPOCHS:
            raise self._lacking or LocalError(
                f"{MAX_EPOCHS} ceremonies did not end (the last because {reason})",
                hint="Start again with a new invitation.",
            )
        self._restarting = self.epoch
        self._send(Restart(self.epoch + 1, shorten(reason)))

    def _drop(self, dids: Iterable[str], error: HuddleError) -> None:
        for did in dids:
            self._lose(did, error.message)
        if self._lobby:
            pass  # the seat waits for somebody else
        elif self._parties is not None:
            self._lacking = error
        elif not self._admitted:
            raise error
        if self._round.plan is not None:
            self._restart(error.message)
        elif self._parties is not None and not self._lobby:
            self._timers.setdefault("replace", self._now + REPLACE_SECONDS)
        else:
            self._propose_if_ready()

    def _lose(self, did: str, reason: str) -> None:
        self._admitted.pop(did, None)
        self._seated.discard(did)
        self._round.hellos.pop(did, None)
        self._tell(events.GuestLeft(did, self._called(did), reason))

    def _turn_away(self, hash_: bytes, hello: Hello, reason: str) -> None:
        self._send(Refusal(hash_, reason))
        known = hello.did in self._admitted
        self._lose(hello.did, reason)
        self._propose_if_ready()
        if known and self._round.plan is not None and self._round.plan.has(hello.did):
            self._restart(f"{hello.name} was refused: {reason}")

    def _unfit(self, hello: Hello) -> str:
        if hello.did in self._banned or self._refusals.get(hello.did, 0) >= MAX_REFUSALS:
            return "the host declined"
        if PROTOCOL not in hello.versions:
            spoken = ", ".join(map(str, hello.versions))
            return f"this Huddle speaks version {PROTOCOL} of the protocol, that one {spoken}"
        differing = version_differences(host=self._software, guest=hello.software)
        if differing:
            return "; ".join(differing) + ": all need the same version"
        if self._is_taken(hello.name, hello.did):
            return _same_name(hello.name)
        others = (one.hello for did, one in self._round.hellos.items() if did != hello.did)
        if hello.commitment in {one.commitment for one in others}:
            return "a commitment that another party has made"
        return ""

    def _is_taken(self, name: str, did: str) -> bool:
        others = (known for other, known in self._admitted.items() if other != did)
        return any(alike(name, other) for other in (self._name, *others))

    def _asked_for(self, hello: bytes) -> Hello:
        try:
            return self._asked[hello]
        except KeyError:
            raise LocalError("no guest with this hello was here") from None


def _same_name(name: str) -> str:
    return f"another party has the name {name}, or one that looks like it; take another one with --name"
