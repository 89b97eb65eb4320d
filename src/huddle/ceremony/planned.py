"""What a host wants to propose, checked before anybody is there: program, options, number of parties."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from huddle.ceremony.epoch import Greeting
from huddle.ceremony.files import seal_files
from huddle.ceremony.manifest import MAX_CEREMONY, Manifest, ManifestError, read, version_differences
from huddle.ceremony.messages import (
    MAX_PARTIES,
    PROTOCOL,
    SUITE,
    FileChunk,
    FileKey,
    ForPeer,
    Meaningless,
    Options,
    Proposal,
    Software,
)
from huddle.ceremony.roster import bits
from huddle.ceremony.sealed import Pairs
from huddle.codec import encode
from huddle.errors import LocalError
from huddle.identity.crypto import Crypto


@dataclass(frozen=True, slots=True)
class Planned:
    """A program and to how many parties it is proposed; `parties` None: any number.

    Making one raises LocalError where others would refuse it.
    """

    manifest: Manifest
    files: Mapping[str, bytes] = field(repr=False)
    options: Options
    parties: int | None
    software: tuple[Software, ...]

    def __post_init__(self) -> None:
        manifest, options, parties = self.manifest, self.options, self.parties
        try:
            read(encode(manifest))
            if not options.files_follow:
                manifest.check_files(self.files)
        except ManifestError as exc:
            raise LocalError(f"the program cannot be proposed: {exc}") from exc
        if parties is not None:
            self.check_threshold(parties)
        if parties is not None and not 2 <= parties <= MAX_PARTIES:
            raise LocalError(f"a session has 2 to {MAX_PARTIES} parties, not {parties}")
        if not options.files_follow and manifest.size > MAX_CEREMONY:
            raise LocalError(
                f"{manifest.size} bytes of files are too many to send before the session is sealed"
            )
        if version_differences(host=self.software, guest=manifest.versions):
            raise LocalError("the manifest names other versions than this party has")

    def check_threshold(self, parties: int) -> None:
        """Raise LocalError where the threshold needs more parties than these."""
        threshold = self.manifest.flags.threshold
        if threshold is not None and 2 * threshold >= parties:
            raise LocalError(
                f"threshold {threshold} needs {2 * threshold + 1} parties", hint="Choose a lower --threshold."
            )

    def proposal(self, greetings: Sequence[Greeting]) -> Proposal:
        """The proposal to who sent these hellos, the host's first; LocalError where there can't be one."""
        manifest = self.manifest
        if len({bits(greeting.hello.software) for greeting in greetings}) > 1:
            manifest = replace(manifest, flags=replace(manifest.flags, mix32_64bit=True))
        proposal = Proposal(
            tuple(greeting.hash for greeting in greetings),
            PROTOCOL,
            SUITE,
            manifest.flags.threshold,
            self.options,
            encode(manifest),
        )
        try:
            proposal.check()
        except Meaningless as exc:
            hint = "Choose a lower --threshold."
            raise LocalError(f"this cannot be proposed: {exc}", hint=hint) from exc
        return proposal

    def sealed_files(self, crypto: Crypto, pairs: Pairs, manifest: Manifest) -> Iterator[FileKey | FileChunk]:
        """The files as they go to the guests, behind their key; nothing where they follow or are empty."""
        if self.options.files_follow or not manifest.size:
            return
        key = crypto.random(32)
        yield FileKey(tuple(ForPeer(pid, pairs.seal(b"files", pid, key)) for pid in sorted(pairs.secrets)))
        yield from seal_files(crypto, key, pairs.digest, manifest, self.files)
