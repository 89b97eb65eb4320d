"""The ceremony, as every party goes through it: from hellos to a sealed session, sans-IO.

One method takes each kind of message, once the core has judged that it may stand where it stands.
What the host alone decides is in `host`, what only a guest checks in `guest`.
"""

from abc import abstractmethod
from collections.abc import Mapping

from huddle.ceremony import events
from huddle.ceremony.core import CeremonyCore, Greeting
from huddle.ceremony.files import FileReader
from huddle.ceremony.log import LogEntry
from huddle.ceremony.manifest import ManifestError
from huddle.ceremony.messages import (
    MAX_EPOCHS,
    Accept,
    Bye,
    Decline,
    Differ,
    FileChunk,
    FileKey,
    ForPeer,
    Hello,
    Lobby,
    Message,
    Offer,
    Offers,
    Proposal,
    Refusal,
    Restart,
    Reveal,
    shorten,
)
from huddle.ceremony.roster import Plan, read_proposal
from huddle.ceremony.sealed import Pairs, Sealed, Transcript, pair_secret
from huddle.ceremony.states import TIMELESS, CeremonyState
from huddle.ceremony.values import HOST
from huddle.codec import decode, encode
from huddle.errors import LocalError, PeerError
from huddle.identity.crypto import InvalidSeal
from huddle.identity.did import public_from_did
from huddle.identity.words import words_from


