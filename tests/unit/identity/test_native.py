"""The native primitives, against the vectors of their standards."""

import pytest

from huddle.identity.crypto import InvalidSeal
from huddle.identity.native import NativeCrypto

CRYPTO = NativeCrypto()
# RFC 8032, 7.1, test 1
SEED = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
PUBLIC = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
SIGNATURE = bytes.fromhex(
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
    "d25bf5f0595bbe24655141438e7a100b"
)


def test_ed25519_signs_as_rfc_8032_says() -> None:
    key = CRYPTO.signing_from_seed(SEED)
    assert CRYPTO.signing_public(key) == PUBLIC
    assert CRYPTO.sign(key, b"") == SIGNATURE
    assert CRYPTO.signing_seed(key) == SEED


def test_a_signature_holds_for_its_key_and_data_alone() -> None:
    other = CRYPTO.signing_public(CRYPTO.signing_key())
    assert CRYPTO.verify(PUBLIC, SIGNATURE, b"")
    assert not CRYPTO.verify(PUBLIC, SIGNATURE, b"x")
    assert not CRYPTO.verify(other, SIGNATURE, b"")
    assert not CRYPTO.verify(PUBLIC, SIGNATURE[:-1], b"")
    assert not CRYPTO.verify(PUBLIC[:-1], SIGNATURE, b"")
    assert not CRYPTO.verify(b"\xff" * 32, SIGNATURE, b"")


def test_x25519_gives_both_sides_the_same_secret() -> None:
    left, right = CRYPTO.exchange_key(), CRYPTO.exchange_key()
    secret = CRYPTO.exchange(left, CRYPTO.exchange_public(right))
    assert secret == CRYPTO.exchange(right, CRYPTO.exchange_public(left))
    assert len(secret) == 32
    assert secret != CRYPTO.exchange(left, CRYPTO.exchange_public(CRYPTO.exchange_key()))


@pytest.mark.parametrize("public", [bytes(32), b"\1" + bytes(31), bytes(31), bytes(33)])
def test_x25519_refuses_keys_that_give_a_known_secret_and_what_is_no_key(public: bytes) -> None:
    with pytest.raises(ValueError):
        CRYPTO.exchange(CRYPTO.exchange_key(), public)


@pytest.mark.parametrize(
    ("data", "sealed"),
    [
        ("", "530f8afbc74536b9a963b4f1c4cb738b"),
        ("00" * 16, "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"),
    ],
)
def test_aes_256_gcm_seals_as_its_test_cases_13_and_14_say(data: str, sealed: str) -> None:
    assert CRYPTO.seal(bytes(32), bytes(12), bytes.fromhex(data), b"").hex() == sealed
    assert CRYPTO.open(bytes(32), bytes(12), bytes.fromhex(sealed), b"").hex() == data


def test_only_what_was_sealed_opens() -> None:
    key, nonce = bytes(32), bytes(12)
    sealed = CRYPTO.seal(key, nonce, b"data", b"for")
    for wrong in (
        (b"\1" * 32, nonce, sealed, b"for"),
        (key, b"\1" * 12, sealed, b"for"),
        (key, nonce, sealed, b"not for"),
        (key, nonce, sealed[:-1], b"for"),
        (key, nonce, b"", b"for"),
        (key, nonce, bytes([sealed[0] ^ 1]) + sealed[1:], b"for"),
    ):
        with pytest.raises(InvalidSeal):
            CRYPTO.open(*wrong)


@pytest.mark.parametrize(("key", "nonce"), [(bytes(16), bytes(12)), (bytes(32), bytes(16))])
def test_other_sizes_of_key_and_nonce_are_refused(key: bytes, nonce: bytes) -> None:
    with pytest.raises(ValueError):
        CRYPTO.seal(key, nonce, b"", b"")


def test_random_bytes_differ() -> None:
    assert len(CRYPTO.random(16)) == 16
    assert CRYPTO.random(16) != CRYPTO.random(16)
