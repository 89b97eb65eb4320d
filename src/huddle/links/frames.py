"""The frames that a link carries, between supervisors and between a supervisor and its runner.

    frame   = type U8 | length U24 | depth U32 | payload of that length        (big endian)

`depth` is the Lamport depth of the bytes: one more than the largest depth that the sending program
had received, so that the largest depth of a run counts its rounds. It is 0 in frames that are not DATA.

Stream frames are the link's ordered stream: they are counted (header and payload) by its offsets,
acknowledged, and sent again on a new wire. A runner and its supervisor exchange nothing else.

    DATA 1      at most 64 KiB that the program wrote; one frame a write
    EOF  2      the program closed this MPyC connection; what follows belongs to its next one
    END  3      the program is over; the last frame of a stream

Wire frames concern one wire and are outside the stream.

    ACK 17      U64: all stream bytes before this offset were delivered to the runner
    RESUME 18   U64: the first frame on a wire: the offset of the next stream byte that is wanted
    PING 19     U64: sent back as PONG
    PONG 20     U64
    BYE 21      the link is over; no new wire is wanted

Only the standard library here: a runner loads this file by its path, in any interpreter.
"""

import struct

HEADER = struct.Struct(">II")
NUMBER = struct.Struct(">IIQ")

DATA, EOF, END = 1, 2, 3
ACK, RESUME, PING, PONG, BYE = 17, 18, 19, 20, 21

MAX_PAYLOAD = 65_536  # small enough that an ACK or a PING never waits long behind one frame
_LENGTHS = {DATA: None, EOF: 0, END: 0, ACK: 8, RESUME: 8, PING: 8, PONG: 8, BYE: 0}
_MASK = 0xFFFFFF


class FrameError(ValueError):
    """The bytes are not frames of the kinds that may stand here."""
