"""What a session leaves with its person: the identity once it is used, the contacts, the record.

Where root started Huddle and it became somebody else, root's files are out of its reach. Then a helper keeps
them: it knows the identity and where the record goes, so that it is asked for nothing but these things.

    Enter     nothing; the identity is kept from now on
    Keep      a host's room, until Drop; nothing
    Finish    with a descriptor, from which `Kept` is read: `Left`
"""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar, Protocol

from huddle.cli.home import Home, holds_unfinished
from huddle.codec import Limit, decode, encode
from huddle.errors import LocalError
from huddle.helper import Answer, Helper
from huddle.identity.contacts import Contacts
from huddle.identity.keys import Identity, SeedCrypto
from huddle.record.signed import MAX_FILE
from huddle.record.unfinished import is_unfinished
from huddle.session.room_keeping import KeptRoom, NoKeeper, RoomKeeper

MAX_CONTACTS = 64 << 20  # bytes; some hundred thousand people
_MAX_LINES, _MAX_LINE = 200, 5000


class Archive(Protocol):
    """Keeps what is to be kept of one session. It knows the identity, and the contacts as they are now."""

    @property
    def identity(self) -> Identity: ...

    @property
    def contacts(self) -> Contacts: ...

    def entered(self) -> None:
        """A room was entered under the identity: only now is it kept, if it is new."""
        ...

    @property
    def rooms(self) -> RoomKeeper:
        """Where a host's room is kept until the start."""
        ...

    def finish(self, contacts: Contacts, record: bytes | None) -> tuple[str, ...]:
        """Keep the contacts and the record; all that is on this machine now, a line each."""
        ...


@dataclass(frozen=True, slots=True)
class LocalArchive:
    """This process keeps it; of a pseudonym (`lasting` False) there is only the record."""

    home: Home
    crypto: SeedCrypto
    identity: Identity
    contacts: Contacts
    lasting: bool
    record: Path | None
    rooms: RoomKeeper = field(default_factory=NoKeeper)
    _unfinished: list[Path] = field(default_factory=list, init=False)  # where this session's is, if it is

    def entered(self) -> None:
        if self.lasting and self.home.keep_identity(self.crypto, self.identity) != self.identity.did:
            raise LocalError(
                "Another session has made your identity at the same moment.", hint="Start this one again."
            )

    def finish(self, contacts: Contacts, record: bytes | None) -> tuple[str, ...]:
        if self.lasting and contacts != self.contacts:
            self.home.save_contacts(contacts, self.contacts)
        if self.record is not None and record is not None:
            self._save(self.record, record)
        return tuple(f"{item.path}: {item.what}, {item.why}" for item in self.home.left_behind())

    def _save(self, wanted: Path, record: bytes) -> None:
        """Keep a record; a later one of the same session takes the place of its unfinished one."""
        before = [path for path in self._unfinished if holds_unfinished(path)]
        place = wanted
        if is_unfinished(record):
            place = before[0] if before else _free(wanted)
            self._unfinished[:] = [place]
        self.home.save_record(place, record)
        for path in before:
            if path != place:
                path.unlink(missing_ok=True)


def _free(wanted: Path) -> Path:
    """Where an unfinished record goes: it takes the place of nothing that is there."""
    beside = (wanted.with_name(f"{wanted.name}.unfinished{number}") for number in ("", *range(2, 1000)))
    return next((path for path in (wanted, *beside) if not path.exists()), wanted)


@dataclass(frozen=True, slots=True)
class Enter:
    """The room was entered."""


@dataclass(frozen=True, slots=True)
class Keep:
    """Keep this room, as `KeptRoom.to_json`."""

    room: Annotated[str, Limit(_MAX_LINE)]


@dataclass(frozen=True, slots=True)
class Drop:
    """Nobody comes back to the room."""


@dataclass(frozen=True, slots=True)
class Finish:
    """The session has ended."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What is to be kept: contacts as `Contacts.to_json`, and the record if there is one."""

    contacts: Annotated[str, Limit(MAX_CONTACTS)]
    record: Annotated[bytes, Limit(MAX_FILE)] | None


@dataclass(frozen=True, slots=True)
class Left:
    """What is on this machine now."""

    lines: Annotated[tuple[Annotated[str, Limit(_MAX_LINE)], ...], Limit(_MAX_LINES)]


class ArchiveService:
    """The helper's side; see `huddle.helper.Service`."""

    requests: ClassVar[tuple[type[Any], ...]] = (Enter, Keep, Drop, Finish)

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    async def do(self, request: Any, descriptor: int) -> Answer:
        match request:
            case Enter():
                self._archive.entered()
                return Answer()
            case Keep(room):
                self._archive.rooms.keep(KeptRoom.from_json(room))
                return Answer()
            case Drop():
                self._archive.rooms.drop()
                return Answer()
            case Finish():
                kept = decode(Kept, _read(descriptor))
                try:
                    contacts = Contacts.from_json(kept.contacts)
                except LocalError as error:
                    raise ValueError("these are no contacts") from error
                lines = self._archive.finish(contacts, kept.record)
                return Answer(encode(Left(tuple(line[:1000] for line in lines[:_MAX_LINES]))))
        raise ValueError("nothing that is kept")

    async def close(self) -> None:
        pass


@dataclass(slots=True)
class HelperRooms:
    """The asker's side of the rooms; what was there before is known to it."""

    helper: Helper
    before: KeptRoom | None
    left: KeptRoom | None

    def keep(self, room: KeptRoom) -> bool:
        self.helper.ask_now(Keep(room.to_json()))
        return True

    def drop(self) -> None:
        self.helper.ask_now(Drop())


@dataclass(frozen=True, slots=True)
class HelperArchive:
    """The asker's side."""

    helper: Helper
    identity: Identity
    contacts: Contacts
    rooms: RoomKeeper = field(default_factory=NoKeeper)

    def entered(self) -> None:
        self.helper.ask_now(Enter())

    def finish(self, contacts: Contacts, record: bytes | None) -> tuple[str, ...]:
        with open(os.memfd_create("kept"), "w+b") as file:
            file.write(encode(Kept(contacts.to_json(), record)))
            file.seek(0)
            return decode(Left, self.helper.ask_now(Finish(), file.fileno()).data).lines


def _read(descriptor: int) -> bytes:
    if descriptor < 0:
        raise ValueError("nothing to read from")
    most = MAX_CONTACTS + MAX_FILE + 100
    data = bytearray()
    while part := os.pread(descriptor, 1 << 20, len(data)):  # raises for what is no file
        data += part
        if len(data) > most:
            raise ValueError("too much to keep")
    return bytes(data)
