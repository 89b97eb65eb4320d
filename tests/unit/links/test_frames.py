"""Frames: what is written is read, cut anywhere, and nothing else passes."""

import json
import runpy
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huddle.links import frames
from huddle.links.frames import (
    ACK,
    BYE,
    DATA,
    END,
    EOF,
    HEADER,
    MAX_PAYLOAD,
    PING,
    PONG,
    RESUME,
    FrameError,
    control,
    data_frames,
    frames_in,
    scan,
    wire_frame,
)

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "links.json").read_text())

some_frames = st.lists(
    st.one_of(
        st.tuples(st.just(DATA), st.integers(0, 2**32 - 1), st.binary(min_size=1, max_size=200)),
        st.just((EOF, 0, b"")),
    ),
    max_size=8,
)


def encoded(parts: list[tuple[int, int, bytes]]) -> bytes:
    return b"".join(
        data_frames(payload, depth) if kind == DATA else control(kind) for kind, depth, payload in parts
    )


@pytest.mark.parametrize("vector", VECTORS["frames"], ids=lambda vector: vector["kind"])
def test_vectors(vector: dict[str, object]) -> None:
    kind = getattr(frames, str(vector["kind"]))
    if kind == DATA:
        made = data_frames(bytes.fromhex(str(vector["payload"])), int(str(vector["depth"])))
    else:
        made = control(kind, int(str(vector.get("number", 0))))
    assert made.hex() == vector["frame"]


@given(some_frames, st.data())
def test_what_is_whole_is_read_and_the_rest_waits(
    parts: list[tuple[int, int, bytes]], data: st.DataObject
) -> None:
    stream = encoded(parts)
    cut = data.draw(st.integers(0, len(stream)))
    first, end = frames_in(stream[:cut])
    assert end <= cut
    rest, end_of_rest = frames_in(stream[end:])
    assert first + rest == parts
    assert end + end_of_rest == len(stream)


@given(some_frames, st.integers(0, 2000))
def test_scan_sees_what_frames_in_reads(parts: list[tuple[int, int, bytes]], cut: int) -> None:
    piece = encoded(parts)[:cut]
    found, end = frames_in(piece)
    depths = [depth for kind, depth, _ in found if kind == DATA]
    assert scan(piece) == (end, len(depths), max(depths, default=0), False)
    assert scan(b"abc" + piece, 3)[0] == end + 3


@given(st.integers(1, 3 * MAX_PAYLOAD + 1))
def test_large_writes_become_pieces_of_at_most_64_kib(size: int) -> None:
    payload = bytes(size)
    parts, end = frames_in(stream := data_frames(memoryview(payload), 9))
    assert end == len(stream)
    assert b"".join(part for _, _, part in parts) == payload
    assert all(len(part) <= MAX_PAYLOAD and depth == 9 for _, depth, part in parts)
    assert len(parts) == -(-size // MAX_PAYLOAD)


def test_an_empty_write_is_no_frame() -> None:
    assert data_frames(b"", 1) == b""


def test_scan_stops_behind_end_and_before_wire_frames() -> None:
    one = data_frames(b"x", 3)
    assert scan(one + control(END) + one) == (len(one) + 8, 1, 3, True)
    assert scan(one + control(ACK, 5) + one) == (len(one), 1, 3, False)


@pytest.mark.parametrize("kind", [ACK, RESUME, PING, PONG])
def test_wire_frames_carry_a_number(kind: int) -> None:
    frame = control(kind, 2**64 - 1)
    assert wire_frame(b"?" + frame, 1) == (kind, 2**64 - 1, 17)
    assert wire_frame(frame[:-1]) is None
    with pytest.raises(FrameError):
        frames_in(frame)


def test_bye_carries_none() -> None:
    assert wire_frame(control(BYE)) == (BYE, 0, 8)
    assert wire_frame(control(EOF)) is None


@pytest.mark.parametrize(
    ("kind", "length", "depth"),
    [
        (DATA, 0, 1),
        (DATA, MAX_PAYLOAD + 1, 1),
        (EOF, 1, 0),
        (END, 0, 1),
        (ACK, 7, 0),
        (PING, 8, 1),
        (BYE, 8, 0),
        (0, 0, 0),
        (4, 0, 0),
        (255, 0, 0),
    ],
)
def test_no_other_header_passes(kind: int, length: int, depth: int) -> None:
    header = HEADER.pack(kind << 24 | length, depth)
    with pytest.raises(FrameError):
        scan(header)
    with pytest.raises(FrameError):
        frames_in(header)
    assert wire_frame(header + bytes(16)) is None


@given(st.binary(max_size=64))
def test_any_bytes_are_read_or_refused(noise: bytes) -> None:
    for read in (scan, frames_in):
        try:
            read(noise)
        except FrameError:
            assert len(noise) >= 8
    wire_frame(noise)


def test_a_runner_can_load_the_file_by_its_path() -> None:
    assert runpy.run_path(str(frames.__file__))["MAX_PAYLOAD"] == MAX_PAYLOAD
