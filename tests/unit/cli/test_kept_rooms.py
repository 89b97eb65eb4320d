"""The file of a room whose session has not begun: secret, a living session's or left by a dead one."""

import os
import stat
import time
from dataclasses import replace
from pathlib import Path

import pytest

from huddle.cli.home import Home
from huddle.cli.kept_rooms import HomeRooms, left_rooms
from huddle.errors import LocalError
from tests.unit.session.test_room_keeping import ROOM

LATER = replace(ROOM, expires=ROOM.expires + 60, program="later.py")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "kept")


def files(home: Home) -> list[Path]:
    return sorted(home.root.glob("room-*.json"))


def die(rooms: HomeRooms) -> None:
    """As its process: the system lets go of the lock."""
    rooms._let_go()


def test_it_is_its_owner_s_alone_and_goes_at_the_start(home: Home) -> None:
    rooms = HomeRooms(home)
    rooms.keep(ROOM)
    (path,) = files(home)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    rooms.keep(LATER)  # where somebody was lost: another room, and the same file
    assert files(home) == [path] and "later.py" in path.read_text()
    rooms.drop()
    rooms.drop()
    assert files(home) == [] and repr(rooms) == "<HomeRooms nothing kept>"


def test_a_living_session_s_room_is_nobody_s_to_take(home: Home) -> None:
    living = HomeRooms(home)
    living.keep(ROOM)
    assert left_rooms(home) == [] and HomeRooms(home).left is None
    with pytest.raises(LocalError, match="no invitation here"):
        HomeRooms(home, again=True)
    die(living)
    assert HomeRooms(home).left == ROOM


def test_the_latest_that_was_left_is_come_back_to_by_one(home: Home) -> None:
    for room in (ROOM, LATER):
        one = HomeRooms(home)
        one.keep(room)
        die(one)
    back = HomeRooms(home, again=True)
    assert back.before == LATER
    other = HomeRooms(home, again=True)
    assert other.before == ROOM, "the first is taken"
    back.keep(LATER.returned())
    assert len(files(home)) == 2
    back.drop()
    other.drop()
    assert files(home) == []


def test_what_has_expired_or_is_damaged_is_deleted(home: Home) -> None:
    old = HomeRooms(home)
    old.keep(replace(ROOM, expires=time.time() - 1))
    die(old)
    home.save_room(home.room_path("0"), "{")
    assert len(files(home)) == 2
    assert left_rooms(home) == [] and files(home) == []


def test_what_others_can_read_is_not_used(home: Home) -> None:
    one = HomeRooms(home)
    one.keep(ROOM)
    die(one)
    os.chmod(files(home)[0], 0o644)
    with pytest.raises(LocalError, match="can be read by other users"):
        HomeRooms(home, again=True)


def test_forget_names_and_deletes_it(home: Home) -> None:
    one = HomeRooms(home)
    one.keep(ROOM)
    die(one)
    (item,) = home.left_behind()
    assert item.kind == "invitations" and "open invitation" in item.what
    assert home.forget(("contacts",)) == [] and files(home)
    assert home.forget(("invitations",)) == [item] and not home.root.exists()