class Ceremony(CeremonyCore):
    """What host and guest have in common."""

    # What the shell calls

    def accept(self, offers: Mapping[int, tuple[Offer, ...]], *, digest: bytes) -> None:
        """Accept what the words with this digest were shown for; `offers` are this party's, by pid.

        Raises LocalError where the ceremony has moved on or the files are not there yet.
        """
        round_ = self._round
        pairs = round_.pairs
        if self.state is not CeremonyState.ACCEPTING or pairs is None or pairs.digest != digest:
            raise LocalError("what you accept is no longer what is proposed", hint="Look again, then decide.")
        if round_.files is None:
            raise LocalError("the program's files are not here yet", hint="Wait for them, then decide.")
        if round_.spoiled is not None:
            raise LocalError(
                f"this cannot be accepted any more: {round_.spoiled.message}",
                hint="Wait for the host to begin again.",
            )
        if round_.accepting:
            return
        sealed = tuple(
            ForPeer(pid, pairs.seal(b"offers", pid, encode(Offers(tuple(offers.get(pid, ()))))))
            for pid in sorted(pairs.secrets)
        )
        signature = self._crypto.sign(self._identity.key, round_.room.accepted(digest))
        round_.accepting = True
        self._send(Accept(signature, sealed))

    def decline(self, reason: str) -> None:
        """Take no part in what is proposed; the ceremony is over for this party."""
        asked = self.state in (CeremonyState.REVEALING, CeremonyState.ACCEPTING) and self.role != HOST
        self._leave((Decline if asked else Bye)(shorten(reason)))

    def differ(self, *, digest: bytes) -> None:
        """Say to all that this person sees other words than those of this digest; it ends the epoch.

        Raises LocalError where the ceremony has moved on, or this party has accepted already.
        """
        pairs = self._round.pairs
        if self.state is not CeremonyState.ACCEPTING or pairs is None or pairs.digest != digest:
            raise LocalError("these words do not count any more", hint="Compare the new ones.")
        if self._round.accepting:
            raise LocalError("you have accepted these words already", hint="Leave with Ctrl-C.")
        self._round.accepting = True  # that was this person's answer
        self._send(Differ())

    # What host and guest decide for themselves

    @abstractmethod
    def _on_hello(self, greeting: Greeting, entry: LogEntry) -> None: ...

    @abstractmethod
    def _on_refusal(self, message: Refusal) -> None: ...

    @abstractmethod
    def _on_lobby(self, message: Lobby) -> None: ...

    @abstractmethod
    def _on_leaving(self, did: str, reason: str, *, declined: bool) -> None: ...

    @abstractmethod
    def _on_proposed(self, plan: Plan) -> bool: ...

    @abstractmethod
    def _on_revealed(self) -> None: ...

    @abstractmethod
    def _on_differ(self, did: str, error: PeerError) -> None: ...

    @abstractmethod
    def _on_accepted(self, did: str) -> None: ...

    @abstractmethod
    def _on_epoch(self) -> None: ...

    # Messages

    def _dispatch(self, entry: LogEntry, message: Message) -> None:
        did = entry.envelope.sender
        match message:
            case Hello():
                self._take_hello(entry, message)
            case Refusal():
                self._on_refusal(message)
            case Lobby():
                self._on_lobby(message)
            case Proposal():
                self._take_proposal(entry, message)
            case Reveal():
                self._take_reveal(did, message)
            case FileKey():
                self._take_file_key(did, message)
            case FileChunk():
                self._take_chunk(did, message)
            case Accept():
                self._take_accept(did, message)
            case Differ():
                self._take_differ(did)
            case Restart():
                self._take_restart(did, message)
            case Decline() | Bye():
                if did != self.did:
                    self._on_leaving(did, message.reason, declined=isinstance(message, Decline))

    def _take_hello(self, entry: LogEntry, hello: Hello) -> None:
        did, body = entry.envelope.sender, entry.envelope.body
        if hello.did != did:
            raise self._fault(did, f"says that it is {hello.did}")
        if (hello.role == HOST) != self._invitation.is_host(did):
            raise self._fault(did, "claims a role that the invitation does not give it")
        greeting = Greeting(self._round.room.hello_hash(did, body), body, hello)
        self._names[did] = hello.name
        self._on_hello(greeting, entry)

    def _take_proposal(self, entry: LogEntry, proposal: Proposal) -> None:
        host = entry.envelope.sender
        try:
            plan = read_proposal(
                self._round.room,
                entry.envelope.body,
                proposal,
                self._round.greetings,
                self._software,
            )
        except ManifestError as error:
            raise self._fault(host, f"proposes what cannot be run: {error}") from error
        self._round.plan = plan
        if not self._on_proposed(plan):
            self._round.plan = None
            return
        self._enter(CeremonyState.REVEALING)
        pid = plan.pid(self.did)
        self._tell(
            events.Proposed(self.epoch, pid, plan.roster, proposal.threshold, proposal.options, plan.manifest)
        )
        values = self._values
        self._send(Reveal(plan.hash, values.exchange, values.nonce))

    def _take_reveal(self, did: str, reveal: Reveal) -> None:
        round_, plan = self._round, self._plan
        pid = plan.pid(did)
        if pid in round_.reveals:
            raise self._fault(did, "revealed twice")
        if reveal.proposal != plan.hash:
            raise self._fault(did, "revealed for another proposal than the one shown here")
        if not round_.room.opens(plan.greetings[pid].hello, reveal):
            raise self._fault(did, "revealed other values than it had committed to")
        round_.reveals[pid] = reveal
        if len(round_.reveals) == len(plan.roster):
            self._all_revealed()

    def _all_revealed(self) -> None:
        round_, plan = self._round, self._plan
        reveals = [round_.reveals[pid] for pid in range(len(plan.roster))]
        digest = round_.room.digest(
            plan.body,
            [greeting.body for greeting in plan.greetings],
            [reveal.exchange for reveal in reveals],
            [reveal.nonce for reveal in reveals],
        )
        me, secrets = plan.pid(self.did), {}
        for member, reveal in zip(plan.roster, reveals, strict=True):
            if member.pid == me:
                continue
            try:
                shared = self._crypto.exchange(self._values.key, reveal.exchange)
            except ValueError:
                self._on_fault(member.did, self._fault(member.did, "revealed a key that gives no secret"))
                return
            secrets[member.pid] = pair_secret(shared, digest)
        round_.pairs = Pairs(self._crypto, digest, me, secrets)
        self._enter(CeremonyState.ACCEPTING)
        self._timers.pop("reveal", None)
        self._tell(events.WordsReady(self.epoch, words_from(digest), digest))
        self._on_revealed()

    def _take_file_key(self, did: str, message: FileKey) -> None:
        pairs = self._pairs
        if self.role == HOST:
            return
        mine = [one.sealed for one in message.keys if one.to == pairs.pid]
        if len(mine) != 1 or self._round.reader is not None or self._round.files is not None:
            raise self._fault(did, "sent the key of the files twice, or to others only")
        try:
            key = pairs.open(b"files", self._plan.pid(did), mine[0])
        except InvalidSeal as exc:
            raise self._fault(did, "sent a key of the files that does not open") from exc
        if len(key) != 32:
            raise self._fault(did, "sent a key of the files that is no key")
        self._round.reader = FileReader(self._crypto, key, pairs.digest, self._plan.manifest)

    def _take_chunk(self, did: str, message: FileChunk) -> None:
        if self.role == HOST:
            return
        reader = self._round.reader
        if reader is None:
            raise self._fault(did, "sent the files before their key")
        try:
            reader.take(message)
            if not reader.missing:
                self._have_files(reader.files())
        except ManifestError as error:
            raise self._fault(did, f"sent files that are refused here: {error}") from error

    def _have_files(self, files: dict[str, bytes]) -> None:
        self._round.files = files
        self._tell(events.FilesReady(files))

    def _take_accept(self, did: str, message: Accept) -> None:
        round_, plan, pairs = self._round, self._plan, self._pairs
        pid = plan.pid(did)
        if pid in round_.accepts:
            raise self._fault(did, "accepted twice")
        signed = round_.room.accepted(pairs.digest)
        if not self._crypto.verify(public_from_did(did), message.signature, signed):
            raise self._fault(did, "signed another roster or program than the one shown here")
        if [one.to for one in message.offers] != [other.pid for other in plan.roster if other.pid != pid]:
            raise self._fault(did, "left out somebody in its offers")
        if pid != pairs.pid:
            round_.offers[pid] = self._open_offers(did, pid, message)
        round_.accepts[pid] = message
        self._tell(events.Accepted(pid))
        self._on_accepted(did)
        if len(round_.accepts) == len(plan.roster):
            self._seal()

    def _open_offers(self, did: str, pid: int, message: Accept) -> tuple[Offer, ...]:
        # Whether they open is known to this party alone, and all must seal at the same record of the
        # log: so a party whose offers do not open is one that offers nothing, which its link will show.
        mine = next(one.sealed for one in message.offers if one.to == self._pairs.pid)
        try:
            return decode(Offers, self._pairs.open(b"offers", pid, mine)).offers
        except ValueError:  # InvalidSeal and DecodeError are
            self._tell(events.CeremonyNotice(f"{self._called(did)} sent offers that do not open"))
            return ()

    def _seal(self) -> None:
        round_, plan, pairs = self._round, self._plan, self._pairs
        pids = range(len(plan.roster))
        transcript = Transcript(
            plan.body,
            tuple(greeting.body for greeting in plan.greetings),
            tuple(round_.reveals[pid].exchange for pid in pids),
            tuple(round_.reveals[pid].nonce for pid in pids),
            tuple(round_.accepts[pid].signature for pid in pids),
        )
        self.sealed = Sealed(
            digest=pairs.digest,
            room=self._room_id,
            epoch=self.epoch,
            pid=pairs.pid,
            roster=plan.roster,
            threshold=plan.proposal.threshold,
            options=plan.proposal.options,
            manifest=plan.manifest,
            files=round_.files or {},
            offers=dict(round_.offers),
            words=words_from(pairs.digest),
            pairs=pairs,
            transcript=transcript if plan.proposal.options.record else None,
        )
        self._enter(CeremonyState.SEALED)
        round_.values = None
        round_.reader = None
        round_.reveals.clear()
        round_.accepts.clear()
        self._timers = {name: when for name, when in self._timers.items() if name == "echo"}
        self._outgoing = [one for one in self._outgoing if one[1] in TIMELESS]
        self._tell(events.SessionSealed(self.sealed))

    def _take_differ(self, did: str) -> None:
        if self._round.spoiled is not None:  # once for an epoch is loud enough
            return
        error = self._fault(
            did, "saw other words", hint="Somebody may be intercepting: compare the next words by voice."
        )
        self._round.spoiled = error
        self._tell(events.WordsDiffer(did, error.peer, self.epoch))
        self._on_differ(did, error)

    def _take_restart(self, did: str, message: Restart) -> None:
        if message.epoch != self.epoch + 1 or message.epoch > MAX_EPOCHS:
            raise self._fault(did, f"began epoch {message.epoch} after epoch {self.epoch} of {MAX_EPOCHS}")
        self._round = self._new_round(message.epoch)
        self._enter(CeremonyState.GATHERING)
        self._greeted = False
        self._timers = {name: when for name, when in self._timers.items() if name == "echo"}
        self._tell(events.Restarted(message.epoch, message.reason))
        self._on_epoch()
