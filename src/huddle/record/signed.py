"""The record of a session, signed by all of its parties, which anybody can check later and offline.

    file      = "huddle record 1\\n" ‖ encoding of SignedRecord
    signature = Ed25519 over fields("huddle/1 session record", room id, U8 epoch, record as encoded), one
                per party, in the order of the roster

A record holds what the parties signed when the session was sealed, so a checker computes the digest and
the words itself and believes nobody: who took part, in which program, over which paths, when, and how
each run ended. It proves that the holders of these identities said so; it says nothing about the inputs,
and the times are the host's. It must not know where records are kept.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Protocol

from huddle.ceremony.log import signed_fields
from huddle.ceremony.manifest import Manifest, ManifestError, read
from huddle.ceremony.messages import (
    MAX_BODY,
    MAX_MANIFEST,
    MAX_PARTIES,
    Hello,
    Meaningless,
    Proposal,
    Reveal,
    Sha256,
    Word,
    is_line,
)
from huddle.ceremony.roster import Plan, read_proposal
from huddle.ceremony.sealed import Member, Sealed
from huddle.ceremony.values import EpochContext
from huddle.codec import U8, U32, U64, DecodeError, Fixed, Limit, decode, encode
from huddle.identity.crypto import Crypto
from huddle.identity.did import public_from_did
from huddle.identity.keys import Identity
from huddle.identity.words import words_from

MAGIC = b"huddle record 1\n"
MAX_RUNS = 256  # an afternoon of runs, one keypress each
MAX_PATHS = 4_096  # each of 496 pairs may change its path eight times
MAX_FILE = 64 << 20  # bytes; 256 of the largest manifests are 25 MB


class RecordError(ValueError):
    """A record that does not hold; the text says why."""


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One run: its manifest as sent, when it began and ended (Unix seconds), and how."""

    manifest: Annotated[bytes, Limit(MAX_MANIFEST)]
    started: U64
    ended: U64
    outcome: Annotated[str, Limit(300)]


@dataclass(frozen=True, slots=True)
class PathRecord:
    """How two parties were linked: a network, and a phrase such as "direct" or "relayed by …"."""

    run: U32
    lower: U8
    higher: U8
    network: Word
    path: Annotated[str, Limit(200)]


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """What all sign: first what they signed at the sealing, then what happened."""

    room: Annotated[bytes, Limit(64)]
    epoch: U8
    proposal: Annotated[bytes, Limit(MAX_BODY)]
    hellos: Annotated[tuple[Annotated[bytes, Limit(MAX_BODY)], ...], Limit(MAX_PARTIES)]
    exchanges: Annotated[tuple[Sha256, ...], Limit(MAX_PARTIES)]
    nonces: Annotated[tuple[Sha256, ...], Limit(MAX_PARTIES)]
    accepts: Annotated[tuple[Annotated[bytes, Fixed(64)], ...], Limit(MAX_PARTIES)]
    started: U64
    ended: U64
    runs: Annotated[tuple[RunRecord, ...], Limit(MAX_RUNS)]
    paths: Annotated[tuple[PathRecord, ...], Limit(MAX_PATHS)]


class RecordFile(Protocol):
    """What stands in a record's file behind its first line, whole or not (`huddle.record.unfinished`)."""

    @property
    def record(self) -> bytes:
        """The SessionRecord, as encoded."""
        ...

    def signed(
        self, record: SessionRecord, roster: tuple[Member, ...]
    ) -> Iterator[tuple[Member, bytes, bytes]]:
        """Each signature: whose it must be, itself, what it signs; RecordError where one can't be there."""
        ...


@dataclass(frozen=True, slots=True)
class SignedRecord:
    """The record and a signature by each party."""

    record: Annotated[bytes, Limit(MAX_FILE)]
    signatures: Annotated[tuple[Annotated[bytes, Fixed(64)], ...], Limit(MAX_PARTIES)]

    def signed(
        self, record: SessionRecord, roster: tuple[Member, ...]
    ) -> Iterator[tuple[Member, bytes, bytes]]:
        """All parties', over the record; see `RecordFile`."""
        if len(self.signatures) != len(roster):
            raise RecordError("it is not signed by all")
        for member, signature in zip(roster, self.signatures, strict=True):
            yield member, signature, _signed(record, self.record)


@dataclass(frozen=True, slots=True)
class Report:
    """What a record says that holds."""

    digest: bytes
    words: tuple[str, ...]
    roster: tuple[Member, ...]
    threshold: int | None
    started: int
    ended: int
    manifests: tuple[Manifest, ...]
    runs: tuple[RunRecord, ...]
    paths: tuple[PathRecord, ...]


def build(
    sealed: Sealed, *, started: int, ended: int, runs: Iterable[RunRecord], paths: Iterable[PathRecord]
) -> bytes:
    """The record to be signed by all; ValueError where the session did not agree to one."""
    transcript = sealed.transcript
    if transcript is None:
        raise ValueError("no record was agreed to")
    record = encode(
        SessionRecord(
            sealed.room,
            sealed.epoch,
            transcript.proposal,
            transcript.hellos,
            transcript.exchanges,
            transcript.nonces,
            transcript.accepts,
            started,
            ended,
            tuple(runs),
            tuple(paths),
        )
    )
    _check(record)
    return record


