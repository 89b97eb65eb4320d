"""Binary encoding of the frozen dataclasses that travel between parties and to the rendezvous.

The schema is the class: each field's annotation says how it is written, and every value has exactly
one encoding. Decoding is strict: a length over its limit, a flag that is not 0 or 1, text that is not
UTF-8, a missing byte or a byte too many raises `DecodeError`. Encoding checks the same limits.

| annotation                          | bytes on the wire                                     |
| ----------------------------------- | ----------------------------------------------------- |
| `U8` `U16` `U32` `U64`              | 1, 2, 4, 8 bytes, big endian                          |
| `bool`                              | one byte, 0 or 1                                      |
| `Annotated[bytes, Fixed(n)]`        | n bytes                                               |
| `Annotated[bytes, Limit(n)]`        | U32 length, then at most n bytes                      |
| `Annotated[str, Limit(n)]`          | U32 length in bytes, then at most n bytes of UTF-8    |
| `Annotated[tuple[T, ...], Limit(n)]`| U32 count, then at most n encodings of T              |
| `T | None`                          | one byte, 0 or 1, then T where it is 1                |
| a frozen dataclass                  | its fields in order                                   |
"""

from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints


class DecodeError(ValueError):
    """The bytes are not an encoding of the wanted type."""


@dataclass(frozen=True, slots=True)
class Width:
    """An unsigned integer of so many bytes."""

    size: int


@dataclass(frozen=True, slots=True)
class Fixed:
    """Exactly so many bytes."""

    size: int


@dataclass(frozen=True, slots=True)
class Limit:
    """At most so many bytes (of bytes or UTF-8) or items."""

    most: int


U8 = Annotated[int, Width(1)]
U16 = Annotated[int, Width(2)]
U32 = Annotated[int, Width(4)]
U64 = Annotated[int, Width(8)]

_Write = Callable[[Any, list[bytes]], None]
_Read = Callable[["_Reader"], Any]


class _Reader:
    """A cursor over the bytes being decoded."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, size: int) -> bytes:
        end = self.at + size
        if end > len(self.data):
            raise DecodeError(f"{end - len(self.data)} bytes missing at {self.at}")
        part = self.data[self.at : end]
        self.at = end
        return part

    def uint(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def length(self, most: int) -> int:
        length = self.uint(4)
        if length > most:
            raise DecodeError(f"length {length} over the limit {most} at {self.at}")
        return length

    def flag(self) -> bool:
        flag = self.uint(1)
        if flag > 1:
            raise DecodeError(f"flag {flag} at {self.at}")
        return flag == 1


def encode(value: Any) -> bytes:
    """Encode an instance of an encodable dataclass.

    Raises ValueError where a value is outside its field's limits.
    """
    kind: Any = type(value)
    write, _ = _codec(kind)
    parts: list[bytes] = []
    write(value, parts)
    return b"".join(parts)


def decode[T](cls: type[T], data: bytes) -> T:
    """Decode all of `data` as one `cls`; raises DecodeError where it is anything else."""
    kind: Any = cls
    _, read = _codec(kind)
    reader = _Reader(data)
    value: T = read(reader)
    if reader.at != len(data):
        raise DecodeError(f"{len(data) - reader.at} bytes too many after {cls.__name__}")
    return value


@cache
def _codec(hint: Any) -> tuple[_Write, _Read]:
    origin = get_origin(hint)
    if origin is Annotated:
        base, rule = get_args(hint)[:2]
        return _annotated(base, rule)
    if origin in (Union, UnionType):
        inner = [part for part in get_args(hint) if part is not NoneType]
        if len(inner) == 1:
            return _optional(inner[0])
    if hint is bool:
        return _bool()
    if is_dataclass(hint):
        return _struct(hint)
    raise TypeError(f"{hint!r} has no encoding")


def _annotated(base: Any, rule: Any) -> tuple[_Write, _Read]:
    if base is int and isinstance(rule, Width):
        return _uint(rule.size)
    if base is bytes and isinstance(rule, Fixed):
        return _fixed(rule.size)
    if base is bytes and isinstance(rule, Limit):
        return _bytes(rule.most)
    if base is str and isinstance(rule, Limit):
        return _text(rule.most)
    if get_origin(base) is tuple and isinstance(rule, Limit):
        return _items(get_args(base)[0], rule.most)
    raise TypeError(f"{base!r} with {rule!r} has no encoding")


def _uint(size: int) -> tuple[_Write, _Read]:
    def write(value: int, parts: list[bytes]) -> None:
        try:
            parts.append(value.to_bytes(size, "big"))
        except OverflowError as exc:
            raise ValueError(f"{value} does not fit {size} bytes") from exc

    return write, lambda reader: reader.uint(size)


def _bool() -> tuple[_Write, _Read]:
    return (lambda value, parts: parts.append(b"\1" if value else b"\0")), lambda reader: reader.flag()


def _fixed(size: int) -> tuple[_Write, _Read]:
    def write(value: bytes, parts: list[bytes]) -> None:
        if len(value) != size:
            raise ValueError(f"{len(value)} bytes where {size} belong")
        parts.append(value)

    return write, lambda reader: reader.take(size)


def _bytes(most: int) -> tuple[_Write, _Read]:
    def write(value: bytes, parts: list[bytes]) -> None:
        if len(value) > most:
            raise ValueError(f"{len(value)} bytes, over the limit {most}")
        parts.append(len(value).to_bytes(4, "big"))
        parts.append(value)

    return write, lambda reader: reader.take(reader.length(most))


def _text(most: int) -> tuple[_Write, _Read]:
    write_bytes, read_bytes = _bytes(most)

    def read(reader: _Reader) -> str:
        try:
            return str(read_bytes(reader), "utf-8")
        except UnicodeDecodeError as exc:
            raise DecodeError("text is not UTF-8") from exc

    return (lambda value, parts: write_bytes(value.encode(), parts)), read


def _items(item: Any, most: int) -> tuple[_Write, _Read]:
    write_item, read_item = _codec(item)

    def write(value: tuple[Any, ...], parts: list[bytes]) -> None:
        if len(value) > most:
            raise ValueError(f"{len(value)} items, over the limit {most}")
        parts.append(len(value).to_bytes(4, "big"))
        for one in value:
            write_item(one, parts)

    def read(reader: _Reader) -> tuple[Any, ...]:
        return tuple(read_item(reader) for _ in range(reader.length(most)))

    return write, read


def _optional(inner: Any) -> tuple[_Write, _Read]:
    write_inner, read_inner = _codec(inner)

    def write(value: Any, parts: list[bytes]) -> None:
        parts.append(b"\0" if value is None else b"\1")
        if value is not None:
            write_inner(value, parts)

    return write, lambda reader: read_inner(reader) if reader.flag() else None


def _struct(cls: Any) -> tuple[_Write, _Read]:
    hints = get_type_hints(cls, include_extras=True)
    plan = [(field.name, *_codec(hints[field.name])) for field in fields(cls)]

    def write(value: Any, parts: list[bytes]) -> None:
        for name, write_field, _ in plan:
            write_field(getattr(value, name), parts)

    def read(reader: _Reader) -> Any:
        return cls(*[read_field(reader) for _, _, read_field in plan])

    return write, read
