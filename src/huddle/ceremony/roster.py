"""What a proposal must be before anybody reveals anything to it: the checks that all parties make.

It must not know who this party is: whether a party wants to take part is for host and guest to say.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from huddle.ceremony.manifest import MAX_CEREMONY, Manifest, ManifestError, read, version_differences
from huddle.ceremony.messages import PROTOCOL, SUITE, Hello, Proposal, Software
from huddle.ceremony.sealed import Member
from huddle.ceremony.values import GUEST, HOST, EpochContext
from huddle.identity.names import any_alike

PSEUDONYM = Software("identity", "session")  # in a hello: this key is for one session alone


class Greeted(Protocol):
    """A hello as it was sent."""

    @property
    def hash(self) -> bytes: ...

    @property
    def body(self) -> bytes: ...

    @property
    def hello(self) -> Hello: ...


@dataclass(frozen=True, slots=True)
class Plan:
    """A valid proposal, with what it names."""

    hash: bytes
    body: bytes
    proposal: Proposal
    manifest: Manifest
    greetings: tuple[Greeted, ...]
    roster: tuple[Member, ...]

    def pid(self, did: str) -> int:
        """The index of a member of the roster."""
        return next(member.pid for member in self.roster if member.did == did)

    def has(self, did: str) -> bool:
        """Whether this did is in the roster."""
        return any(member.did == did for member in self.roster)


def read_proposal(
    room: EpochContext,
    body: bytes,
    proposal: Proposal,
    hellos: Iterable[Greeted],
    software: Iterable[Software],
) -> Plan:
    """The plan of a proposal; raises ManifestError where nobody should take part in it."""
    if proposal.version != PROTOCOL or proposal.suite != SUITE:
        raise ManifestError(
            f"version {proposal.version} of the protocol with {proposal.suite!r},"
            " which this Huddle does not speak"
        )
    by_hash = {greeting.hash: greeting for greeting in hellos}
    try:
        greetings = tuple(by_hash[one] for one in proposal.hellos)
    except KeyError as exc:
        raise ManifestError("a party whose hello nobody sent") from exc
    _check_parties([greeting.hello for greeting in greetings])
    manifest = read(proposal.manifest)
    if manifest.session or manifest.run != 1:
        raise ManifestError("a program of another session or run")
    if manifest.flags.threshold != proposal.threshold:
        raise ManifestError("two different thresholds")
    if not proposal.options.files_follow and manifest.size > MAX_CEREMONY:
        raise ManifestError(f"{manifest.size} bytes of files through the room, which takes {MAX_CEREMONY}")
    differing = version_differences(host=manifest.versions, guest=software)
    if differing:
        raise ManifestError("; ".join(differing))
    if len({bits(greeting.hello.software) for greeting in greetings}) > 1 and not manifest.flags.mix32_64bit:
        raise ManifestError("32-bit and 64-bit parties without mix32_64bit")
    roster = tuple(
        Member(
            pid,
            greeting.hello.did,
            greeting.hello.name,
            plain(greeting.hello.software),
            PSEUDONYM in greeting.hello.software,
        )
        for pid, greeting in enumerate(greetings)
    )
    return Plan(room.proposal_hash(body), body, proposal, manifest, greetings, roster)


def bits(software: Iterable[Software]) -> str:
    """The word size that a party names, on which MPyC's program counter depends."""
    return next((one.version for one in software if one.name == "bits"), "64")


def plain(software: Iterable[Software]) -> str:
    """A party's part where somebody runs plain MPyC: end, open, closed, or empty."""
    named = next((one.version for one in software if one.name == "plain"), "")
    return named if named in ("end", "open", "closed") else ""


def _check_parties(hellos: list[Hello]) -> None:
    if [hello.role for hello in hellos] != [HOST] + [GUEST] * (len(hellos) - 1):
        raise ManifestError("a roster that does not begin with its host")
    for what, values in (
        ("did", [hello.did for hello in hellos]),
        ("commitment", [hello.commitment.hex() for hello in hellos]),
    ):
        if len(set(values)) != len(values):
            raise ManifestError(f"two parties with the same {what}")
    if any_alike(hello.name for hello in hellos):
        raise ManifestError("two parties with the same name, or with names that look alike")
