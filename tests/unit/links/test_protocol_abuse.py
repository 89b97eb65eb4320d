"""A link against a peer, or a program, that breaks its protocol."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huddle.errors import PeerError
from huddle.links.frames import (
    ACK,
    BYE,
    END,
    PING,
    RESUME,
    FrameError,
    control,
    data_frames,
)
from huddle.links.protocol import LinkProtocol
from tests.unit.links.support import SMALL, Pair


@pytest.mark.parametrize(
    ("offset", "why"),
    [
        (len(SMALL) + 1, "RESUME at 82, outside 11 to 81"),
        (2**64 - 1, "outside 11 to 81"),
        (0, "RESUME at 0, outside 11 to 81"),
        (12, "RESUME at 12, inside a frame"),
        (len(SMALL) - 1, "inside a frame"),
    ],
)
def test_resume_where_it_can_not_be(pair: Pair, offset: int, why: str) -> None:
    pair.a.link.write(SMALL)
    pair.a.link.receive(control(ACK, 11), 0.0)
    pair.cut()
    pair.a.link.attach(0.0)
    with pytest.raises(PeerError, match=why) as caught:
        pair.a.link.receive(control(RESUME, offset), 0.0)
    assert caught.value.peer == "b"


@pytest.mark.parametrize("offset", [11, 19, 33, 81])
def test_resume_at_any_frame(pair: Pair, offset: int) -> None:
    pair.a.link.write(SMALL)
    pair.a.link.receive(control(ACK, 11), 0.0)
    pair.cut()
    pair.a.link.attach(0.0)
    pair.a.link.receive(control(RESUME, offset), 0.0)
    assert pair.a.link.output().endswith(control(PING, 2) + SMALL[offset:])


@pytest.mark.parametrize(
    "noise",
    [SMALL, control(ACK, 0), control(PING, 1), control(END), b"GET / HTTP/1.1\r\n"],
    ids=["data", "ack", "ping", "end", "http"],
)
def test_anything_before_resume(noise: bytes) -> None:
    link = LinkProtocol("b")
    link.attach(0.0)
    with pytest.raises(PeerError):
        link.receive(noise, 0.0)


@pytest.mark.parametrize(
    "noise",
    [
        control(RESUME, 0),
        control(ACK, 1),
        control(END) + SMALL,
        control(END) + control(PING, 1) + SMALL,
        b"\xff" * 8,
        SMALL + b"\0" * 8,
    ],
    ids=["resume", "ack", "after end", "long after end", "no frame", "no frame behind some"],
)
def test_what_may_not_stand_there(pair: Pair, noise: bytes) -> None:
    with pytest.raises(PeerError):
        pair.b.link.receive(noise, 0.0)
        pair.b.link.receive(SMALL, 0.0)


def test_acks_never_go_back(pair: Pair) -> None:
    pair.a.link.write(SMALL)
    pair.a.link.receive(control(ACK, 11), 0.0)
    with pytest.raises(PeerError, match="ACK of 10, outside 11 to 81"):
        pair.a.link.receive(control(ACK, 10), 0.0)


@given(st.lists(st.binary(max_size=80), max_size=8), st.booleans())
def test_a_peer_may_send_anything(pieces: list[bytes], resumed: bool) -> None:
    link = LinkProtocol("b")
    link.attach(0.0)
    if resumed:
        link.receive(control(RESUME, 0), 0.0)
    try:
        for piece in pieces:
            link.receive(piece, 0.0)
    except PeerError as exc:
        assert exc.peer == "b"


@given(st.lists(st.integers(0, 22), max_size=12), st.integers(0, 40), st.randoms())
@settings(deadline=None)
def test_a_peer_may_send_frames_in_any_order(kinds: list[int], number: int, chance: random.Random) -> None:
    link = LinkProtocol("b")
    link.write(SMALL)
    link.attach(0.0)
    try:
        link.receive(control(RESUME, 0), 0.0)
        for kind in kinds:
            frame = control(kind, number) if kind in (2, 3, *range(17, 22)) else data_frames(b"x" * 9, 2)
            cut = chance.randrange(len(frame) + 1)
            link.receive(frame[:cut], 0.0)
            link.receive(frame[cut:], 0.0)
    except PeerError:
        pass
    assert link.acked <= link.sent
    assert link.delivered_to <= link.received


@pytest.mark.parametrize(
    "noise", [control(ACK, 1), control(END) + SMALL, SMALL + control(BYE), b"\0" * 8], ids=repr
)
def test_a_program_that_writes_no_stream_frames(pair: Pair, noise: bytes) -> None:
    with pytest.raises(FrameError):
        pair.a.link.write(noise)


def test_a_program_that_goes_on_after_end(pair: Pair) -> None:
    pair.a.link.write(control(END))
    with pytest.raises(FrameError, match="after END"):
        pair.a.link.write(SMALL)


def test_a_write_may_be_a_view_of_a_buffer_that_changes_later(pair: Pair) -> None:
    buffer = bytearray(SMALL)
    pair.a.link.write(memoryview(buffer))
    buffer[:] = bytes(len(buffer))
    pair.settle()
    assert pair.b.got == SMALL
