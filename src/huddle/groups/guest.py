"""A guest in a front room: it knocks, answers, gets a place in a group, and says how far it is.

Sans-IO, as a ceremony is. What the host of the front room says counts only with the signature of the did in
the link; whose group it is, and which program the group may run, stands in the placement that is sealed for
this guest. What it reports is one word of STATES.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from huddle.ceremony.files import FileReader, chunk_count
from huddle.ceremony.invitation import Invitation
from huddle.ceremony.log import Log, LogEntry, Noise
from huddle.ceremony.manifest import Manifest, ManifestError, read
from huddle.ceremony.messages import DECLINED, FileChunk, Message, Options, Software, shorten
from huddle.ceremony.room_io import RoomIO
from huddle.ceremony.sealed import Pairs
from huddle.codec import DecodeError, decode
from huddle.errors import HuddleError, LocalError, PeerError
from huddle.groups import messages
from huddle.groups.messages import Placement
from huddle.groups.sealing import GuestSide
from huddle.identity.crypto import Crypto, InvalidSeal
from huddle.identity.keys import Identity

HOST_SECONDS = 60.0  # the opening is the room's first record: who does not see it is in a dead room


@dataclass(frozen=True, slots=True)
class Assignment:
    """A place in a group: whose it is, what it runs, and, for the first alone, the program's files."""

    placement: Placement
    first: bool
    host: str  # the name of the front room's host
    options: Options
    manifest: Manifest
    files: dict[str, bytes]


