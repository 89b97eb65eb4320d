"""A page's host comes back to the room that the page kept, and to nothing else."""

import time
from dataclasses import replace

import pytest

from huddle.browser.rooms import PageRooms, kept_room
from huddle.ceremony.invitation import Invitation
from huddle.errors import LocalError
from huddle.identity.keys import Identity
from huddle.identity.native import NativeCrypto
from huddle.session.room_keeping import MAX_RETURNS, KeptRoom

CRYPTO = NativeCrypto()
ME = Identity.fresh(CRYPTO).did
LINK = Invitation.fresh(CRYPTO, "https://huddle.example.org", ME).url
ROOM = KeptRoom(LINK, bytes(range(32)), False, time.time() + 3600, "prog.py")


def test_the_page_is_told_what_to_keep_and_when_nobody_comes_back() -> None:
    told: list[str] = []
    rooms = PageRooms(told.append, ME)
    assert rooms.before is None and rooms.left is None
    rooms.keep(ROOM)
    rooms.drop()
    assert told == [ROOM.to_json(), ""]


def test_what_it_was_told_is_what_one_comes_back_to() -> None:
    assert PageRooms(lambda text: None, ME, ROOM.to_json()).before == ROOM


@pytest.mark.parametrize("text", ["", "{}", ROOM.to_json()[:-20]])
def test_what_is_cut_off_is_the_person_s_to_begin_anew(text: str) -> None:
    with pytest.raises(LocalError, match="can't be read"):
        kept_room(text)
    with pytest.raises(LocalError, match="can't be read"):
        PageRooms(lambda text: None, ME, text)


@pytest.mark.parametrize(
    ("room", "who", "why"),
    [
        (ROOM, Identity.fresh(CRYPTO).did, "another identity"),
        (replace(ROOM, expires=1.0), ME, "expired"),
        (replace(ROOM, returns=MAX_RETURNS), ME, "8 times"),
    ],
    ids=["somebody else's", "expired", "too often"],
)
def test_who_cannot_come_back_is_told_what_to_do_on_the_page(room: KeptRoom, who: str, why: str) -> None:
    with pytest.raises(LocalError, match=why) as caught:
        PageRooms(lambda text: None, who, room.to_json())
    assert caught.value.hint == "Open a new session."
