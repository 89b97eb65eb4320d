"""What a rendezvous keeps: over restarts and kills, until it expires or is deleted."""

import subprocess
import sys
from pathlib import Path

import pytest

from huddle.errors import LocalError
from huddle.rendezvous.server.store import Store

ROOM, OTHER, CLIENT = b"r" * 16, b"o" * 16, b"c" * 16


def fill(store: Store) -> None:
    store.create(ROOM, b"h" * 32, expires=100.0)
    for sequence in range(3):
        room = store.room(ROOM, 0.0)
        assert room
        assert store.append(room, CLIENT, sequence, b"record %d" % sequence) == sequence
    store.name(4821, ROOM, 100.0)


def test_all_of_it_survives_a_restart(tmp_path: Path) -> None:
    store = Store(tmp_path / "rooms.db")
    fill(store)
    before = (store.room(ROOM, 0.0), store.total_bytes, store.rooms, store.nameplates)
    store.close()
    again = Store(tmp_path / "rooms.db")
    assert (again.room(ROOM, 0.0), again.total_bytes, again.rooms, again.nameplates) == before
    assert [again.record(ROOM, index) for index in range(4)] == [b"record 0", b"record 1", b"record 2", None]
    assert again.appended(ROOM, CLIENT, 1) == (1, b"record 1")
    assert again.named(4821, 0.0) == (ROOM, 100.0)
    again.close()


def test_what_was_appended_survives_the_death_of_the_process(tmp_path: Path) -> None:
    path = tmp_path / "rooms.db"
    script = (
        "import os, pathlib, sys\n"
        "from huddle.rendezvous.server.store import Store\n"
        "store = Store(pathlib.Path(sys.argv[1]))\n"
        "room = store.create(b'r' * 16, None, 100.0)\n"
        "store.append(room, b'c' * 16, 0, b'record')\n"
        "os.kill(os.getpid(), 9)\n"
    )
    assert subprocess.run([sys.executable, "-c", script, str(path)], check=False).returncode == -9
    store = Store(path)
    assert store.record(ROOM, 0) == b"record"
    assert (store.rooms, store.total_bytes) == (1, 6)
    store.close()


def test_the_file_is_its_owners_and_one_rendezvous_uses_it(tmp_path: Path) -> None:
    path = tmp_path / "rooms.db"
    store = Store(path)
    assert path.stat().st_mode & 0o077 == 0
    with pytest.raises(LocalError, match="can't keep its rooms"):
        Store(path)
    store.close()
    Store(path).close()


def test_a_path_that_can_not_be_written_is_an_error_with_a_way_out(tmp_path: Path) -> None:
    with pytest.raises(LocalError) as caught:
        Store(tmp_path / "missing" / "rooms.db")
    assert "directory" in caught.value.hint


def test_what_has_expired_is_not_there_and_is_swept() -> None:
    store = Store()
    fill(store)
    store.create(OTHER, None, expires=200.0)
    assert store.room(ROOM, 100.0) is None
    assert store.named(4821, 100.0) is None
    assert store.sweep(100.0) == [ROOM]
    assert store.sweep(100.0) == []
    assert (store.rooms, store.nameplates, store.total_bytes) == (1, 0, 0)
    assert store.record(ROOM, 0) is None
    assert store.room(OTHER, 100.0)
    store.close()


def test_deletion_overwrites_the_records(tmp_path: Path) -> None:
    path = tmp_path / "rooms.db"
    store = Store(path)
    room = store.create(ROOM, None, expires=100.0)
    store.append(room, CLIENT, 0, b"a very secret record" * 500)
    assert store.delete(ROOM)
    assert not store.delete(ROOM)
    store.close()
    assert b"very secret" not in path.read_bytes()
    assert not path.with_name("rooms.db-wal").exists()


def test_a_number_leads_to_one_room() -> None:
    store = Store()
    assert store.name(1234, ROOM, 10.0)
    assert not store.name(1234, OTHER, 10.0)
    assert store.named(1234, 0.0) == (ROOM, 10.0)
    store.close()


def test_a_room_made_over_an_expired_one_is_empty() -> None:
    store = Store()
    fill(store)
    assert store.create(ROOM, None, expires=300.0).records == 0
    assert store.record(ROOM, 0) is None
    assert (store.rooms, store.total_bytes) == (1, 0)
    store.close()
