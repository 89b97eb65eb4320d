"""Commitments and digests depend on every one of their parts, and on nothing else."""

from dataclasses import replace
from typing import Any

import pytest

from huddle.ceremony.messages import Reveal, Software
from huddle.ceremony.values import EpochContext, Values
from tests.unit.ceremony.mesh import SeededCrypto

ROOM = EpochContext(b"0" * 32, 1)
VALUES = Values.fresh(SeededCrypto(1))
HELLO = ROOM.hello(1, "did:key:z6Mk", "Ann", (Software("mpyc", "0.11"),), VALUES)
REVEAL = Reveal(bytes(32), VALUES.exchange, VALUES.nonce)


def test_a_reveal_opens_its_own_hello() -> None:
    assert ROOM.opens(HELLO, REVEAL)


@pytest.mark.parametrize(
    ("room", "hello", "reveal"),
    [
        (EpochContext(b"1" * 32, 1), {}, {}),
        (EpochContext(b"0" * 32, 2), {}, {}),
        (ROOM, {"role": 0}, {}),
        (ROOM, {"name": "Bob"}, {}),
        (ROOM, {"did": "did:key:z6Ml"}, {}),
        (ROOM, {"commitment": bytes(32)}, {}),
        (ROOM, {}, {"nonce": bytes(32)}),
        (ROOM, {}, {"exchange": bytes(32)}),
    ],
)
def test_no_reveal_opens_another_hello(
    room: EpochContext, hello: dict[str, Any], reveal: dict[str, Any]
) -> None:
    assert not room.opens(replace(HELLO, **hello), replace(REVEAL, **reveal))


def test_a_digest_depends_on_everything_and_on_the_order() -> None:
    hellos, exchanges, nonces = (b"h0", b"h1"), (b"x0", b"x1"), (b"n0", b"n1")
    digests = [
        ROOM.digest(b"p", hellos, exchanges, nonces),
        EpochContext(b"1" * 32, 1).digest(b"p", hellos, exchanges, nonces),
        EpochContext(b"0" * 32, 2).digest(b"p", hellos, exchanges, nonces),
        ROOM.digest(b"q", hellos, exchanges, nonces),
        ROOM.digest(b"p", hellos[::-1], exchanges, nonces),
        ROOM.digest(b"p", hellos, exchanges[::-1], nonces),
        ROOM.digest(b"p", hellos, exchanges, nonces[::-1]),
        ROOM.digest(b"p", (b"h0", b"h1x"), (b"x0", b"1"), nonces),
    ]
    assert len(set(digests)) == len(digests)
    with pytest.raises(ValueError):
        ROOM.digest(b"p", hellos, exchanges, nonces[:1])


def test_two_epochs_never_have_the_same_values() -> None:
    crypto = SeededCrypto(2)
    first, second = Values.fresh(crypto), Values.fresh(crypto)
    assert first.exchange != second.exchange and first.nonce != second.nonce
    assert first.nonce.hex() not in repr(first.key)


def test_hashes_that_name_messages_depend_on_room_epoch_and_sender() -> None:
    names = {ROOM.hello_hash("a", b"x"), ROOM.hello_hash("b", b"x"), ROOM.hello_hash("a", b"y")}
    names |= {
        EpochContext(b"0" * 32, 2).hello_hash("a", b"x"),
        ROOM.proposal_hash(b"x"),
        ROOM.proposal_hash(b"y"),
    }
    assert len(names) == 6
