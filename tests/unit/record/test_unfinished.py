"""An unfinished record says whose word it is, and is taken for no whole one; nothing in it can be changed."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huddle.codec import decode, encode
from huddle.identity.native import NativeCrypto
from huddle.record import signed as records
from huddle.record.signed import RecordError, SignedRecord
from huddle.record.unfinished import (
    MAGIC,
    UnfinishedRecord,
    is_unfinished,
    verify_either,
    verify_unfinished,
    write_unfinished,
)
from tests.unit.record.test_signed import parties, party_of_another_session, signed, unsigned

CRYPTO = NativeCrypto()


def unfinished(pid: int = 1, reason: str = "Bob left") -> bytes:
    who, sealed = parties()[pid]
    return write_unfinished(CRYPTO, who, sealed, unsigned(), reason)


FILE = unfinished()


def test_it_says_who_says_what_and_why_it_was_cut_short() -> None:
    found = verify_unfinished(CRYPTO, FILE)
    assert (found.party, found.reason) == (1, "Bob left")
    assert found.report == records.verify(CRYPTO, signed())


def test_either_is_told_by_its_first_line() -> None:
    assert is_unfinished(FILE) and not is_unfinished(signed())
    assert verify_either(CRYPTO, FILE) == verify_unfinished(CRYPTO, FILE)
    assert verify_either(CRYPTO, signed()) == records.verify(CRYPTO, signed())


@pytest.mark.parametrize("check", [records.verify, verify_unfinished, verify_either])
def test_both_say_the_same_of_what_does_not_hold(check: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    file = FILE if check is verify_unfinished else signed()
    with pytest.raises(RecordError, match=r"^it is not a record of this version$"):
        check(CRYPTO, b"huddle record 2\n")
    with pytest.raises(RecordError, match=r"^it is damaged: "):
        check(CRYPTO, file[:-1])
    with pytest.raises(RecordError, match=r"^the signature of .* is not right$"):
        check(CRYPTO, file[:-1] + bytes([file[-1] ^ 1]))
    monkeypatch.setattr(records, "MAX_FILE", len(file) - 1)
    with pytest.raises(RecordError, match=r"^it is too large for a record$"):
        check(CRYPTO, file)


def test_neither_kind_is_taken_for_the_other() -> None:
    with pytest.raises(RecordError):
        records.verify(CRYPTO, FILE)
    with pytest.raises(RecordError):
        verify_unfinished(CRYPTO, signed())
    # Nor do their signatures serve there.
    inside = decode(UnfinishedRecord, FILE[len(MAGIC) :])
    whole = decode(SignedRecord, signed()[len(records.MAGIC) :])
    forged = encode(SignedRecord(inside.record, (inside.signature,) * 3))
    with pytest.raises(RecordError, match="signature"):
        records.verify(CRYPTO, records.MAGIC + forged)
    forged = encode(replace(inside, signature=whole.signatures[1]))
    with pytest.raises(RecordError, match="signature"):
        verify_unfinished(CRYPTO, MAGIC + forged)


@pytest.mark.parametrize(
    "change",
    [
        lambda one: replace(one, party=2),
        lambda one: replace(one, party=3),
        lambda one: replace(one, reason="Cyd left"),
        lambda one: replace(one, reason="Bob\nleft"),
        lambda one: replace(one, reason=""),
        lambda one: replace(one, signature=bytes(64)),
        lambda one: replace(one, record=one.record[:-1]),
    ],
)
def test_nobody_else_said_it_and_nothing_else_was_said(change: Any) -> None:
    with pytest.raises(RecordError):
        verify_unfinished(CRYPTO, MAGIC + encode(change(decode(UnfinishedRecord, FILE[len(MAGIC) :]))))


@given(st.integers(0, len(FILE) - 1), st.integers(1, 255))
def test_no_byte_can_be_changed(at: int, change: int) -> None:
    data = bytearray(FILE)
    data[at] ^= change
    with pytest.raises(RecordError):
        verify_unfinished(CRYPTO, bytes(data))


@given(st.integers(0, len(FILE) - 1))
def test_a_part_of_it_is_none(size: int) -> None:
    with pytest.raises(RecordError):
        verify_unfinished(CRYPTO, FILE[:size])


def test_nobody_writes_one_of_another_session() -> None:
    with pytest.raises(RecordError, match="another session"):
        write_unfinished(CRYPTO, *party_of_another_session(), unsigned(), "why")
