"""The record layer over a wire that anybody may listen to and change."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huddle.identity.native import NativeCrypto
from huddle.links.proof import RecordKeys
from huddle.links.record_layer import MAX_RECORD, TAG, RecordWire
from huddle.links.wire import WireInfo, WireReceiver

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "links.json").read_text())

CRYPTO = NativeCrypto()
KEYS = RecordKeys(b"1" * 32, b"2" * 32)
OTHER_KEYS = RecordKeys(b"2" * 32, b"1" * 32)


class Memory:
    """A wire that keeps what is sent."""

    info = WireInfo("relay", "relayed by memory", b"", b"", False)

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.receiver: WireReceiver | None = None
        self.state = "open"

    def start(self, receiver: WireReceiver) -> None:
        self.receiver = receiver

    def send(self, data: bytes) -> None:
        self.sent.append(data)

    def close(self) -> None:
        self.state = "closed"

    def abort(self) -> None:
        self.state = "aborted"


class Taker:
    def __init__(self) -> None:
        self.got = b""
        self.lost: list[str] = []
        self.at_data: Callable[[], None] = lambda: None

    def wire_data(self, data: bytes) -> None:
        self.got += data
        self.at_data()

    def wire_lost(self, reason: str) -> None:
        self.lost.append(reason)


def records(*parts: bytes) -> list[bytes]:
    inner = Memory()
    wire = RecordWire(inner, KEYS, CRYPTO)
    for part in parts:
        wire.send(part)
    return inner.sent


def reader(rest: bytes = b"") -> tuple[RecordWire, Memory, Taker]:
    inner, taker = Memory(), Taker()
    wire = RecordWire(inner, OTHER_KEYS, CRYPTO, rest)
    wire.start(taker)
    return wire, inner, taker


@given(st.lists(st.binary(max_size=3000), max_size=6), st.integers(1, 5000))
@settings(deadline=None)
def test_what_is_sent_arrives_cut_anywhere(parts: list[bytes], size: int) -> None:
    stream = b"".join(records(*parts))
    _, _, taker = reader()
    wire, _, taker = reader(stream[:size])
    for at in range(size, len(stream), size):
        wire.wire_data(stream[at : at + size])
    assert (taker.got, taker.lost) == (b"".join(parts), [])


def test_large_data_is_one_send_of_many_records() -> None:
    data = bytes(range(256)) * 1000
    (sent,) = records(data)
    assert len(sent) == len(data) + 4 * (4 + TAG)
    _, _, taker = reader(sent)
    assert taker.got == data


def test_the_wire_says_that_it_is_sealed_now() -> None:
    wire, _, _ = reader()
    assert wire.info == WireInfo("relay", "relayed by memory", b"", b"", True)


@pytest.mark.parametrize("vector", VECTORS["proofs"], ids=lambda vector: f"run {vector['run']}")
def test_vectors(vector: dict[str, str]) -> None:
    inner = Memory()
    keys = RecordKeys(
        bytes.fromhex(vector["record_key_of_initiator"]), bytes.fromhex(vector["record_key_of_responder"])
    )
    wire = RecordWire(inner, keys, CRYPTO)
    expected = vector["records_of_initiator"]
    assert isinstance(expected, dict)
    for plain in expected["plain"]:
        wire.send(bytes.fromhex(plain))
    assert b"".join(inner.sent).hex() == expected["wire"]


def test_any_changed_byte_loses_the_wire() -> None:
    stream = b"".join(records(b"first", b"second"))
    for at in range(len(stream)):
        wire, inner, taker = reader()
        wire.wire_data(stream[:at] + bytes([stream[at] ^ 1]) + stream[at + 1 :])
        if not taker.lost:  # a longer length waits for bytes that never come
            wire.wire_lost("cut")
            assert taker.lost == ["cut, inside a record"]
        else:
            assert inner.state == "aborted"
        assert taker.got in (b"", b"first")


@pytest.mark.parametrize(
    "order", [[1, 0], [0, 0], [0, 2], [1]], ids=["swapped", "repeated", "left out", "first missing"]
)
def test_records_have_their_place(order: list[int]) -> None:
    sent = records(b"one", b"two", b"three")
    wire, inner, taker = reader()
    for number in order:
        wire.wire_data(sent[number])
    assert len(taker.lost) == 1
    assert "was changed, repeated or left out" in taker.lost[0]
    assert inner.state == "aborted"


def test_a_record_sent_back_does_not_open() -> None:
    wire, inner, taker = reader()
    wire.send(b"hello")
    wire.wire_data(inner.sent[0])
    assert "record 0 was changed" in taker.lost[0]


@pytest.mark.parametrize("length", [0, TAG, MAX_RECORD + TAG + 1, 2**32 - 1])
def test_lengths_that_no_record_has(length: int) -> None:
    wire, _, taker = reader()
    wire.wire_data(length.to_bytes(4, "big"))
    assert taker.lost == [f"a record of {length} bytes"]


def test_after_the_loss_there_is_nothing() -> None:
    wire, inner, taker = reader()
    wire.wire_data(bytes(4))
    wire.wire_data(records(b"late")[0])
    wire.wire_lost("again")
    wire.send(b"more")
    assert (taker.got, len(taker.lost), inner.sent) == (b"", 1, [])


def test_truncation_is_named() -> None:
    wire, _, taker = reader()
    wire.wire_data(records(b"hello")[0][:-1])
    wire.wire_lost("closed by the other end")
    assert taker.lost == ["closed by the other end, inside a record"]


def test_a_receiver_that_drops_the_wire_hears_no_more() -> None:
    wire, inner, taker = reader()
    taker.at_data = wire.abort
    wire.wire_data(records(b"last")[0] + bytes(4))
    assert (taker.got, taker.lost, inner.state) == (b"last", [], "aborted")


def test_close_reaches_the_inner_wire() -> None:
    wire, inner, _ = reader()
    wire.close()
    assert inner.state == "closed"


@given(st.binary(max_size=200))
@settings(deadline=None)
def test_anybody_may_send_anything(noise: bytes) -> None:
    wire, _, taker = reader()
    wire.wire_data(noise)
    assert taker.got == b""
