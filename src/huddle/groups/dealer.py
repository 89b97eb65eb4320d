"""The host of a front room: whom it lets in, how it deals them to groups, and what they say of themselves.

Sans-IO, as a ceremony is: records and `now` go in, records and events come out. The host is in no group. It
makes each group's invitation, whose host is the group's first, and seals it for the members. So it knows
what a group's invitation shows (names, dids, the program), and nothing of what is computed there.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from huddle.ceremony.files import seal_files
from huddle.ceremony.invitation import Invitation
from huddle.ceremony.log import Log, LogEntry, Noise
from huddle.ceremony.manifest import Manifest, version_differences
from huddle.ceremony.messages import Message, Options, Software, shorten
from huddle.ceremony.room_io import RoomIO
from huddle.codec import encode
from huddle.errors import HuddleError, LocalError
from huddle.groups import MAX_GUESTS, messages
from huddle.groups.roster import Group, Guest, Roster
from huddle.groups.sealing import HostSide
from huddle.identity.crypto import Crypto, InvalidSeal
from huddle.identity.keys import Identity

ROLL_CALL_SECONDS = 12.0  # a guest's Huddle answers by itself, if on a slow phone: who takes longer is gone
OPEN_SECONDS = 30.0  # for the first of a group to make its room
BACK_SECONDS = 90.0  # for who is left of a group to notice the loss and come back: three times the grace
_REPORTS = 48  # of one guest: eight runs that all went well; more tell nothing new


@dataclass(frozen=True, slots=True)
class Came:
    """Whoever wrote the record at this index may write on, as one who takes part."""

    index: int


@dataclass(frozen=True, slots=True)
class GuestChanged:
    """A guest knocked, was let in or refused, was dealt, or left, for the reason said."""

    guest: Guest
    reason: str = ""


@dataclass(frozen=True, slots=True)
class GroupChanged:
    """A group was dealt, or is somewhere else than before; `undone`: it never began, or has lost somebody."""

    group: Group
    undone: bool = False


@dataclass(frozen=True, slots=True)
class Failed:
    """The front room is over."""

    error: HuddleError


DealerEvent = Came | GuestChanged | GroupChanged | Failed


class Dealer:
    """The host's side of a front room."""

    def __init__(  # noqa: PLR0913 - all by keyword, all it knows at first
        self,
        crypto: Crypto,
        identity: Identity,
        invitation: Invitation,
        *,
        name: str,
        software: Iterable[Software],
        parties: int,
        options: Options,
        manifest: Manifest,
        files: Mapping[str, bytes],
        roster: Roster,
        now: float,
    ) -> None:
        self.roster = roster
        self._crypto = crypto
        self._identity = identity
        self._invitation = invitation
        self._software = tuple(software)
        self._manifest = manifest
        log = Log(crypto, identity, invitation.room_id, invitation.room_key, messages.KINDS)
        self._room: RoomIO[DealerEvent, str | int] = RoomIO(log, now)
        self._sealing = HostSide(crypto, invitation.room_id, identity.did)
        self._key = crypto.random(32)  # of the program's files
        self._call = 0
        self._calling: list[Guest] = []
        self._again = False  # a deal was wanted during another
        self._awaited: list[Guest] = []  # who is left of groups that lost somebody, and has not come back yet
        self._over = False
        self._send(messages.Opening(messages.VERSION, name, self._sealing.public))
        self._send(messages.Listing(parties, options, encode(manifest)))
        for chunk in seal_files(crypto, self._key, manifest.program_digest, manifest, files):
            self._send(messages.Chunk(chunk.index, chunk.sealed))

    # What the shell calls

    def receive(self, record: bytes, index: int, now: float) -> None:
        """Take the record at this index of the room."""
        self._room.now = now
        if self._over:
            return
        try:
            read = self._room.log.read(record)
            if isinstance(read, Noise):
                return
            if read.envelope.sender == self._identity.did:
                if read.offence or read.stale:
                    raise read.offence or LocalError("this invitation was used before", hint="Host again.")
            elif read.offence is None and read.message is not None:
                self._take(read, read.message, index)
        except HuddleError as error:
            self._over = True
            self._room.tell(Failed(error))

    def records_to_send(self) -> list[bytes]:
        """The records to append to the room now, in this order."""
        return self._room.records()

    def events(self) -> list[DealerEvent]:
        """What has happened since the last call."""
        return self._room.events()

    def next_timer(self) -> float | None:
        """When `handle_timer` must be called at the latest."""
        return self._room.next_timer()

    def handle_timer(self, now: float) -> None:
        """Do what is due."""
        for timer in self._room.due(now):
            if isinstance(timer, int):
                self._give_up(timer)
            elif timer == "back":
                self._miss()
            else:
                self._deal_out()

    # What the person decides

    def admit(self, did: str) -> None:
        """Let this guest be dealt, also one who was refused and stays.

        Raises LocalError where somebody admitted can't be told from it.
        """
        guest = self.roster.guests.get(did)
        if guest is None or guest.state not in ("waiting", "refused"):
            return
        if clash := self.roster.clash(guest):
            raise LocalError(
                f"{clash} is in already, and {guest.name} looks the same.", hint="Refuse one of the two."
            )
        guest.state = "admitted"
        self._changed(guest)

    def refuse(self, did: str, reason: str) -> None:
        """Do not let this guest in; `admit` calls back one who stays, one who knocks again is asked about."""
        guest = self.roster.guests.get(did)
        if guest is not None and guest.present:
            guest.state = "refused"
            self._send(messages.Refused(did, shorten(reason)))
            self._changed(guest, reason)

    def admit_expected(self) -> None:
        """Admit all who are expected, and nobody of whom there is something to say."""
        for guest in self.roster.waiting:
            if guest.state == "waiting" and not self.roster.problem(guest) and not self.roster.clash(guest):
                self.admit(guest.did)

    def deal(self) -> None:
        """Deal those who are admitted and answer, as far as they make whole groups."""
        if self._calling:
            self._again = True
        elif self.roster.enough:
            self._call += 1
            self._calling = self.roster.admitted
            self._room.timers["call"] = self._room.now + ROLL_CALL_SECONDS
            self._send(messages.RollCall(self._call))

    @property
    def calling(self) -> bool:
        """Whether a deal is under way."""
        return bool(self._calling)

    def leave(self, reason: str) -> None:
        """Close the front room; groups go on without it."""
        if not self._over:
            self._over = True
            self._send(messages.Bye(shorten(reason)))

    # Messages

    def _take(self, entry: LogEntry, message: Message, index: int) -> None:
        did = entry.envelope.sender
        guest = self.roster.guests.get(did)
        match message:
            case messages.Knock():
                self._on_knock(did, message, index)
            case messages.Here(number) if guest is not None and number == self._call:
                guest.called = number
                if self._calling and all(one.called == self._call for one in self._calling):
                    self._room.timers.pop("call", None)
                    self._deal_out()
            case messages.Opened(number) if guest is not None:
                group = self.roster.groups.get(number)
                if group is not None and group.members[0] is guest:
                    group.opened = True
                    self._room.timers.pop(number, None)
            case messages.Report(sealed) if guest is not None and guest.state in ("dealt", "left"):
                self._on_report(guest, sealed)
            case messages.Bye(reason) if guest is not None and guest.state != "left":
                self._on_bye(guest, reason)

    def _on_knock(self, did: str, knock: messages.Knock, index: int) -> None:
        before = self.roster.guests.get(did)
        unfit = self._unfit(knock)
        try:
            pair = self._sealing.with_guest(did, knock.exchange)
        except ValueError:
            unfit = unfit or "a key that protects nothing"
        if unfit:
            self._send(messages.Refused(did, shorten(unfit)))
            return
        group = self.roster.group_of(before) if before is not None else None
        guest = Guest(did, knock.name, len(self.roster.guests) + 1, knock.software, pair)
        self.roster.knock(guest)
        if group is not None and before is not None and before.standing != "result":
            self._break_up(group)
        self._room.tell(Came(index))
        self._changed(guest)
        # A name that is used twice is nobody's until a person has asked whose it is.
        for other in self.roster.waiting:
            if other is not guest and self.roster.problem(other):
                self._changed(other)

    def _unfit(self, knock: messages.Knock) -> str:
        if knock.version != messages.VERSION:
            return f"the host's groups have version {messages.VERSION}, this guest's {knock.version}"
        if len(self.roster.waiting) >= MAX_GUESTS:
            return f"{MAX_GUESTS} are waiting already"
        differing = "; ".join(version_differences(self._software, knock.software))
        return f"{differing}: all need the same version" if differing else ""

    def _on_report(self, guest: Guest, sealed: bytes) -> None:
        guest.reports += 1
        if guest.reports > _REPORTS:
            return
        try:
            said = HostSide.open(guest.pair, sealed).decode()
        except (InvalidSeal, UnicodeDecodeError):
            return
        group = self.roster.group_of(guest)
        if said == messages.BACK and guest.group:
            self._on_back(guest, group)
        elif said in messages.STATES and group is not None:
            guest.standing = said
            self._room.tell(GroupChanged(group))

    def _on_back(self, guest: Guest, group: Group | None) -> None:
        guest.state, guest.standing = "waiting" if self.roster.clash(guest) else "admitted", ""
        if group is not None:
            self._break_up(group)
        self._changed(guest, f"back from group {guest.group}, which has lost somebody")

    def _on_bye(self, guest: Guest, reason: str) -> None:
        group = self.roster.group_of(guest)
        if group is not None and guest.standing in ("result", "failed"):
            return  # its session is over, and so is its part here
        guest.state = guest.standing = "left"
        self._changed(guest, reason)
        if group is not None:
            self._break_up(group)

    # Dealing

    def _deal_out(self) -> None:
        called, self._calling = self._calling, []
        silent = [guest for guest in called if guest.called != self._call and guest.present]
        for guest in silent:
            guest.state = "left"
            self._changed(guest, "does not answer")
        here = [guest for guest in self.roster.admitted if guest.called == self._call]
        for group in self.roster.deal(here):
            self._seat(group)
        again, self._again = self._again, False
        if again:
            self.deal()

    def _seat(self, group: Group) -> None:
        first = group.members[0]
        invitation = Invitation.fresh(self._crypto, self._invitation.rendezvous, first.did)
        flags = self._manifest.flags
        if group.mixed:
            flags = replace(flags, mix32_64bit=True)
        placement = messages.Placement(
            group.number,
            invitation.url,
            tuple(messages.Member(guest.name, guest.did) for guest in group.members),
            replace(self._manifest, flags=flags).program_digest,
            b"",
        )
        seats = []
        for guest in group.members:
            mine = replace(placement, key=self._key) if guest is first else placement
            seats.append(messages.Seat(guest.did, HostSide.seal(guest.pair, encode(mine))))
        self._send(messages.Deal(group.number, tuple(seats)))
        self._room.timers[group.number] = self._room.now + OPEN_SECONDS
        for guest in group.members:
            self._changed(guest)
        self._room.tell(GroupChanged(group))

    def _break_up(self, group: Group) -> None:
        """A group has lost somebody: whoever is left of it comes back, and can be dealt again."""
        self._room.timers.pop(group.number, None)
        if not group.begun:  # else they notice it themselves
            self._send(messages.Undone(group.number))
        self.roster.break_up(group)
        self._awaited += [
            guest
            for guest in group.members
            if guest.state == "dealt" and guest.standing not in ("result", "failed", "left")
        ]
        self._room.timers["back"] = self._room.now + BACK_SECONDS
        self._room.tell(GroupChanged(group, undone=True))

    def _miss(self) -> None:
        """Who has not come back from a group that lost somebody is lost as well."""
        awaited, self._awaited = self._awaited, []
        for guest in awaited:
            there = self.roster.guests.get(guest.did) is guest  # else it has knocked anew
            if there and guest.state == "dealt" and self.roster.group_of(guest) is None:
                guest.state = guest.standing = "left"
                self._changed(guest, "does not answer")

    def _give_up(self, number: int) -> None:
        group = self.roster.groups.get(number)
        if group is None or group.opened:
            return
        self._send(messages.Undone(number))
        self.roster.undo(group, group.members[0])
        self._room.tell(GroupChanged(group, undone=True))
        for guest in group.members:
            self._changed(guest, "did not open the group's room" if guest is group.members[0] else "")

    # Small things

    def _changed(self, guest: Guest, reason: str = "") -> None:
        self._room.tell(GuestChanged(guest, reason))

    def _send(self, message: Message) -> None:
        self._room.send(message)
