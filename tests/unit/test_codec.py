"""The binary codec: every value has one encoding, and nothing else is decoded."""

from dataclasses import dataclass, fields, replace
from typing import Annotated, Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huddle.codec import U8, U16, U32, U64, DecodeError, Fixed, Limit, decode, encode


@dataclass(frozen=True)
class Point:
    x: U8
    y: U16


@dataclass(frozen=True)
class Everything:
    kind: ClassVar[int] = 7
    small: U8
    middle: U32
    large: U64
    flag: bool
    key: Annotated[bytes, Fixed(4)]
    data: Annotated[bytes, Limit(6)]
    text: Annotated[str, Limit(8)]
    points: Annotated[tuple[Point, ...], Limit(3)]
    names: Annotated[tuple[Annotated[str, Limit(4)], ...], Limit(2)]
    maybe: U16 | None
    where: Point | None
    words: Annotated[str, Limit(5)] | None


def uints(size: int) -> st.SearchStrategy[int]:
    return st.integers(0, 256**size - 1)


def texts(most: int) -> st.SearchStrategy[str]:
    return st.text(max_size=most).filter(lambda text: len(text.encode()) <= most)


POINTS = st.builds(Point, uints(1), uints(2))
VALUES = st.builds(
    Everything,
    small=uints(1),
    middle=uints(4),
    large=uints(8),
    flag=st.booleans(),
    key=st.binary(min_size=4, max_size=4),
    data=st.binary(max_size=6),
    text=texts(8),
    points=st.lists(POINTS, max_size=3).map(tuple),
    names=st.lists(texts(4), max_size=2).map(tuple),
    maybe=st.none() | uints(2),
    where=st.none() | POINTS,
    words=st.none() | texts(5),
)
SOME = Everything(1, 2, 3, True, b"keys", b"da", "té", (Point(1, 2),), ("a", ""), None, Point(3, 4), "w")


def test_the_encoding_is_the_documented_one() -> None:
    assert encode(SOME) == b"".join(
        [
            b"\1",
            b"\0\0\0\2",
            b"\0\0\0\0\0\0\0\3",
            b"\1",
            b"keys",
            b"\0\0\0\2da",
            b"\0\0\0\3t\xc3\xa9",
            b"\0\0\0\1" + b"\1\0\2",
            b"\0\0\0\2" + b"\0\0\0\1a" + b"\0\0\0\0",
            b"\0",
            b"\1\3\0\4",
            b"\1\0\0\0\1w",
        ]
    )


@given(VALUES)
def test_what_is_encoded_is_decoded(value: Everything) -> None:
    assert decode(Everything, encode(value)) == value


@given(VALUES, VALUES)
def test_other_values_have_other_encodings(one: Everything, other: Everything) -> None:
    assert (encode(one) == encode(other)) == (one == other)


@given(VALUES, st.data())
def test_a_byte_missing_or_too_many_is_noticed(value: Everything, draw: st.DataObject) -> None:
    data = encode(value)
    with pytest.raises(DecodeError):
        decode(Everything, data[: draw.draw(st.integers(0, len(data) - 1))])
    with pytest.raises(DecodeError):
        decode(Everything, data + draw.draw(st.binary(min_size=1, max_size=4)))


@given(st.binary(max_size=80))
def test_any_bytes_are_refused_or_are_the_one_encoding_of_a_value(data: bytes) -> None:
    try:
        value = decode(Everything, data)
    except DecodeError:
        return
    assert encode(value) == data


@given(VALUES, st.data())
def test_a_changed_byte_gives_another_value_or_none(value: Everything, draw: st.DataObject) -> None:
    data = bytearray(encode(value))
    at = draw.draw(st.integers(0, len(data) - 1))
    data[at] ^= draw.draw(st.integers(1, 255))
    try:
        changed = decode(Everything, bytes(data))
    except DecodeError:
        return
    assert changed != value
    assert encode(changed) == data


@pytest.mark.parametrize(
    "change",
    [
        {"small": 256},
        {"small": -1},
        {"large": 2**64},
        {"key": b"key"},
        {"key": b"keyss"},
        {"data": b"1234567"},
        {"text": "123456789"},
        {"text": "ééééé"},
        {"text": "\ud800"},
        {"points": (Point(0, 0),) * 4},
        {"points": (Point(0, 65_536),)},
        {"names": ("12345",)},
        {"maybe": 65_536},
        {"where": Point(-1, 0)},
        {"words": "123456"},
    ],
    ids=str,
)
def test_a_value_outside_its_limits_is_not_encoded(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        encode(replace(SOME, **change))


@dataclass(frozen=True)
class Data:
    value: Annotated[bytes, Limit(6)]


@dataclass(frozen=True)
class Text:
    value: Annotated[str, Limit(6)]


@dataclass(frozen=True)
class Many:
    value: Annotated[tuple[Point, ...], Limit(3)]


@dataclass(frozen=True)
class Flag:
    value: bool


@dataclass(frozen=True)
class Maybe:
    value: U8 | None


@pytest.mark.parametrize(
    ("cls", "data", "what"),
    [
        (Data, "00000007 31313131313131", "over the limit"),
        (Data, "ffffffff", "over the limit"),
        (Data, "00000002 31", "missing"),
        (Text, "00000002 c328", "UTF-8"),
        (Text, "00000002 c0af", "UTF-8"),  # a second spelling of /
        (Text, "00000003 eda080", "UTF-8"),  # a surrogate
        (Many, "00000004 000000 000000 000000 000000", "over the limit"),
        (Many, "ffffffff", "over the limit"),
        (Flag, "02", "flag 2"),
        (Flag, "", "missing"),
        (Maybe, "02 00", "flag 2"),
        (Maybe, "01", "missing"),
        (Maybe, "00 00", "too many"),
    ],
)
def test_what_is_no_encoding_is_refused_with_a_reason(cls: type, data: str, what: str) -> None:
    with pytest.raises(DecodeError, match=what):
        decode(cls, bytes.fromhex(data))


def test_an_error_is_a_value_error_so_that_no_caller_forgets_it() -> None:
    assert issubclass(DecodeError, ValueError)


@dataclass(frozen=True)
class Unlimited:
    value: bytes


@dataclass(frozen=True)
class Either:
    value: U8 | Point


@dataclass(frozen=True)
class Misfit:
    value: Annotated[str, Fixed(3)]


@pytest.mark.parametrize("cls", [Unlimited, Either, Misfit], ids=lambda cls: cls.__name__)
def test_a_field_without_a_limit_or_of_two_kinds_has_no_encoding(cls: type) -> None:
    with pytest.raises(TypeError, match="has no encoding"):
        decode(cls, b"")


def test_class_variables_are_not_written() -> None:
    assert "kind" not in {field.name for field in fields(Everything)}
    assert encode(Point(1, 2)) == b"\1\0\2"