def sign(crypto: Crypto, identity: Identity, sealed: Sealed, record: bytes) -> bytes:
    """This party's signature; RecordError where the record is of another session than its own.

    Whether times, outcomes and paths are right is for the caller to compare with what it saw.
    """
    parsed, report = read_record(crypto, record)
    if report.digest != sealed.digest or parsed.room != sealed.room:
        raise RecordError("it is the record of another session")
    return crypto.sign(identity.key, _signed(parsed, record))


def combine(crypto: Crypto, record: bytes, signatures: Sequence[bytes]) -> bytes:
    """The file, from signatures in the order of the roster; RecordError where one is missing or wrong."""
    data = MAGIC + encode(SignedRecord(record, tuple(signatures)))
    verify(crypto, data)
    return data


def verify(crypto: Crypto, data: bytes) -> Report:
    """Check a file, with nothing but its bytes; raises RecordError where it does not hold."""
    return read_file(crypto, data, MAGIC, SignedRecord)[1]


def read_file[File: RecordFile](
    crypto: Crypto, data: bytes, magic: bytes, kind: type[File]
) -> tuple[File, Report]:
    """A file that begins so and holds that, and what it says; RecordError where it does not hold."""
    if len(data) > MAX_FILE:
        raise RecordError("it is too large for a record")
    if not data.startswith(magic):
        raise RecordError("it is not a record of this version")
    try:
        file = decode(kind, data[len(magic) :])
    except DecodeError as exc:
        raise RecordError(f"it is damaged: {exc}") from exc
    record, report = read_record(crypto, file.record)
    for member, signature, signed in file.signed(record, report.roster):
        if not crypto.verify(public_from_did(member.did), signature, signed):
            raise RecordError(f"the signature of {member.name} is not right")
    return file, report


def read_record(crypto: Crypto, data: bytes) -> tuple[SessionRecord, Report]:
    """A record without the signatures at its end, and what it says; RecordError where it does not hold."""
    record = _check(data)
    room = EpochContext(record.room, record.epoch)
    plan, digest = _sealing(record, room)
    for member, signature in zip(plan.roster, record.accepts, strict=True):
        if not crypto.verify(public_from_did(member.did), signature, room.accepted(digest)):
            raise RecordError(f"{member.name} did not accept this session")
    manifests = tuple(_manifest(run, plan, digest) for run in record.runs)
    numbers = [manifest.run for manifest in manifests]
    if numbers != sorted(set(numbers)):
        raise RecordError("its runs are not in order")
    if any(not one.lower < one.higher < len(plan.roster) for one in record.paths):
        raise RecordError("a path between parties that are none")
    report = Report(
        digest,
        words_from(digest),
        plan.roster,
        plan.proposal.threshold,
        record.started,
        record.ended,
        manifests,
        record.runs,
        record.paths,
    )
    return record, report


def _check(data: bytes) -> SessionRecord:
    try:
        record = decode(SessionRecord, data)
    except DecodeError as exc:
        raise RecordError(f"it is damaged: {exc}") from exc
    parties = {len(part) for part in (record.hellos, record.exchanges, record.nonces, record.accepts)}
    if len(parties) != 1:
        raise RecordError("its parties are not complete")
    spans = [(record.started, record.ended), *((run.started, run.ended) for run in record.runs)]
    if any(start > end for start, end in spans):
        raise RecordError("something in it ended before it began")
    texts = [
        *(run.outcome for run in record.runs),
        *(text for one in record.paths for text in (one.network, one.path)),
    ]
    if not all(is_line(text) for text in texts):
        raise RecordError("it holds text that cannot be shown")
    return record


@dataclass(frozen=True, slots=True)
class _Greeted:
    hash: bytes
    body: bytes
    hello: Hello


def _sealing(record: SessionRecord, room: EpochContext) -> tuple[Plan, bytes]:
    try:
        hellos = [decode(Hello, body) for body in record.hellos]
        for hello in hellos:
            hello.check()
            public_from_did(hello.did)
        greetings = [
            _Greeted(room.hello_hash(hello.did, body), body, hello)
            for hello, body in zip(hellos, record.hellos, strict=True)
        ]
        proposal = decode(Proposal, record.proposal)
        proposal.check()
        versions = read(proposal.manifest).versions
        plan = read_proposal(room, record.proposal, proposal, greetings, versions)
    except (Meaningless, ManifestError) as exc:
        raise RecordError(f"it holds what no ceremony lets pass: {exc}") from exc
    except ValueError as exc:  # DecodeError and bad dids
        raise RecordError(f"it is damaged: {exc}") from exc
    if [greeting.hash for greeting in greetings] != list(proposal.hellos):
        raise RecordError("its parties are not those of its proposal")
    for hello, exchange, nonce in zip(hellos, record.exchanges, record.nonces, strict=True):
        if not room.opens(hello, Reveal(plan.hash, exchange, nonce)):
            raise RecordError(f"the values of {hello.name} are not those it had committed to")
    return plan, room.digest(record.proposal, record.hellos, record.exchanges, record.nonces)


def _manifest(run: RunRecord, plan: Plan, digest: bytes) -> Manifest:
    try:
        manifest = read(run.manifest)
    except ManifestError as exc:
        raise RecordError(f"it holds a manifest that must not be run: {exc}") from exc
    first = manifest.run == 1 and run.manifest == plan.proposal.manifest
    if not first and (manifest.run == 1 or manifest.session != digest):
        raise RecordError(f"run {manifest.run} belongs to another session")
    return manifest


def _signed(record: SessionRecord, data: bytes) -> bytes:
    return signed_fields("session record", record.room, bytes([record.epoch]), data)
