"""Rooms, their records and nameplates, in SQLite: a file that outlives a restart, or memory.

One implementation for both, so that what is tested is what runs: without a path the database lives in
memory. Calls are synchronous, on the event loop: with a write-ahead log and no sync to disk for each
commit, one takes some ten microseconds (a record of 1 MiB about a millisecond), less than handing it
to a thread. A crash of the process loses nothing; a power cut may lose the last moments, which clients
notice (`lost`). Deleted records are overwritten, not merely unlinked.

It must not know about connections, addresses or limits.
"""

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from huddle.errors import LocalError

_VERSION = 2  # of the schema; rooms live for a day at most, so those of another version are dropped
_TABLES = ("rooms", "records", "admitted", "nameplates")
_SCHEMA = """
CREATE TABLE IF NOT EXISTS rooms (
    id BLOB PRIMARY KEY, owner BLOB, expires REAL NOT NULL,
    records INTEGER NOT NULL DEFAULT 0, bytes INTEGER NOT NULL DEFAULT 0,
    knocks INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS records (
    room BLOB NOT NULL, position INTEGER NOT NULL, client BLOB NOT NULL, sequence INTEGER NOT NULL,
    record BLOB NOT NULL, UNIQUE (room, position), UNIQUE (room, client, sequence));
CREATE TABLE IF NOT EXISTS admitted (
    room BLOB NOT NULL, client BLOB NOT NULL, PRIMARY KEY (room, client)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS nameplates (
    number INTEGER PRIMARY KEY, room BLOB NOT NULL UNIQUE, expires REAL NOT NULL);
CREATE INDEX IF NOT EXISTS rooms_expire ON rooms (expires);
CREATE INDEX IF NOT EXISTS nameplates_expire ON nameplates (expires);
"""


@dataclass(frozen=True, slots=True)
class StoredRoom:
    """What is kept of a room: `owner` is the SHA-256 of the key that deletes it, `expires` wall time.

    `knocks` of its records were written by clients that were not admitted then.
    """

    id: bytes
    owner: bytes | None
    expires: float
    records: int
    bytes: int
    knocks: int


