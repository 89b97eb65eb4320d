"""Identities: fresh ones, and ones that are kept as a seed."""

import pytest

from huddle.identity.did import public_from_did
from huddle.identity.keys import Identity
from huddle.identity.native import NativeCrypto

CRYPTO = NativeCrypto()


def test_an_identity_signs_for_its_did() -> None:
    identity = Identity.fresh(CRYPTO)
    signature = CRYPTO.sign(identity.key, b"data")
    assert CRYPTO.verify(public_from_did(identity.did), signature, b"data")


def test_a_seed_brings_the_identity_back() -> None:
    identity = Identity.fresh(CRYPTO)
    again = Identity.from_seed(CRYPTO, identity.seed(CRYPTO))
    assert again.did == identity.did
    assert CRYPTO.sign(again.key, b"data") == CRYPTO.sign(identity.key, b"data")


def test_two_fresh_identities_differ() -> None:
    assert Identity.fresh(CRYPTO).did != Identity.fresh(CRYPTO).did


def test_no_seed_of_another_length_is_taken() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Identity.from_seed(CRYPTO, bytes(31))


def test_the_key_does_not_stand_in_the_repr() -> None:
    identity = Identity.fresh(CRYPTO)
    assert repr(identity) == f"Identity(did={identity.did!r})"
