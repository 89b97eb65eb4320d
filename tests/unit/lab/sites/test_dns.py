"""The lab's name server, asked as a resolver would."""

import socket
import struct

from hypothesis import given
from hypothesis import strategies as st

from huddle_lab.sites.dns import answer

NAMES = {"party0.lab": "10.77.0.1"}


def question(name: str, kind: int = 1) -> bytes:
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return struct.pack("!6H", 77, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!2H", kind, 1)


def test_a_name_has_its_address() -> None:
    reply = answer(question("Party0.lab"), NAMES)
    assert reply is not None
    number, flags, asked, found, *_ = struct.unpack_from("!6H", reply)
    assert (number, flags & 0x8000, flags & 0xF, asked, found) == (77, 0x8000, 0, 1, 1)
    assert reply[12 : 12 + len(question("Party0.lab")) - 12] == question("Party0.lab")[12:]
    assert reply[-4:] == socket.inet_aton("10.77.0.1")


def test_there_is_nothing_else_of_it_and_no_other_name() -> None:
    other = answer(question("party0.lab", kind=28), NAMES)
    unknown = answer(question("nobody.lab"), NAMES)
    assert other is not None and struct.unpack_from("!6H", other)[3] == 0 and other[3] & 0xF == 0
    assert unknown is not None and unknown[3] & 0xF == 3


@given(st.binary(max_size=100))
def test_what_is_no_question_has_no_answer_and_breaks_nothing(data: bytes) -> None:
    reply = answer(data, NAMES)
    assert reply is None or reply[2] & 0x80
