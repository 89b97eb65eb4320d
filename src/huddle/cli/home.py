"""The files that Huddle keeps for a person: the identity, the contacts, and which records they saved.

They lie in the directory that the system has for such data, or in HUDDLE_HOME. The directory is the
person's alone (0700), so are the files (0600), and each is replaced as a whole: a crash leaves the old
file or the new one. Processes that write at once take turns by a lock on the directory itself.

    identity   `huddle.identity.keyfile`
    contacts   `huddle.identity.contacts`
    records    a JSON list of the paths of session records
    room-*     a room of a session that has not begun, `huddle.cli.kept_rooms`

Sessions leave nothing else here.
"""

import fcntl
import json
import os
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import platformdirs

from huddle.errors import LocalError
from huddle.identity import keyfile
from huddle.identity.contacts import Contacts
from huddle.identity.keyfile import Plain, Stored
from huddle.identity.keys import Identity, SeedCrypto

_UNFINISHED = ".new"
_ROOMS = "room-*.json"

KINDS = ("identity", "contacts", "records", "invitations")

Unlock = Callable[[Stored], Identity]


@dataclass(frozen=True, slots=True)
class LeftBehind:
    """A file that stays on this machine: what it is, and why it is kept."""

    kind: str
    path: Path
    what: str
    why: str


class Home:
    """A person's files. `root` None is where HUDDLE_HOME says, else where the system keeps such data."""

    def __init__(self, root: Path | None = None) -> None:
        chosen = os.environ.get("HUDDLE_HOME")
        self.root = root or (
            Path(chosen) if chosen else platformdirs.user_data_path("huddle", appauthor=False)
        )
        self._identity = self.root / "identity"
        self._contacts = self.root / "contacts.json"
        self._records = self.root / "records.json"

    def __repr__(self) -> str:
        return f"<Home {self.root}>"

    def has_identity(self) -> bool:
        """Whether an identity has been made here."""
        return self._identity.exists()

    def identity(self, crypto: SeedCrypto, unlock: Unlock | None = None) -> Identity:
        """The person's identity, made at the first call; LocalError where its file is damaged or exposed."""
        kept = self.kept_identity(crypto, unlock)
        if kept is None:
            fresh = Identity.fresh(crypto)
            if self.keep_identity(crypto, fresh) == fresh.did:
                return fresh
        return kept or self.identity(crypto, unlock)

    def keep_identity(self, crypto: SeedCrypto, fresh: Identity) -> str:
        """Keep this one, unless there is one already; the did of the one that is kept."""
        with self._alone():
            stored = self.stored()
            if stored is not None:
                return keyfile.did_of(crypto, stored)
            self._write(self._identity, keyfile.written(Plain(fresh.seed(crypto))))
            return fresh.did

    def kept_identity(self, crypto: SeedCrypto, unlock: Unlock | None = None) -> Identity | None:
        """The person's identity, if one has been made; LocalError where its file is damaged or exposed.

        `unlock` is asked where the key is not in the file as it is.
        """
        stored = self.stored()
        match stored:
            case None:
                return None
            case Plain(seed):
                return Identity.from_seed(crypto, seed)
        if unlock is None:
            raise LocalError(f"{self._identity} is locked.")
        return unlock(stored)

    def did(self, crypto: SeedCrypto) -> str:
        """The person's did; empty where no identity has been made yet."""
        stored = self.stored()
        return keyfile.did_of(crypto, stored) if stored is not None else ""

    def stored(self) -> Stored | None:
        """The identity as it is written down; LocalError where its file is damaged or exposed."""
        text = self._read(self._identity)
        try:
            return None if text is None else keyfile.parse(text)
        except ValueError as exc:
            raise LocalError(
                f"{self._identity} is not an identity that this version of Huddle can read",
                hint="Put your copy of it back, or get a new identity after `huddle forget identity`.",
            ) from exc

    def store(self, before: Stored | None, after: Stored) -> None:
        """Write the identity down in another way, where it still is as it was `before`."""
        with self._alone():
            if self.stored() != before:
                raise LocalError("Your identity was changed meanwhile.", hint="Try again.")
            self._write(self._identity, keyfile.written(after))

    def contacts(self) -> Contacts:
        """The person's contacts; LocalError where the file is damaged."""
        text = self._read(self._contacts)
        return Contacts() if text is None else Contacts.from_json(text)

    def save_contacts(self, contacts: Contacts, before: Contacts | None = None) -> None:
        """Keep what a session made of the contacts `before`, and what others have changed meanwhile.

        Who was removed meanwhile stays removed, unless the session met them.
        """
        self.change_contacts(lambda kept: _merged(kept, contacts, before or Contacts()))

    def change_contacts(self, change: Callable[[Contacts], Contacts]) -> Contacts:
        """Replace the contacts by what `change` makes of them; nobody else writes in between."""
        with self._alone():
            kept = self.contacts()
            changed = change(kept)
            if changed != kept:
                self._write(self._contacts, changed.to_json())
        return changed

    def save_record(self, path: Path, record: bytes) -> None:
        """Write a session record where the person wants it, and remember that it is there."""
        path = path.absolute()
        with self._alone():
            try:
                _replace(path, record)
            except OSError as exc:
                raise LocalError(
                    f"the record cannot be written to {path}: {exc.strerror}", hint="Choose another --record."
                ) from exc
            known = self._record_paths()
            if path not in known:
                self._write(
                    self._records, json.dumps([str(each) for each in (*known, path)], indent=1) + "\n"
                )

    def room_path(self, name: str) -> Path:
        """Where a room of that name is kept."""
        return self.root / _ROOMS.replace("*", name)

    def save_room(self, path: Path, text: str) -> None:
        """Keep this room; LocalError where it can't be written."""
        with self._alone():
            self._write(path, text)

    def rooms(self) -> list[tuple[Path, str]]:
        """The rooms that are kept, each as it is written; LocalError where others can read one."""
        found = [(path, self._read(path)) for path in sorted(self.root.glob(_ROOMS))]
        return [(path, text) for path, text in found if text is not None]

    def left_behind(self) -> list[LeftBehind]:
        """Every file that is here and why, in the order of `KINDS`."""
        found = [
            LeftBehind("identity", self._identity, "your identity", "so that people know you again"),
            LeftBehind("contacts", self._contacts, "your contacts", "so that you know people again"),
            *(
                LeftBehind(
                    "records",
                    path,
                    "an unfinished record of a session"
                    if holds_unfinished(path)
                    else "a record of a session",
                    "you asked for it with --record",
                )
                for path in self._record_paths()
            ),
            LeftBehind("records", self._records, "where your records are", "so that `forget` finds them"),
            *(
                LeftBehind("invitations", path, "an open invitation of yours", "so that you can come back")
                for path in sorted(self.root.glob(_ROOMS))
            ),
        ]
        return [item for item in found if item.path.exists()]

    def forget(self, kinds: tuple[str, ...] = KINDS) -> list[LeftBehind]:
        """Delete the files of these kinds, and the directory once it is empty; what was deleted."""
        if not self.root.exists():
            return []
        with self._alone():
            gone = [item for item in self.left_behind() if item.kind in kinds]
            for item in gone:
                item.path.unlink(missing_ok=True)
        try:
            self.root.rmdir()
        except OSError:
            pass  # something is still in it
        return gone

    def _record_paths(self) -> tuple[Path, ...]:
        text = self._read(self._records)
        if text is None:
            return ()
        try:
            value = json.loads(text)
            if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
                raise ValueError("no list of paths")
        except ValueError as exc:
            raise LocalError(f"{self._records} is damaged: {exc}", hint="Delete it; records stay.") from exc
        return tuple(Path(each) for each in value)

    def _read(self, path: Path) -> str | None:
        try:
            with path.open("rb") as file:
                state = os.fstat(file.fileno())
                if state.st_uid != os.getuid():
                    raise LocalError(f"{path} belongs to another user", hint="Use a HUDDLE_HOME of your own.")
                if stat.S_IMODE(state.st_mode) & 0o077:
                    raise LocalError(
                        f"{path} can be read by other users of this machine",
                        hint=f"chmod 600 {path}; and if somebody may have read your identity, get a new one.",
                    )
                return file.read().decode("utf-8", "replace")
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as exc:
            raise LocalError(f"{path} cannot be read: {exc.strerror}") from exc

    def _write(self, path: Path, text: str) -> None:
        try:
            _replace(path, text.encode())
        except OSError as exc:
            raise LocalError(
                f"{path} cannot be written: {exc.strerror}", hint="Is the disk full, or not yours?"
            ) from exc

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """The directory, made if need be, for this process only; what a crash left unfinished goes."""
        try:
            if not self.root.is_dir():
                self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            directory = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as exc:
            raise LocalError(
                f"{self.root} cannot be used for your identity: {exc.strerror}",
                hint="Set HUDDLE_HOME to a directory of your own.",
            ) from exc
        try:
            state = os.fstat(directory)
            if state.st_uid != os.getuid() or stat.S_IMODE(state.st_mode) & 0o022:
                raise LocalError(
                    f"other users of this machine can change what is in {self.root}",
                    hint=f"chmod 700 {self.root}, or set HUDDLE_HOME to a directory of your own.",
                )
            fcntl.flock(directory, fcntl.LOCK_EX)
            for unfinished in self.root.glob(f".*{_UNFINISHED}"):
                unfinished.unlink(missing_ok=True)
            yield
        finally:
            os.close(directory)


