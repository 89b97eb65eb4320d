"""Messages: one encoding each, strict parsing, and sizes that fit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huddle.codec import DecodeError
from huddle.rendezvous.messages import (
    MAX_MESSAGE,
    MAX_RECORD,
    Append,
    Entry,
    Gone,
    Message,
    Open,
    Refused,
    pack,
    unpack,
)

KINDS = Message.__args__


def test_every_type_number_is_used_once() -> None:
    assert len({kind.type for kind in KINDS}) == len(KINDS)


@given(st.binary(max_size=200))
def test_what_is_no_message_is_a_decode_error_and_what_is_one_has_one_encoding(data: bytes) -> None:
    try:
        message = unpack(data, *KINDS)
    except DecodeError:
        return
    assert pack(message) == data


@given(
    st.sampled_from(
        [
            Open(3, True, b"h" * 32, 60, b"c" * 16),
            Open(0, False, None, 0, b"c" * 16),
            Append(7, b"record"),
            Gone("expired"),
            Refused("code", "tëxt", "hint", 5),
        ]
    ),
    st.data(),
)
def test_a_cut_or_longer_message_is_refused(message: Message, data: st.DataObject) -> None:
    whole = pack(message)
    assert unpack(whole, type(message)) == message
    cut = data.draw(st.integers(0, len(whole) - 1))
    for wrong in (whole[:cut], whole + b"\0"):
        with pytest.raises(DecodeError):
            unpack(wrong, *KINDS)


def test_a_message_that_does_not_belong_is_refused() -> None:
    with pytest.raises(DecodeError, match="does not belong"):
        unpack(pack(Gone("expired")), Open, Append)


def test_the_largest_record_fits_the_largest_message() -> None:
    record = bytes(MAX_RECORD)
    assert len(pack(Append(1, record))) <= MAX_MESSAGE
    assert len(pack(Entry(1, record))) <= MAX_MESSAGE
    with pytest.raises(ValueError, match="limit"):
        pack(Entry(1, record + b"x"))
