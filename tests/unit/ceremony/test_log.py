"""The log of a room: what opens, what counts for nothing, and what only the rendezvous can have done."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huddle.ceremony.log import MAX_RECORD, MAX_RECORDS, SIGNATURE, Envelope, Log, LogEntry, Noise
from huddle.ceremony.messages import Bye, Hello, Software
from huddle.codec import decode, encode
from huddle.errors import LocalError, RendezvousError
from huddle.identity.keys import Identity
from tests.unit.ceremony.mesh import SeededCrypto

ROOM, KEY = "0" * 32, b"k" * 32
BYE = encode(Bye("I must go"))


class Party:
    """A log and who writes to it."""

    def __init__(self, seed: int, *, room: str = ROOM, key: bytes = KEY) -> None:
        self.crypto = SeededCrypto(seed)
        self.identity = Identity.fresh(self.crypto)
        self.log = Log(self.crypto, self.identity, room, key)

    def bye(self) -> bytes:
        return self.log.write(1, Bye.kind, BYE)

    def hello(self) -> bytes:
        message = Hello(1, "Ann", self.identity.did, (1,), (Software("mpyc", "0.11"),), bytes(32))
        return self.log.write(1, Hello.kind, encode(message))

    def forge(self, envelope: Envelope, key: bytes = KEY) -> bytes:
        """Seal any envelope, as whoever holds the room's key can."""
        salt = bytes(16)
        secret, nonce = self.log._keys(salt)
        return salt + self.crypto.seal(secret, nonce, encode(envelope), ROOM.encode())


def entry(read: LogEntry | Noise) -> LogEntry:
    assert isinstance(read, LogEntry), read
    return read


def noise(read: LogEntry | Noise) -> str:
    assert isinstance(read, Noise), read
    return read.why


def test_all_who_read_the_same_have_the_same_hash() -> None:
    ann, bob = Party(1), Party(2)
    assert ann.log.head == bob.log.head
    for record in [ann.bye(), b"garbage", bob.bye(), ann.bye()]:
        read = [ann.log.read(record), bob.log.read(record)]
        assert ann.log.head == bob.log.head
        assert all(isinstance(one, Noise) or one.offence is None for one in read)
    assert ann.log.count == 4
    assert ann.log.unechoed == bob.log.unechoed == 0


def test_a_record_opens_in_its_own_room_only() -> None:
    record = Party(1).bye()
    assert entry(Party(2).log.read(record)).message == Bye("I must go")
    assert "this room's key" in noise(Party(2, room="1" * 32).log.read(record))
    assert "this room's key" in noise(Party(2, key=b"l" * 32).log.read(record))


def test_what_counts_for_nothing() -> None:
    ann, bob = Party(1), Party(2)
    record = ann.bye()
    bob.log.read(record)
    assert "copy" in noise(bob.log.read(record))
    for bad in (b"", bytes(40), bytes(MAX_RECORD + 1)):
        assert "no envelope" in noise(bob.log.read(bad)) or "this room's key" in noise(bob.log.read(bad))
    envelope = Envelope(Bye.kind, 1, ann.identity.did, 1, 0, bytes(32), BYE, bytes(SIGNATURE))
    assert "without its signature" in noise(bob.log.read(ann.forge(envelope)))
    assert "unknown kind 99" in noise(bob.log.read(ann.forge(replace(envelope, kind=99))))
    assert "no envelope" in noise(bob.log.read(ann.forge(replace(envelope, sender="did:key:zNobody"))))


def test_a_copy_sealed_anew_is_still_a_copy() -> None:
    ann, bob = Party(1), Party(2)
    record = ann.bye()
    bob.log.read(record)
    again = ann.forge(decode(Envelope, ann.log._open(record)))
    assert again != record
    assert "copy" in noise(bob.log.read(again))


def test_the_room_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huddle.ceremony.log.MAX_RECORDS", 3)
    ann, bob = Party(1), Party(2)
    for _ in range(3):
        bob.log.read(ann.bye())
    with pytest.raises(RendezvousError, match="no ceremony needs"):
        bob.log.read(ann.bye())
    assert MAX_RECORDS > 1_200


def test_a_gap_a_swap_and_another_log_are_offences() -> None:
    ann, bob = Party(1), Party(2)
    first, second, third = ann.bye(), ann.bye(), ann.bye()
    assert entry(bob.log.read(first)).offence is None
    offence = entry(bob.log.read(third)).offence
    assert isinstance(offence, RendezvousError) and "number 2 where 1 was next" in offence.message
    assert entry(bob.log.read(second)).offence is not None

    ann, bob = Party(1), Party(2)
    ann.log.read(b"what only Ann was shown")
    offence = entry(bob.log.read(ann.bye())).offence
    assert isinstance(offence, RendezvousError) and "had read 1 records where 0" in offence.message

    ann, bob = Party(1), Party(2)
    ann.log.read(b"what only Ann was shown")
    bob.log.read(b"what only Bob was shown")
    offence = entry(bob.log.read(ann.bye())).offence
    assert isinstance(offence, RendezvousError) and "another log" in offence.message


def test_nobody_has_read_less_than_before() -> None:
    ann, bob = Party(1), Party(2)
    for party in (ann, bob):
        party.log.read(b"")
    records = [ann.bye()]
    ann.log._hashes.pop()
    records.append(ann.bye())
    assert entry(bob.log.read(records[0])).offence is None
    offence = entry(bob.log.read(records[1])).offence
    assert isinstance(offence, RendezvousError) and "had read 0 records" in offence.message


def test_own_messages_must_come_back_in_order() -> None:
    ann = Party(1)
    first, second = ann.bye(), ann.bye()
    assert isinstance(entry(ann.log.read(second)).offence, RendezvousError)
    ann = Party(1)
    first, second = ann.bye(), ann.bye()
    assert entry(ann.log.read(first)).offence is None
    assert entry(ann.log.read(second)).offence is None


def test_who_comes_again_begins_anew_with_a_hello() -> None:
    before, now, bob = Party(1), Party(1), Party(2)
    before.log.read(b"")
    bob.log.read(b"")
    records = [before.hello(), before.bye()]
    now.log.read(b"")
    for record in records:
        assert entry(bob.log.read(record)).offence is None
        assert entry(now.log.read(record)).stale
    hello = now.hello()
    assert entry(bob.log.read(hello)).offence is None
    assert not entry(now.log.read(hello)).stale
    assert isinstance(entry(now.log.read(before.bye())).offence, LocalError)


@given(st.binary(max_size=400))
def test_any_record_is_read(data: bytes) -> None:
    ann = Party(1)
    assert isinstance(ann.log.read(data), Noise)
    assert ann.log.count == 1


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_no_bit_of_a_record_can_be_changed(at: int, change: int) -> None:
    ann, bob = Party(1), Party(2)
    data = bytearray(ann.bye())
    data[at % len(data)] ^= change
    assert "key" in noise(bob.log.read(bytes(data)))
