"""The person's files: their modes, what a crash and others may do, and that forgetting leaves nothing."""

import os
import stat
from pathlib import Path

import pytest

from huddle.cli.home import Home
from huddle.errors import LocalError
from huddle.identity.contacts import Contacts, MeetingPlace
from huddle.identity.keys import Identity
from huddle.identity.native import NativeCrypto

CRYPTO = NativeCrypto()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "kept"


def somebody() -> str:
    return Identity.fresh(CRYPTO).did


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_identity_is_made_once_and_is_its_owners_alone(root: Path) -> None:
    home = Home(root)
    assert not home.has_identity() and not root.exists()
    did = home.identity(CRYPTO).did
    assert home.has_identity()
    assert Home(root).identity(CRYPTO).did == did
    assert mode(root) == 0o700
    assert [mode(path) for path in root.iterdir()] == [0o600]


def test_an_identity_that_is_only_looked_for_is_not_made(root: Path) -> None:
    home, fresh = Home(root), Identity.fresh(CRYPTO)
    assert home.kept_identity(CRYPTO) is None and not root.exists()
    assert home.keep_identity(CRYPTO, fresh) == fresh.did
    kept = home.kept_identity(CRYPTO)
    assert kept is not None and kept.did == fresh.did
    assert home.keep_identity(CRYPTO, Identity.fresh(CRYPTO)) == fresh.did, "the first one stays"


def test_modes_do_not_depend_on_the_umask(root: Path) -> None:
    before = os.umask(0)
    try:
        Home(root).identity(CRYPTO)
    finally:
        os.umask(before)
    assert (mode(root), mode(root / "identity")) == (0o700, 0o600)


def test_the_environment_chooses_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUDDLE_HOME", str(tmp_path / "elsewhere"))
    assert Home().root == tmp_path / "elsewhere"
    monkeypatch.delenv("HUDDLE_HOME")
    assert Path.home() in Home().root.parents


@pytest.mark.parametrize("bits", [0o640, 0o604, 0o620])
def test_an_identity_that_others_can_reach_is_refused(root: Path, bits: int) -> None:
    Home(root).identity(CRYPTO)
    (root / "identity").chmod(bits)
    with pytest.raises(LocalError, match="other users") as failure:
        Home(root).identity(CRYPTO)
    assert "chmod 600" in failure.value.hint


def test_a_directory_that_others_can_change_is_refused(root: Path) -> None:
    root.mkdir()
    root.chmod(0o777)
    with pytest.raises(LocalError, match="can change"):
        Home(root).identity(CRYPTO)
    assert list(root.iterdir()) == []


@pytest.mark.parametrize("text", ["", "huddle-identity-1 00ff\n", "other 00\n", "\xff", "a b c"])
def test_a_damaged_identity_is_refused_and_kept(root: Path, text: str) -> None:
    root.mkdir(mode=0o700)
    path = root / "identity"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(LocalError, match="not an identity"):
        Home(root).identity(CRYPTO)
    assert path.read_text() == text


def test_a_crash_while_writing_leaves_the_old_file(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Home(root)
    home.save_contacts(Contacts().met("Ann", somebody(), 1))

    def crash(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", crash)
        with pytest.raises(LocalError, match="No space left on device"):
            home.save_contacts(Contacts().met("Bob", somebody(), 2))
    assert [contact.name for contact in home.contacts().people] == ["Ann"]
    assert sorted(path.name for path in root.iterdir()) == ["contacts.json"]


def test_what_a_killed_process_left_unfinished_goes_at_the_next_write(root: Path) -> None:
    home = Home(root)
    home.identity(CRYPTO)
    (root / ".contacts.json.0123.new").write_text("half")
    home.save_contacts(Contacts().met("Ann", somebody(), 1))
    assert sorted(path.name for path in root.iterdir()) == ["contacts.json", "identity"]


def test_two_sessions_that_end_together_lose_nothing(root: Path) -> None:
    ann, bob, cleo = somebody(), somebody(), somebody()
    home = Home(root)
    home.save_contacts(Contacts().met("Ann", ann, 1))
    first = home.contacts().met("Bob", bob, 2)
    second = home.contacts().verified([ann]).met("Cleo", cleo, 3)
    home.save_contacts(second)
    home.save_contacts(first)
    kept = home.contacts()
    assert {contact.did for contact in kept.people} == {ann, bob, cleo}
    assert kept.standing("Ann", ann) == "verified"


def test_who_is_removed_while_a_session_lasts_stays_removed_with_the_meeting_secret(root: Path) -> None:
    ann, bob = somebody(), somebody()
    place = MeetingPlace(bytes(32), "https://huddle.example.org")
    home = Home(root)
    before = Contacts().met("Ann", ann, 1).verified([ann]).agreed(ann, place)
    home.save_contacts(before)
    home.change_contacts(lambda kept: kept.without(ann))
    home.save_contacts(before.met("Bob", bob, 2), before)
    assert [contact.name for contact in home.contacts().people] == ["Bob"]
    assert place.secret.hex() not in (root / "contacts.json").read_text()
    home.save_contacts(before.met("Ann", ann, 3), before)  # but who was met again is a contact again
    assert home.contacts().of(ann) is not None


def test_of_two_sessions_with_one_contact_the_later_meeting_is_kept(root: Path) -> None:
    ann = somebody()
    home = Home(root)
    old, new = (MeetingPlace(bytes([one]) * 32, "https://huddle.example.org") for one in (1, 2))
    before = Contacts().met("Ann", ann, 1).verified([ann]).agreed(ann, old)
    home.save_contacts(before)
    home.save_contacts(before.met("Ann", ann, 5).agreed(ann, new), before)
    home.save_contacts(before.met("Bob", somebody(), 6), before)  # a session without Ann, of before
    assert home.contacts().meant("Ann").meeting == new


def test_damaged_contacts_are_refused_and_kept(root: Path) -> None:
    home = Home(root)
    home.save_contacts(Contacts().met("Ann", somebody(), 1))
    (root / "contacts.json").write_text('{"version": 1')
    with pytest.raises(LocalError):
        home.save_contacts(Contacts())
    assert (root / "contacts.json").read_text() == '{"version": 1'


def test_all_that_is_left_is_listed_and_forgotten(root: Path, tmp_path: Path) -> None:
    home = Home(root)
    assert home.left_behind() == [] and home.forget() == []
    home.identity(CRYPTO)
    home.save_contacts(Contacts().met("Ann", somebody(), 1))
    record = tmp_path / "session.record"
    home.save_record(record, b"signed")
    assert record.read_bytes() == b"signed" and mode(record) == 0o600
    listed = home.left_behind()
    assert {item.path for item in listed} == {*root.iterdir(), record}
    assert all(item.what and item.why for item in listed)
    assert [item.kind for item in home.forget(("contacts",))] == ["contacts"]
    assert home.has_identity() and not home.contacts().people
    home.forget()
    assert not root.exists() and not record.exists()


def test_a_record_that_cannot_be_written_says_so(root: Path, tmp_path: Path) -> None:
    with pytest.raises(LocalError, match="cannot be written") as failure:
        Home(root).save_record(tmp_path / "no" / "such" / "place", b"signed")
    assert failure.value.hint
