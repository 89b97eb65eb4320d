"""What is kept of a session, by this process or by a helper that is asked for it."""

import os
from pathlib import Path
from typing import Any

import pytest

from huddle.cli.archive import (
    ArchiveService,
    Drop,
    Enter,
    Finish,
    HelperArchive,
    HelperRooms,
    Keep,
    Kept,
    LocalArchive,
)
from huddle.cli.home import Home
from huddle.cli.kept_rooms import HomeRooms
from huddle.codec import encode
from huddle.errors import LocalError
from huddle.identity.contacts import Contacts
from huddle.identity.keys import Identity
from huddle.identity.native import NativeCrypto
from huddle.record.unfinished import MAGIC
from huddle.session.room_keeping import KeptRoom
from tests.unit.session.test_room_keeping import ROOM

CRYPTO = NativeCrypto()
ME = Identity.fresh(CRYPTO)


def somebody() -> Contacts:
    return Contacts().met("Bob", Identity.fresh(CRYPTO).did, 1.0)


def own(root: Path, *, lasting: bool = True) -> LocalArchive:
    return LocalArchive(Home(root), CRYPTO, ME, Contacts(), lasting, root.with_name("record"))


def test_an_unfinished_record_takes_the_place_of_nothing_that_is_there(tmp_path: Path) -> None:
    archive, first, second = own(tmp_path / "kept"), MAGIC + b"first", MAGIC + b"second"
    place, beside = tmp_path / "record", tmp_path / "record.unfinished"
    left = archive.finish(Contacts(), first)
    assert place.read_bytes() == first and any("record: an unfinished record" in line for line in left)
    place.write_bytes(b"a whole one")
    left = archive.finish(Contacts(), second)
    assert place.read_bytes() == b"a whole one" and beside.read_bytes() == second
    assert any("record: a record" in line for line in left) and any(
        ".unfinished: an" in line for line in left
    )


def test_a_later_record_of_a_session_takes_the_place_of_its_unfinished_one(tmp_path: Path) -> None:
    place, beside = tmp_path / "record", tmp_path / "record.unfinished"
    archive = own(tmp_path / "kept")
    for so_far in (MAGIC + b"first", MAGIC + b"second"):
        archive.finish(Contacts(), so_far)
        assert place.read_bytes() == so_far and not beside.exists()
    (left,) = [line for line in archive.finish(Contacts(), b"whole") if str(place) in line]
    assert place.read_bytes() == b"whole" and "a record of a session" in left
    archive = own(tmp_path / "kept")  # the next session, with the same --record
    for so_far in (MAGIC + b"third", MAGIC + b"fourth"):
        archive.finish(Contacts(), so_far)
        assert place.read_bytes() == b"whole" and beside.read_bytes() == so_far
    left_now = archive.finish(Contacts(), b"another")
    assert place.read_bytes() == b"another" and not beside.exists()
    assert not any(".unfinished" in line for line in left_now)


def test_an_unfinished_record_takes_the_place_of_no_unfinished_one_of_another_session(tmp_path: Path) -> None:
    for number, name in enumerate(("record", "record.unfinished", "record.unfinished2")):
        own(tmp_path / "kept").finish(Contacts(), MAGIC + bytes([number]))
        assert (tmp_path / name).read_bytes() == MAGIC + bytes([number])
    assert (tmp_path / "record").read_bytes() == MAGIC + bytes([0])


class Near:
    """A helper without a process."""

    def __init__(self, service: ArchiveService) -> None:
        self._service = service

    def ask_now(self, request: Any, descriptor: int = -1) -> Any:
        done = self._service.do(request, descriptor)
        try:
            done.send(None)
        except StopIteration as over:
            return over.value
        raise AssertionError("it waits")


def test_a_helper_keeps_the_same(tmp_path: Path) -> None:
    near: Any = Near(ArchiveService(own(tmp_path / "kept")))
    archive = HelperArchive(near, ME, Contacts())
    archive.entered()
    contacts = somebody()
    left = archive.finish(contacts, b"the record" * 100_000)
    home = Home(tmp_path / "kept")
    assert home.contacts() == contacts
    assert (tmp_path / "record").read_bytes() == b"the record" * 100_000
    kept = home.kept_identity(CRYPTO)
    assert kept is not None and kept.did == ME.did
    assert len(left) == 4 and "your identity" in left[0]
    assert left == tuple(f"{item.path}: {item.what}, {item.why}" for item in home.left_behind())


def test_a_helper_keeps_a_host_s_room_until_it_is_dropped(tmp_path: Path) -> None:
    home = Home(tmp_path / "kept")
    kept = LocalArchive(home, CRYPTO, ME, Contacts(), True, None, HomeRooms(home))
    near: Any = Near(ArchiveService(kept))
    rooms = HelperRooms(near, None, None)
    rooms.keep(ROOM)
    ((_, text),) = home.rooms()
    assert KeptRoom.from_json(text) == ROOM
    rooms.drop()
    assert home.rooms() == []


def test_of_a_pseudonym_nothing_is_kept(tmp_path: Path) -> None:
    archive = own(tmp_path / "kept", lasting=False)
    archive.entered()
    assert archive.finish(somebody(), None) == ()
    assert not (tmp_path / "kept").exists()


def test_an_identity_that_was_made_meanwhile_is_told(tmp_path: Path) -> None:
    Home(tmp_path / "kept").identity(CRYPTO)
    with pytest.raises(LocalError, match="at the same moment"):
        own(tmp_path / "kept").entered()


@pytest.mark.parametrize("content", [b"", b"rubbish", encode(Kept("{}", None)), encode(Kept("[1]", None))])
async def test_what_are_no_contacts_is_not_kept(tmp_path: Path, content: bytes) -> None:
    file = os.memfd_create("kept")
    os.write(file, content)
    with pytest.raises(ValueError):
        await ArchiveService(own(tmp_path / "kept")).do(Finish(), file)
    os.close(file)
    with pytest.raises(ValueError):
        await ArchiveService(own(tmp_path / "kept")).do(Finish(), -1)
    assert not (tmp_path / "kept").exists()


async def test_there_is_nothing_else_to_ask(tmp_path: Path) -> None:
    assert ArchiveService.requests == (Enter, Keep, Drop, Finish)
    with pytest.raises(ValueError):
        await ArchiveService(own(tmp_path / "kept")).do(object(), -1)
