"""Field hashes, MACs and HKDF."""

import hashlib

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from huddle.identity.kdf import hash_fields, hkdf, mac_fields, same

FIELDS = st.lists(st.binary(max_size=6), max_size=4)


@pytest.mark.parametrize(
    ("secret", "salt", "info", "derived"),
    [
        pytest.param(
            "0b" * 22,
            "000102030405060708090a0b0c",
            "f0f1f2f3f4f5f6f7f8f9",
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
            id="RFC 5869, A.1",
        ),
        pytest.param(
            bytes(range(0x50)).hex(),
            bytes(range(0x60, 0xB0)).hex(),
            bytes(range(0xB0, 0x100)).hex(),
            "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c"
            "59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71"
            "cc30c58179ec3e87c14c01d5c1f3434f1d87",
            id="RFC 5869, A.2",
        ),
        pytest.param(
            "0b" * 22,
            "",
            "",
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
            id="RFC 5869, A.3",
        ),
    ],
)
def test_hkdf_gives_what_the_rfc_says(secret: str, salt: str, info: str, derived: str) -> None:
    length = len(derived) // 2
    result = hkdf(bytes.fromhex(secret), bytes.fromhex(info), salt=bytes.fromhex(salt), length=length)
    assert result.hex() == derived


@pytest.mark.parametrize("length", [0, -1, 255 * 32 + 1])
def test_hkdf_refuses_lengths_that_it_cannot_give(length: int) -> None:
    with pytest.raises(ValueError, match="HKDF"):
        hkdf(b"secret", b"info", length=length)


def test_fields_are_hashed_with_their_lengths() -> None:
    written = b"\0\0\0\5label" + b"\0\0\0\1a" + b"\0\0\0\0"
    assert hash_fields(b"label", b"a", b"") == hashlib.sha256(written).digest()


@given(FIELDS, FIELDS)
def test_no_two_lists_of_fields_hash_alike(left: list[bytes], right: list[bytes]) -> None:
    assume(left != right)
    assert hash_fields(b"label", *left) != hash_fields(b"label", *right)
    assert mac_fields(b"key", b"label", *left) != mac_fields(b"key", b"label", *right)


def test_a_mac_depends_on_key_and_label() -> None:
    one = mac_fields(b"key", b"label", b"field")
    assert not same(one, mac_fields(b"other", b"label", b"field"))
    assert not same(one, mac_fields(b"key", b"other", b"field"))
    assert same(one, mac_fields(b"key", b"label", b"field"))
