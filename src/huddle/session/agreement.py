"""How all parties agree on a run that the ceremony did not cover, over control links.

That is every run after the first, and the first one where its files were too large for the room:

    host            RunProposal(manifest), FilePart*, FilesDone      to all
    everybody       Answer(run, yes, signature) or Answer(run, no, reason)      to all
    signature       Ed25519 over fields("huddle/1 run", session digest, manifest digest)

A run starts at a party when that party has itself verified the signatures of all on the same manifest.
"""

import asyncio
from collections.abc import Iterator, Mapping

from huddle.ceremony.manifest import Manifest, ManifestError
from huddle.ceremony.messages import shorten
from huddle.ceremony.sealed import Member, Sealed
from huddle.codec import encode
from huddle.errors import HuddleError, PeerError
from huddle.identity.crypto import Crypto
from huddle.identity.did import public_from_did
from huddle.identity.kdf import hash_fields
from huddle.identity.keys import Identity
from huddle.session import control_messages as control
from huddle.tasks import joined


def signed_bytes(session: bytes, manifest: Manifest) -> bytes:
    """What an answer signs."""
    return hash_fields(b"huddle/1 run", session, manifest.digest)


class Agreement:
    """One proposed run, from its proposal to everybody's signature."""

    def __init__(self, crypto: Crypto, identity: Identity, sealed: Sealed, manifest: Manifest) -> None:
        self.manifest = manifest
        self.error: HuddleError | None = None  # why nobody will agree any more
        self._crypto = crypto
        self._identity = identity
        self._sealed = sealed
        self._parts = [bytearray() for _ in manifest.files]
        loop = asyncio.get_running_loop()
        self._files: asyncio.Future[dict[str, bytes]] = loop.create_future()
        self._agreed: asyncio.Future[None] = loop.create_future()
        self._missing = {member.pid for member in sealed.roster if member.pid != sealed.pid}

    @staticmethod
    def proposal(manifest: Manifest, contents: Mapping[str, bytes]) -> Iterator[control.Message]:
        """What the host says to everybody: the manifest and all files."""
        if manifest.session:  # else the ceremony has proposed it
            yield control.RunProposal(encode(manifest))
        for index, file in enumerate(manifest.files):
            data = contents[file.path]
            for at in range(0, len(data), control.PART):
                yield control.FilePart(manifest.run, index, data[at : at + control.PART])
        yield control.FilesDone(manifest.run)

    def take(self, pid: int, message: control.FilePart | control.FilesDone | control.Answer) -> None:
        """A message of a peer about this run; one that makes no sense fails the agreement."""
        member = self._sealed.roster[pid]
        try:
            match message:
                case control.FilePart():
                    self._take_part(member, message)
                case control.FilesDone():
                    self._take_done(member)
                case control.Answer():
                    self._take_answer(member, message)
        except HuddleError as error:
            self.fail(error)

    def fail(self, error: HuddleError) -> None:
        """Nobody will agree any more."""
        self.error = self.error or error
        for future in (self._files, self._agreed):
            if not future.done():
                future.set_exception(error)
                future.exception()  # whoever waits gets it; where nobody does, it is not an unhandled error
        self._parts.clear()

    def answer(self, accept: bool, reason: str = "") -> control.Answer:
        """This party's answer, to be sent to all."""
        signature = b""
        if accept:
            signature = self._crypto.sign(
                self._identity.key, signed_bytes(self._sealed.digest, self.manifest)
            )
        return control.Answer(self.manifest.run, accept, signature, shorten(reason) if reason else "")

    async def files(self) -> dict[str, bytes]:
        """The files, once the host has sent them all and they are those of the manifest."""
        return await joined(self._files)

    async def agreed(self) -> None:
        """Returns when all peers have said yes and their signatures were verified; raises PeerError."""
        await joined(self._agreed)

    def _take_part(self, member: Member, part: control.FilePart) -> None:
        self._only_host(member)
        if part.index >= len(self.manifest.files):
            raise _broken(member, "sent a file that the program does not have")
        if self._files.done():
            return
        sofar = self._parts[part.index]
        if len(sofar) + len(part.data) > self.manifest.files[part.index].size:
            raise _broken(member, "sent more of a file than was announced")
        sofar += part.data

    def _take_done(self, member: Member) -> None:
        self._only_host(member)
        if self._files.done():
            return
        contents = {
            file.path: bytes(data) for file, data in zip(self.manifest.files, self._parts, strict=True)
        }
        try:
            self.manifest.check_files(contents)
        except ManifestError as exc:
            raise _broken(member, f"sent files that are refused here: {exc}") from exc
        self._files.set_result(contents)
        self._parts.clear()

    def _take_answer(self, member: Member, answer: control.Answer) -> None:
        if not answer.accept:
            reason = f": {shorten(answer.reason)}" if answer.reason else ""
            raise PeerError(
                f"{member.name} declined to run the program{reason}.",
                peer=member.name,
                hint=f"Talk to {member.name}, then propose it again.",
            )
        signed = signed_bytes(self._sealed.digest, self.manifest)
        if not self._crypto.verify(public_from_did(member.did), answer.signature, signed):
            raise _broken(member, "signed another program than the one proposed")
        self._missing.discard(member.pid)
        if not self._missing and not self._agreed.done():
            self._agreed.set_result(None)

    def _only_host(self, member: Member) -> None:
        if member.pid != 0:
            raise _broken(member, "sent a program, which only the host may")


def _broken(member: Member, what: str) -> PeerError:
    return PeerError(
        f"{member.name} {what}.", peer=member.name, hint="Do not run this program; start a new session."
    )
