"""What supervisors say to each other, cut anywhere, and what strangers might say instead."""

from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huddle.codec import DecodeError
from huddle.record.signed import PathRecord
from huddle.session import control_messages as control
from huddle.session.control_messages import (
    Answer,
    Chat,
    FilePart,
    FilesDone,
    ForwardPort,
    Forwards,
    Leave,
    Lost,
    Message,
    Numpy,
    Outcome,
    Paths,
    RecordDraft,
    RecordSignature,
    Regroup,
    RunnerSignal,
    RunProposal,
    Status,
    Still,
    StreamCounts,
    Unpacker,
    pack,
)

MESSAGES: tuple[Message, ...] = (
    Status(3, control.INPUT),
    RunProposal(b"m" * 100),
    FilePart(2, 1, b"x" * control.PART),
    FilesDone(2),
    Answer(2, True, b"s" * 64, ""),
    Answer(2, False, b"", "Not today."),
    Outcome(2, False, "it stopped"),
    Outcome(2, False, "Ann is gone", 3),
    Leave(""),
    Leave("Ann is gone", 3),
    Chat("Grüße 👋"),
    RecordDraft(b"r" * control.MAX_RECORD),
    RecordSignature(b"s" * 64),
    Paths(2, (PathRecord(1, 0, 1, "tls", "direct"),)),
    Numpy(2, True),
    Lost(2, "Bob is gone"),
    Regroup("https://rendezvous.example/j#abc", "Bob was lost"),
    Still(2, (StreamCounts(0, 2**64 - 1, 0, False), StreamCounts(2, 8, 20, True))),
    RunnerSignal(2, b"s" * control.MAX_SIGNAL),
    Forwards((ForwardPort(2, 40_000), ForwardPort(3, 40_002))),
)


def test_every_message_is_tried_here_and_has_a_number() -> None:
    assert {type(message) for message in MESSAGES} == set(get_args(Message)) == set(control.TYPES.values())


@given(st.lists(st.integers(0, 700_000), max_size=40))
def test_messages_arrive_however_the_stream_is_cut(cuts: list[int]) -> None:
    stream = b"".join(pack(message) for message in MESSAGES)
    ends = sorted({*cuts, *range(1, 300, 7), len(stream)})
    unpacker = Unpacker()
    got: list[control.Message] = []
    for start, end in zip([0, *ends], ends, strict=False):
        got += unpacker.feed(stream[start:end])
    assert tuple(got) == MESSAGES


def test_the_largest_messages_fit() -> None:
    path = PathRecord(2**32 - 1, 255, 255, "n" * 32, "p" * 200)
    for message in (Paths(1, (path,) * 400), RecordDraft(bytes(control.MAX_RECORD))):
        assert list(Unpacker().feed(pack(message))) == [message]


@pytest.mark.parametrize(
    "data",
    [
        b"\0\0\0\0",  # no type
        (control.MAX_MESSAGE + 1).to_bytes(4, "big"),
        b"\xff\xff\xff\xff",
        b"\0\0\0\1\0",  # no such type
        b"\0\0\0\1\xff",
        b"\0\0\0\2\4\0",  # half a number
        pack(FilesDone(1))[:3] + b"\x06\4\0\0\0\1\0",  # a byte too many
    ],
)
def test_what_is_no_message_is_refused_as_soon_as_it_shows(data: bytes) -> None:
    with pytest.raises(DecodeError):
        list(Unpacker().feed(data))


@given(st.lists(st.binary(max_size=40), max_size=30))
def test_any_bytes_end_in_messages_or_a_decode_error(pieces: list[bytes]) -> None:
    unpacker = Unpacker()
    for piece in pieces:
        try:
            for message in unpacker.feed(piece):
                assert type(message) in control.TYPES.values()
        except DecodeError:
            pass
        assert len(unpacker._buffer) <= 40 + 4 + control.MAX_MESSAGE


@given(st.sampled_from(MESSAGES), st.data())
def test_a_changed_message_is_a_message_or_a_decode_error(message: Message, data: Any) -> None:
    packed = bytearray(pack(message)[:300])
    packed[:4] = (len(packed) - 4).to_bytes(4, "big")
    at = data.draw(st.integers(4, len(packed) - 1))
    packed[at] ^= data.draw(st.integers(1, 255))
    try:
        assert len(list(Unpacker().feed(bytes(packed)))) <= 1
    except DecodeError:
        pass


def test_nothing_is_kept_of_a_stream_that_makes_no_sense() -> None:
    unpacker = Unpacker()
    for _ in range(50):
        with pytest.raises(DecodeError):
            list(unpacker.feed(b"\xff" * 100_000))
    assert len(unpacker._buffer) == 0


@pytest.mark.parametrize(
    "message",
    [
        Leave("x" * 501),
        Chat("é" * 1001),
        FilePart(1, 0, bytes(control.PART + 1)),
        RecordSignature(b"short"),
        Status(-1, 0),
        FilePart(1, 65_536, b""),
    ],
)
def test_what_peers_would_refuse_is_never_sent(message: Message) -> None:
    with pytest.raises(ValueError):
        pack(message)
