"""One epoch of a ceremony: fresh values, hellos, one proposal, and what all reveal and accept of it.

Each method takes what one message brings, and raises MessageFault where the message is not what it must be.
It must not know states, timers or persons: who may speak when is judged before, what follows comes after.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from huddle.ceremony.files import FileReader
from huddle.ceremony.gate import MessageFault
from huddle.ceremony.manifest import ManifestError
from huddle.ceremony.messages import (
    Accept,
    FileChunk,
    FileKey,
    ForPeer,
    Hello,
    Offer,
    Offers,
    Proposal,
    Reveal,
    Software,
)
from huddle.ceremony.roster import Plan, read_proposal
from huddle.ceremony.sealed import Pairs, Sealed, Transcript, pair_secret
from huddle.ceremony.values import EpochContext, Values
from huddle.codec import decode, encode
from huddle.errors import HuddleError
from huddle.identity.crypto import Crypto, InvalidSeal
from huddle.identity.did import public_from_did
from huddle.identity.keys import Identity
from huddle.identity.words import words_from


@dataclass(frozen=True, slots=True)
class Greeting:
    """A hello of the present epoch, as it was sent."""

    hash: bytes
    body: bytes
    hello: Hello


@dataclass(slots=True)
class Epoch:
    """What belongs to one epoch, and is forgotten with it."""

    room: EpochContext
    crypto: Crypto = field(repr=False)
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
    accepting: bool = False  # this person has answered
    spoiled: HuddleError | None = None  # why nothing of it counts any more, until the host's restart

    @classmethod
    def fresh(cls, crypto: Crypto, room: bytes, number: int) -> "Epoch":
        """A new epoch, with values of its own."""
        return cls(EpochContext(room, number), crypto, Values.fresh(crypto))

    @property
    def secrets(self) -> Values:
        """This party's values; RuntimeError once they are forgotten."""
        if self.values is None:
            raise RuntimeError("the values of this epoch are gone")
        return self.values

    @property
    def proposed(self) -> Plan:
        """The proposal; RuntimeError where there is none."""
        if self.plan is None:
            raise RuntimeError("there is no proposal in this state")
        return self.plan

    @property
    def paired(self) -> Pairs:
        """What this party shares with each other one; RuntimeError before all have revealed."""
        if self.pairs is None:
            raise RuntimeError("not all have revealed in this state")
        return self.pairs

    @property
    def has_all_reveals(self) -> bool:
        """Whether everybody has revealed."""
        return len(self.reveals) == len(self.proposed.roster)

    @property
    def has_all_accepts(self) -> bool:
        """Whether everybody has accepted."""
        return len(self.accepts) == len(self.proposed.roster)

    def greet(self, greeting: Greeting) -> None:
        """A hello that counts."""
        self.hellos[greeting.hello.did] = greeting
        self.greetings.append(greeting)

    def read(self, body: bytes, proposal: Proposal, software: Iterable[Software]) -> Plan:
        """What the host proposes."""
        try:
            return read_proposal(self.room, body, proposal, self.greetings, software)
        except ManifestError as error:
            raise MessageFault(f"proposes what cannot be run: {error}") from error

    def reveal(self, did: str, reveal: Reveal) -> None:
        """What a party had committed to."""
        plan = self.proposed
        pid = plan.pid(did)
        if pid in self.reveals:
            raise MessageFault("revealed twice")
        if reveal.proposal != plan.hash:
            raise MessageFault("revealed for another proposal than the one shown here")
        if not self.room.opens(plan.greetings[pid].hello, reveal):
            raise MessageFault("revealed other values than it had committed to")
        self.reveals[pid] = reveal

    def pair(self, me: int) -> Pairs:
        """The digest and the secrets of each pair, once all have revealed."""
        plan = self.proposed
        reveals = [self.reveals[pid] for pid in range(len(plan.roster))]
        digest = self.room.digest(
            plan.body,
            [greeting.body for greeting in plan.greetings],
            [reveal.exchange for reveal in reveals],
            [reveal.nonce for reveal in reveals],
        )
        secrets = {}
        for member, reveal in zip(plan.roster, reveals, strict=True):
            if member.pid == me:
                continue
            try:
                shared = self.crypto.exchange(self.secrets.key, reveal.exchange)
            except ValueError:
                raise MessageFault("revealed a key that gives no secret", member.did) from None
            secrets[member.pid] = pair_secret(shared, digest)
        self.pairs = Pairs(self.crypto, digest, me, secrets)
        return self.pairs

    def take_file_key(self, did: str, message: FileKey) -> None:
        """The key of the program's files, at a guest."""
        plan, pairs = self.proposed, self.paired
        mine = [one.sealed for one in message.keys if one.to == pairs.pid]
        if len(mine) != 1 or self.reader is not None or self.files is not None:
            raise MessageFault("sent the key of the files twice, or to others only")
        try:
            key = pairs.open(b"files", plan.pid(did), mine[0])
        except InvalidSeal as exc:
            raise MessageFault("sent a key of the files that does not open") from exc
        if len(key) != 32:
            raise MessageFault("sent a key of the files that is no key")
        self.reader = FileReader(self.crypto, key, pairs.digest, plan.manifest)

    def take_chunk(self, message: FileChunk) -> dict[str, bytes] | None:
        """A piece of the program's files, at a guest; all of them with the last piece."""
        if self.reader is None:
            raise MessageFault("sent the files before their key")
        try:
            self.reader.take(message)
            return None if self.reader.missing else self.reader.files()
        except ManifestError as error:
            raise MessageFault(f"sent files that are refused here: {error}") from error

    def acceptance(self, identity: Identity, offers: Mapping[int, Iterable[Offer]]) -> Accept:
        """This party's accept, with its offers by pid."""
        pairs = self.paired
        sealed = tuple(
            ForPeer(pid, pairs.seal(b"offers", pid, encode(Offers(tuple(offers.get(pid, ()))))))
            for pid in sorted(pairs.secrets)
        )
        return Accept(self.crypto.sign(identity.key, self.room.accepted(pairs.digest)), sealed)

    def accept(self, did: str, message: Accept) -> bool:
        """A party's accept; False where its offers do not open.

        Whether they open is known to this party alone, and all must seal at the same record of the
        log: so a party whose offers do not open is one that offers nothing, which its link will show.
        """
        plan, pairs = self.proposed, self.paired
        pid = plan.pid(did)
        if pid in self.accepts:
            raise MessageFault("accepted twice")
        signed = self.room.accepted(pairs.digest)
        if not self.crypto.verify(public_from_did(did), message.signature, signed):
            raise MessageFault("signed another roster or program than the one shown here")
        if [one.to for one in message.offers] != [other.pid for other in plan.roster if other.pid != pid]:
            raise MessageFault("left out somebody in its offers")
        self.accepts[pid] = message
        if pid == pairs.pid:
            return True
        mine = next(one.sealed for one in message.offers if one.to == pairs.pid)
        try:
            self.offers[pid] = decode(Offers, pairs.open(b"offers", pid, mine)).offers
        except ValueError:  # InvalidSeal and DecodeError are
            self.offers[pid] = ()
            return False
        return True

    def seal(self) -> Sealed:
        """The session that all have accepted; what it was made from is forgotten."""
        plan, pairs = self.proposed, self.paired
        pids = range(len(plan.roster))
        transcript = Transcript(
            plan.body,
            tuple(greeting.body for greeting in plan.greetings),
            tuple(self.reveals[pid].exchange for pid in pids),
            tuple(self.reveals[pid].nonce for pid in pids),
            tuple(self.accepts[pid].signature for pid in pids),
        )
        sealed = Sealed(
            digest=pairs.digest,
            room=self.room.id,
            epoch=self.room.epoch,
            pid=pairs.pid,
            roster=plan.roster,
            threshold=plan.proposal.threshold,
            options=plan.proposal.options,
            manifest=plan.manifest,
            files=self.files or {},
            offers=dict(self.offers),
            words=words_from(pairs.digest),
            pairs=pairs,
            transcript=transcript if plan.proposal.options.record else None,
        )
        self.values = self.reader = None
        self.reveals.clear()
        self.accepts.clear()
        return sealed