def holds_unfinished(record: Path) -> bool:
    """Whether an unfinished record is in that file."""
    from huddle.record.unfinished import MAGIC, is_unfinished  # the ceremony comes with it: only where needed

    try:
        with record.open("rb") as file:
            return is_unfinished(file.read(len(MAGIC)))
    except OSError:
        return False


def _merged(kept: Contacts, session: Contacts, before: Contacts) -> Contacts:
    """The session's contacts with what another process learned while the session lasted."""
    people = []
    for contact in session.people:
        other = kept.of(contact.did)
        if other is None and before.of(contact.did) == contact:
            continue  # removed meanwhile
        if other is not None:
            later = other if other.last_seen > contact.last_seen else contact
            contact = replace(
                contact,
                verified=contact.verified or other.verified,
                first_seen=min(contact.first_seen, other.first_seen),
                last_seen=max(contact.last_seen, other.last_seen),
                meeting=later.meeting,
            )
        people.append(contact)
    added = [contact for contact in kept.people if session.of(contact.did) is None]
    return Contacts((*people, *added))


def _replace(path: Path, data: bytes) -> None:
    """Write a file as a whole, readable by its owner only; may raise OSError, and then nothing changed."""
    unfinished = path.parent / f".{path.name}.{secrets.token_hex(8)}{_UNFINISHED}"
    try:
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    # The new name is on the disk only when the directory is.
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