class GroupGuest:
    """A guest's side of a front room. `placed` is its place, once it can be taken; `error` ends the room.

    `patient`: refused by the host's person it stays (`refused`), and can be called back.
    """

    def __init__(
        self,
        crypto: Crypto,
        identity: Identity,
        invitation: Invitation,
        *,
        name: str,
        software: Iterable[Software],
        now: float,
        patient: bool = False,
    ) -> None:
        self.placed: Assignment | None = None
        self.refused = False
        self.undone = False  # the host has taken its group apart
        self.error: HuddleError | None = None
        self.host_did = self.host_name = ""
        self._crypto = crypto
        self._identity = identity
        self._invitation = invitation
        self._name = name
        self._patient = patient
        self._software = tuple(software)
        log = Log(crypto, identity, invitation.room_id, invitation.room_key, messages.KINDS)
        self._room: RoomIO[None, str] = RoomIO(log, now)
        self._sealing = GuestSide(crypto, invitation.room_id, identity.did)
        self._pair: Pairs | None = None
        self._listing: messages.Listing | None = None
        self._manifest: Manifest | None = None
        self._chunks: list[FileChunk] = []
        self._placement: Placement | None = None  # dealt; the others wait until its room is open
        self._closed: PeerError | None = None  # the host deals nobody any more
        # Its knock stands in the room: what was said before was said to its earlier process.
        self._here = False
        self._room.timers["host"] = now + HOST_SECONDS

    def receive(self, record: bytes) -> None:
        """Take the next record of the room."""
        if self.error is not None:
            return
        try:
            entry = self._room.log.read(record)
            if isinstance(entry, Noise):
                return
            mine = entry.envelope.sender == self._identity.did
            from_host = self._invitation.is_host(entry.envelope.sender)
            if entry.offence is not None and (mine or from_host):
                raise entry.offence
            if mine and not entry.stale and isinstance(entry.message, messages.Knock):
                self._here = True
            if not mine and entry.offence is None and entry.message is not None:
                self._take(entry, entry.message, from_host=from_host)
        except HuddleError as error:
            self.error = error

    def records_to_send(self) -> list[bytes]:
        """The records to append to the room now, in this order."""
        return self._room.records()

    @property
    def deadline(self) -> float | None:
        """Until when the host must have been seen; None once it was."""
        return self._room.next_timer()

    def expire(self) -> None:
        """The deadline has passed and no host was seen."""
        self.error = self.error or PeerError(
            "the host is not in this room",
            peer="the host",
            hint="Ask the host whether the groups are still open, and for a new invitation.",
        )

    def opened(self) -> None:
        """The first of a group: its room can be entered."""
        if self._placement is not None:
            self._room.send(messages.Opened(self._placement.group))

    def report(self, state: str) -> None:
        """Tell the host how far this party is."""
        if self._pair is not None and self.error is None:
            self._room.send(messages.Report(GuestSide.seal(self._pair, state.encode())))

    def back(self) -> None:
        """Its group has lost somebody: wait for another place, where the host still deals."""
        self.placed = self._placement = None
        self.undone = False
        self.error = self.error or self._closed
        self.report(messages.BACK)

    @property
    def waits_in_vain(self) -> bool:
        """Whether there will be no other place."""
        return self.error is not None or self._closed is not None

    def leave(self, reason: str) -> None:
        """Leave the front room."""
        if self._room.log.written and self.error is None:
            self._room.send(messages.Bye(shorten(reason)))

    # Messages

    def _take(self, entry: LogEntry, message: Message, *, from_host: bool) -> None:
        if not from_host:
            if isinstance(message, messages.Opened):
                self._on_opened(entry.envelope.sender, message)
            return
        match message:
            case messages.Opening() if self._pair is None:
                self._on_opening(entry.envelope.sender, message)
            case messages.Listing() if self._listing is None:
                self._on_listing(message)
            case messages.Chunk(index, sealed):
                self._chunks.append(FileChunk(index, sealed))
            case messages.RollCall(number) if self._here:
                if self.placed is None:
                    self._room.send(messages.Here(number))
            case messages.Refused(did, reason) if self._here and did == self._identity.did:
                self._on_refused(reason)
            case messages.Deal() if self._here:
                self._on_deal(message)
            case messages.Undone(group) if self._placement is not None and self._placement.group == group:
                self._on_undone()
            case messages.Bye(reason):
                self._closed = PeerError(
                    f"{self.host_name} closed the groups: {reason}",
                    peer=self.host_name,
                    hint="Ask the host for a new invitation.",
                )
                if self.placed is None:
                    raise self._closed

    def _on_opening(self, did: str, opening: messages.Opening) -> None:
        if opening.version != messages.VERSION:
            raise LocalError(
                f"The host's groups have version {opening.version}, yours {messages.VERSION}.",
                hint="Update the older Huddle of the two.",
            )
        try:
            self._pair = self._sealing.with_host(did, opening.exchange)
        except ValueError as error:
            raise self._fault("sent a key that protects nothing") from error
        self.host_did, self.host_name = did, opening.name
        self._room.timers.clear()
        knock = messages.Knock(messages.VERSION, self._name, self._software, self._sealing.public)
        self._room.send(knock)

    def _on_listing(self, listing: messages.Listing) -> None:
        try:
            self._manifest = read(listing.manifest)
        except ManifestError as error:
            raise self._fault(f"proposes what must not be run: {error}") from error
        self._listing = listing

    def _on_refused(self, reason: str) -> None:
        if self._patient and reason == DECLINED and self.placed is None:
            self.refused = True
            return
        self._room.send(messages.Bye("was not let in"))
        name = self.host_name
        raise PeerError(
            f"{name} did not let you in: {reason}", peer=name, hint=f"Ask {name}, then join again."
        )

    def _on_deal(self, deal: messages.Deal) -> None:
        mine = next((seat for seat in deal.seats if seat.did == self._identity.did), None)
        if mine is None or self._pair is None or self.placed is not None:
            return
        try:
            placement = decode(Placement, GuestSide.open(self._pair, mine.sealed))
        except (InvalidSeal, DecodeError) as error:
            raise self._fault("sent a place in a group that can't be read") from error
        dids = [member.did for member in placement.members]
        invitation = Invitation.parse(placement.url)
        if (
            self._identity.did not in dids
            or len(set(dids)) != len(dids)
            or invitation.groups
            or not invitation.is_host(dids[0])
            or invitation.rendezvous != self._invitation.rendezvous
        ):
            raise self._fault("sent a place in a group that makes no sense")
        self._placement, self.refused = placement, False
        if dids[0] == self._identity.did:
            self.placed = self._assignment(placement, first=True)

    def _on_undone(self) -> None:
        if self.placed is None:
            self.back()
        else:
            self.undone = True  # its session is to be left first

    def _on_opened(self, did: str, message: messages.Opened) -> None:
        placement = self._placement
        if placement is None or self.placed is not None or message.group != placement.group:
            return
        if placement.members[0].did == did:
            self.placed = self._assignment(placement, first=False)

    def _assignment(self, placement: Placement, *, first: bool) -> Assignment:
        if self._listing is None or self._manifest is None:
            raise self._fault("dealt before it said what is run")
        files: dict[str, bytes] = {}
        if first:
            files = self._files(placement.key, self._manifest)
        return Assignment(placement, first, self.host_name, self._listing.options, self._manifest, files)

    def _files(self, key: bytes, manifest: Manifest) -> dict[str, bytes]:
        try:
            reader = FileReader(self._crypto, key, manifest.program_digest, manifest)
            for chunk in self._chunks[: chunk_count(manifest)]:
                reader.take(chunk)
            return reader.files()
        except (ManifestError, ValueError) as error:
            raise self._fault(f"sent files that are not those it listed: {error}") from error

    def _fault(self, what: str) -> PeerError:
        name = self.host_name or "the host"
        return PeerError(f"{name} {what}", peer=name, hint=f"Ask {name} what happened.")
