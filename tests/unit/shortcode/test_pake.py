"""The messages of a try and the keys that come of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huddle.identity.crypto import InvalidSeal
from huddle.identity.native import NativeCrypto
from huddle.shortcode.code import Code
from huddle.shortcode.pake import (
    MESSAGE_LIMIT,
    Answer,
    BadShare,
    CodeKeys,
    Confirm,
    Exchange,
    Grant,
    Message,
    Refusal,
    Share,
    Wait,
    pack,
    share_of_other_version,
    unpack,
)

CRYPTO = NativeCrypto()
CODE = Code("4821", ("apple", "river"))
TRY = bytes(range(16))


def keys_of(host: Code, guest: Code, host_try: bytes = TRY) -> tuple[CodeKeys, CodeKeys]:
    one = Exchange(CRYPTO, host, host_try, guest=False)
    other = Exchange(CRYPTO, guest, TRY, guest=True)
    return one.keys(other.share), other.keys(one.share)


@pytest.mark.parametrize(
    "message",
    [
        Share(TRY, bytes(33)),
        Answer(TRY, bytes(33)),
        Confirm(TRY, bytes(32)),
        Grant(TRY, bytes(32), b"sealed"),
        Wait(TRY),
        Refusal(TRY, 1),
    ],
)
def test_each_message_is_read_as_it_is_written(message: Message) -> None:
    data = pack(message)
    assert unpack(data) == message
    assert unpack(data + b"\0") is None
    assert unpack(data[:-1]) is None
    assert unpack(b"\2" + data[1:]) is None
    assert unpack(data[:1] + b"\7" + data[2:]) is None


def test_the_longest_message_is_within_the_limit() -> None:
    assert len(pack(Grant(TRY, bytes(32), bytes(500)))) <= MESSAGE_LIMIT
    assert unpack(bytes([1, 4]) + bytes(MESSAGE_LIMIT)) is None


@given(st.binary(max_size=700))
def test_no_bytes_do_more_than_be_ignored(data: bytes) -> None:
    message = unpack(data)
    assert message is None or pack(message) == data
    assert share_of_other_version(data) in (None, data[2:18])


def test_the_same_words_give_the_same_keys_and_others_do_not() -> None:
    host, guest = keys_of(CODE, CODE)
    assert host.guest_mac() == guest.guest_mac()
    assert host.host_mac(b"x") == guest.host_mac(b"x") != host.host_mac(b"y")
    assert guest.open(CRYPTO, host.seal(CRYPTO, "text")) == "text"
    for other in (Code("4821", ("apple", "zoo")), Code("4821", ("river", "apple")), Code("4822", CODE.words)):
        host, guest = keys_of(CODE, other)
        assert host.guest_mac() != guest.guest_mac()
        assert host.host_mac(b"x") != guest.host_mac(b"x")
        with pytest.raises(InvalidSeal):
            guest.open(CRYPTO, host.seal(CRYPTO, "text"))


def test_keys_belong_to_one_try() -> None:
    host, guest = keys_of(CODE, CODE, host_try=bytes(16))
    assert host.guest_mac() != guest.guest_mac()


def test_the_two_confirmations_differ() -> None:
    host, _ = keys_of(CODE, CODE)
    assert host.guest_mac() != host.host_mac(b"")


@given(st.binary(min_size=33, max_size=33) | st.binary(min_size=32, max_size=32).map(b"B".__add__))
def test_a_share_is_taken_or_refused_and_nothing_else(share: bytes) -> None:
    exchange = Exchange(CRYPTO, CODE, TRY, guest=True)
    try:
        exchange.keys(share)
    except BadShare:
        pass
