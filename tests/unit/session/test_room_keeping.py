"""What a host keeps to come back: of this host only, as long as the invitation, and not for ever."""

import time
from dataclasses import replace

import pytest

from huddle.ceremony.invitation import Invitation
from huddle.errors import LocalError
from huddle.identity.keys import Identity
from huddle.identity.native import NativeCrypto
from huddle.session.room_keeping import MAX_RETURNS, KeptRoom, NoKeeper

CRYPTO = NativeCrypto()
ME = Identity.fresh(CRYPTO)
INVITATION = Invitation.fresh(CRYPTO, "https://huddle.example.org", ME.did)
ROOM = KeptRoom(INVITATION.url, bytes(range(32)), True, time.time() + 3600, "prog.py")


def test_it_is_read_as_it_was_written_and_shows_no_secret() -> None:
    assert KeptRoom.from_json(ROOM.to_json()) == ROOM
    assert ROOM.invitation(ME.did) == INVITATION
    assert INVITATION.url not in repr(ROOM) and ROOM.owner_key.hex() not in repr(ROOM)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", ROOM.to_json().replace("0001", "01", 1), ROOM.to_json().replace("true", "1"), "nul"],
)
def test_what_is_cut_off_or_of_another_kind_is_none(text: str) -> None:
    with pytest.raises(ValueError):
        KeptRoom.from_json(text)


def test_nobody_else_comes_back_to_it() -> None:
    with pytest.raises(LocalError, match="another identity"):
        ROOM.invitation(Identity.fresh(CRYPTO).did)


def test_it_ends_with_the_invitation() -> None:
    with pytest.raises(LocalError, match="expired"):
        replace(ROOM, expires=time.time() - 1).invitation(ME.did)


def test_one_comes_back_so_many_times_and_no_more() -> None:
    room = ROOM
    for _ in range(MAX_RETURNS):
        room.invitation(ME.did)
        room = room.returned()
    with pytest.raises(LocalError, match="8 times"):
        room.invitation(ME.did)


def test_where_nothing_is_kept_there_is_nothing() -> None:
    keeper = NoKeeper()
    keeper.keep(ROOM)
    keeper.drop()
    assert keeper.before is None and keeper.left is None