class Store:
    """All that a rendezvous keeps; `now` is wall time in seconds."""

    def __init__(self, path: Path | None = None) -> None:
        try:
            if path:
                path.touch(mode=0o600)
            self._db = sqlite3.connect(path or ":memory:", isolation_level=None, timeout=0.5)
        except (OSError, sqlite3.Error) as error:
            raise _unusable(path, error) from error
        try:
            # One process a file: counts and the pushing of entries live in memory.
            self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._db.execute("PRAGMA secure_delete = ON")
            if self._one("PRAGMA user_version") != _VERSION:
                for table in _TABLES:
                    self._db.execute(f"DROP TABLE IF EXISTS {table}")
            self._db.executescript(_SCHEMA)
            self._db.execute(f"PRAGMA user_version = {_VERSION}")
        except sqlite3.Error as error:
            self._db.close()
            raise _unusable(path, error) from error
        self.total_bytes: int = self._one("SELECT COALESCE(SUM(bytes), 0) FROM rooms")
        self.rooms: int = self._one("SELECT COUNT(*) FROM rooms")
        self.nameplates: int = self._one("SELECT COUNT(*) FROM nameplates")

    def close(self) -> None:
        """Release the database; another store may open it then."""
        self._db.close()

    def room(self, room: bytes, now: float) -> StoredRoom | None:
        """The room, unless it has expired."""
        row = self._db.execute(
            "SELECT id, owner, expires, records, bytes, knocks FROM rooms WHERE id = ? AND expires > ?",
            (room, now),
        ).fetchone()
        return StoredRoom(*row) if row else None

    def create(self, room: bytes, owner: bytes | None, expires: float) -> StoredRoom:
        """Make a room; the caller knows that there is none. What is left of an expired one goes."""
        self.delete(room)
        self._db.execute("INSERT INTO rooms (id, owner, expires) VALUES (?, ?, ?)", (room, owner, expires))
        self.rooms += 1
        return StoredRoom(room, owner, expires, 0, 0, 0)

    def appended(self, room: bytes, client: bytes, sequence: int) -> tuple[int, bytes] | None:
        """Where this client's record of that sequence stands, and the record, if it is there."""
        row: tuple[int, bytes] | None = self._db.execute(
            "SELECT position, record FROM records WHERE room = ? AND client = ? AND sequence = ?",
            (room, client, sequence),
        ).fetchone()
        return row

    def written(self, room: bytes, client: bytes) -> tuple[int, int]:
        """How many records this client wrote into the room, and their bytes."""
        row: tuple[int, int] = self._db.execute(
            "SELECT COUNT(*), COALESCE(SUM(LENGTH(record)), 0) FROM records WHERE room = ? AND client = ?",
            (room, client),
        ).fetchone()
        return row

    def writer(self, room: bytes, index: int) -> bytes | None:
        """The client that wrote the record at an index, if there is one."""
        row = self._db.execute(
            "SELECT client FROM records WHERE room = ? AND position = ?", (room, index)
        ).fetchone()
        return row[0] if row else None

    def admit(self, room: bytes, client: bytes) -> None:
        """Note that the room's maker admitted this client."""
        self._db.execute("INSERT OR IGNORE INTO admitted VALUES (?, ?)", (room, client))

    def is_admitted(self, room: bytes, client: bytes) -> bool:
        """Whether the room's maker admitted this client."""
        row = self._db.execute(
            "SELECT 1 FROM admitted WHERE room = ? AND client = ?", (room, client)
        ).fetchone()
        return row is not None

    def append(
        self, room: StoredRoom, client: bytes, sequence: int, record: bytes, *, knock: bool = False
    ) -> int:
        """Add a record to a room as it is now; its index."""
        with self._db:
            self._db.execute("BEGIN")
            self._db.execute(
                "INSERT INTO records VALUES (?, ?, ?, ?, ?)",
                (room.id, room.records, client, sequence, record),
            )
            self._db.execute(
                "UPDATE rooms SET records = records + 1, bytes = bytes + ?, knocks = knocks + ? WHERE id = ?",
                (len(record), knock, room.id),
            )
        self.total_bytes += len(record)
        return room.records

    def record(self, room: bytes, index: int) -> bytes | None:
        """The record at an index, if there is one."""
        row = self._db.execute(
            "SELECT record FROM records WHERE room = ? AND position = ?", (room, index)
        ).fetchone()
        return row[0] if row else None

    def delete(self, room: bytes) -> bool:
        """Remove a room with its records and its nameplate; whether it was there."""
        size = self._db.execute("SELECT bytes FROM rooms WHERE id = ?", (room,)).fetchone()
        if size is None:
            return False
        with self._db:
            self._db.execute("BEGIN")
            self._db.execute("DELETE FROM records WHERE room = ?", (room,))
            self._db.execute("DELETE FROM admitted WHERE room = ?", (room,))
            self._db.execute("DELETE FROM rooms WHERE id = ?", (room,))
            named = self._db.execute("DELETE FROM nameplates WHERE room = ?", (room,)).rowcount
        self.total_bytes -= size[0]
        self.rooms -= 1
        self.nameplates -= named
        return True

    def sweep(self, now: float) -> list[bytes]:
        """Remove all rooms that have expired; which they were."""
        rows = self._db.execute("SELECT id FROM rooms WHERE expires <= ?", (now,)).fetchall()
        gone = [room for (room,) in rows]
        for room in gone:
            self.delete(room)
        return gone

    def name(self, number: int, room: bytes, expires: float) -> bool:
        """Give a room a nameplate; False where the number is taken."""
        try:
            self._db.execute("INSERT INTO nameplates VALUES (?, ?, ?)", (number, room, expires))
        except sqlite3.IntegrityError:
            return False
        self.nameplates += 1
        return True

    def named(self, number: int, now: float) -> tuple[bytes, float] | None:
        """The room that a nameplate leads to and when that ends."""
        row: tuple[bytes, float] | None = self._db.execute(
            "SELECT room, expires FROM nameplates WHERE number = ? AND expires > ?", (number, now)
        ).fetchone()
        return row

    def _one(self, query: str) -> int:
        row = self._db.execute(query).fetchone()
        return int(row[0])


def _unusable(path: Path | None, error: Exception) -> LocalError:
    return LocalError(
        f"The rendezvous can't keep its rooms in {path or 'memory'}: {error}.",
        hint="Name a file in a directory that you can write, which no other rendezvous uses.",
    )
