"""The frames that a link carries, between supervisors and between a supervisor and its runner.

    frame   = type U8 | length U24 | depth U32 | payload of that length        (big endian)

`depth` is the Lamport depth of the bytes: one more than the largest depth that the sending program
had received, so that the largest depth of a run counts its rounds. It is 0 in frames that are not DATA.

Stream frames are the link's ordered stream: they are counted (header and payload) by its offsets,
acknowledged, and sent again on a new wire.

    DATA 1      1 byte to 64 KiB that the program wrote; one frame a write
    EOF  2      the program closed this MPyC connection; what follows belongs to its next one
    END  3      the program is over; the last frame of a stream

Wire frames concern one wire and are outside the stream.

    ACK 17      U64: all stream bytes before this offset are with the program, or will never be wanted
    RESUME 18   U64: the first frame on a wire: the offset of the next stream byte that is wanted
    PING 19     U64: sent back as PONG
    PONG 20     U64
    BYE 21      the link is over; no new wire is wanted

Lane frames stand only between a runner and its supervisor, whose one socket, the lane, carries the
streams of all peers (huddle/running/mux.py).

    PEER 33     U64: the frames that follow are of the peer with this pid, until the next PEER

There is one window, between the two programs: a runner sends at most WINDOW bytes of a stream, and a write
over it, beyond the last ACK. The peer's runner says ACK over its lane, and the two supervisors pass it on. So
the window bounds all that is kept on the way: at the one end until it is acknowledged, in case that a wire
is lost, and at the other until the runner reads it.

Only the standard library here: a runner loads this file by its path, in any interpreter.
"""

import struct

HEADER = struct.Struct(">II")
NUMBER = struct.Struct(">IIQ")

DATA, EOF, END = 1, 2, 3
ACK, RESUME, PING, PONG, BYE = 17, 18, 19, 20, 21
PEER = 33

MAX_PAYLOAD = 65_536  # small enough that an ACK or a PING never waits long behind one frame
WINDOW = 8 << 20  # unacknowledged bytes: 160 ms of 50 MB/s, and what a party keeps for each silent peer
_LENGTHS = {DATA: None, EOF: 0, END: 0, ACK: 8, RESUME: 8, PING: 8, PONG: 8, BYE: 0, PEER: 8}
_MASK = 0xFFFFFF

# The first four bytes of a frame as one number, so that one comparison checks type and length.
_DATA_HEAD, _EOF_HEAD, _END_HEAD = DATA << 24, EOF << 24, END << 24
WIRE = frozenset(kind << 24 | (_LENGTHS[kind] or 0) for kind in (ACK, RESUME, PING, PONG, BYE))
LANE = frozenset(kind << 24 | 8 for kind in (PEER, ACK))

Scanned = tuple[int, int, int, bool]
Slice = bytes | memoryview  # of what a wire brought, without a copy where one would cost


class FrameError(ValueError):
    """The bytes are not frames of the kinds that may stand here."""


def data_frames(payload: bytes | bytearray | memoryview, depth: int = 0) -> bytes:
    """The DATA frames of one write: one, or as many as pieces of 64 KiB need; none of an empty payload."""
    size = len(payload)
    if 0 < size <= MAX_PAYLOAD:
        return HEADER.pack(_DATA_HEAD + size, depth) + payload
    parts: list[bytes | bytearray | memoryview] = []
    for at in range(0, size, MAX_PAYLOAD):
        part = payload[at : at + MAX_PAYLOAD]
        parts.append(HEADER.pack(_DATA_HEAD + len(part), depth))
        parts.append(part)
    return b"".join(parts)


def control(kind: int, number: int = 0) -> bytes:
    """Any frame but DATA; `number` is what its kind carries, if it carries one."""
    if _LENGTHS[kind]:
        return NUMBER.pack(kind << 24 | 8, 0, number)
    return HEADER.pack(kind << 24, 0)


def scan(buffer: bytes | bytearray | memoryview, at: int = 0, others: frozenset[int] = WIRE) -> Scanned:
    """Walk over the whole stream frames from `at` on, without making objects of them.

    Returns where they end (at the end of the buffer, at a frame that is not whole yet, at one of the
    `others`, WIRE or LANE, or behind an END), how many of them are DATA, their largest depth, and whether
    the last one is END. Raises FrameError where the next bytes can't be any frame.
    """
    size = len(buffer)
    messages = deepest = 0
    unpack = HEADER.unpack_from
    while at + 8 <= size:
        head, depth = unpack(buffer, at)
        length = head - _DATA_HEAD
        if 0 < length <= MAX_PAYLOAD:
            end = at + 8 + length
            if end > size:
                break
            at = end
            messages += 1
            if depth > deepest:
                deepest = depth
        elif head == _EOF_HEAD and not depth:
            at += 8
        elif head == _END_HEAD and not depth:
            return at + 8, messages, deepest, True
        elif head in others and not depth:
            break
        else:
            raise FrameError(f"no frame starts with {head:#010x}, depth {depth}")
    return at, messages, deepest, False


def missing(start: bytes) -> int:
    """How many bytes the frame whose start `scan` left wants still, or its header."""
    length: int = HEADER.unpack_from(start)[0] & _MASK if len(start) >= 8 else 0
    return 8 + length - len(start)


def wire_frame(buffer: bytes | bytearray | memoryview, at: int = 0) -> tuple[int, int, int] | None:
    """The wire frame at `at`: its kind, its number (0 where it has none) and where it ends.

    None where no whole wire frame stands there.
    """
    if at + 8 > len(buffer):
        return None
    head, depth = HEADER.unpack_from(buffer, at)
    end = at + 8 + (head & _MASK)
    if head not in WIRE or depth or end > len(buffer):
        return None
    number = NUMBER.unpack_from(buffer, at)[2] if head & _MASK else 0
    return head >> 24, number, end


def lane_frame(buffer: bytes | bytearray | memoryview, at: int = 0) -> tuple[int, int, int] | None:
    """As `wire_frame`, for the frames of a lane."""
    if at + 16 > len(buffer):
        return None
    head, depth, number = NUMBER.unpack_from(buffer, at)
    return (head >> 24, number, at + 16) if head in LANE and not depth else None


def frames_in(buffer: bytes | bytearray | memoryview) -> tuple[list[tuple[int, int, bytes]], int]:
    """The whole stream frames at the start of `buffer` as (kind, depth, payload), and where they end.

    Raises FrameError at anything else, wire frames too.
    """
    frames: list[tuple[int, int, bytes]] = []
    size = len(buffer)
    at = 0
    unpack = HEADER.unpack_from
    while at + 8 <= size:
        head, depth = unpack(buffer, at)
        length = head - _DATA_HEAD
        if 0 < length <= MAX_PAYLOAD:
            end = at + 8 + length
            if end > size:
                break
            frames.append((DATA, depth, bytes(buffer[at + 8 : end])))
            at = end
        elif head in (_EOF_HEAD, _END_HEAD) and not depth:
            frames.append((head >> 24, 0, b""))
            at += 8
        else:
            raise FrameError(f"no stream frame starts with {head:#010x}, depth {depth}")
    return frames, at
