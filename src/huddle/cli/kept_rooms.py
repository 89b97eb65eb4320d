"""The rooms that a person hosts and whose sessions have not begun, in files of `Home`, one a room.

    room-<16 hexadecimal digits>.json      `huddle.session.room_keeping.KeptRoom`, 0600

A session that lives holds a lock on its file; one whose lock is free has died. The system lets go of the lock
however its holder ends.
"""

import contextlib
import fcntl
import os
import secrets
import time
from pathlib import Path

from huddle.cli.home import Home
from huddle.errors import LocalError
from huddle.session.room_keeping import KeptRoom


class HomeRooms:
    """Keeps the room of one session; see `huddle.session.room_keeping.RoomKeeper`.

    `again`: come back to the latest room that was left; LocalError where there is none.
    """

    def __init__(self, home: Home, *, again: bool = False) -> None:
        self.before: KeptRoom | None = None
        self._home = home
        self._path: Path | None = None
        self._lock = -1
        if again:
            self._come_back()

    def __repr__(self) -> str:
        return f"<HomeRooms {self._path.name if self._path else 'nothing kept'}>"

    @property
    def left(self) -> KeptRoom | None:
        return next((room for _, room in left_rooms(self._home)), None)

    def keep(self, room: KeptRoom) -> bool:
        """As said there; raises LocalError where it can't be written."""
        path = self._path or self._home.room_path(secrets.token_hex(8))
        self._home.save_room(path, room.to_json())
        lock = _locked(path)
        self._let_go()
        self._path, self._lock = path, lock
        return True

    def drop(self) -> None:
        if self._path is not None:
            self._path.unlink(missing_ok=True)
            self._path = None
        self._let_go()

    def _come_back(self) -> None:
        for path, room in left_rooms(self._home):
            if (lock := _locked(path)) >= 0:
                self._path, self._lock, self.before = path, lock, room
                return
        raise LocalError(
            "There is no invitation here that you could go on with.",
            hint="An invitation is kept until its session starts, or it expires. Host without --again.",
        )

    def _let_go(self) -> None:
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


def left_rooms(home: Home) -> list[tuple[Path, KeptRoom]]:
    """The rooms whose sessions have died before their start, the latest first. Deletes what has expired."""
    found = []
    for path, text in home.rooms():
        try:
            room = KeptRoom.from_json(text)
        except ValueError:  # cut off, or of another version
            path.unlink(missing_ok=True)
            continue
        lock = _locked(path)
        if lock < 0:
            continue
        if room.expires <= time.time():
            path.unlink(missing_ok=True)
        else:
            found.append((path, room))
        os.close(lock)
    return sorted(found, key=lambda one: one[1].expires, reverse=True)


def _locked(path: Path) -> int:
    """A descriptor that holds the lock of this file; -1 where a living session has it, or there is none."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return -1
    with contextlib.suppress(OSError):
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return descriptor
    os.close(descriptor)
    return -1
