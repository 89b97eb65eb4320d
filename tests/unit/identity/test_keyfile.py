"""How an identity is written down: what is written is read, nothing else is, and a passphrase locks it."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huddle.identity import keyfile
from huddle.identity.keyfile import InAgent, Locked, Plain, Stored, WrongPassphrase, did_of, lock, unlock
from huddle.identity.keys import Identity
from huddle.identity.native import NativeCrypto

CRYPTO = NativeCrypto()
SEED = bytes(range(32))
DID = Identity.from_seed(CRYPTO, SEED).did
CHEAP = 10
LOCKED = lock(CRYPTO, DID, SEED, "correct horse", CHEAP)


@pytest.mark.parametrize("stored", [Plain(SEED), LOCKED, InAgent(DID)])
def test_what_is_written_is_read(stored: Stored) -> None:
    text = keyfile.written(stored)
    assert text.endswith("\n") and text.isascii()
    assert keyfile.parse(text) == stored
    assert did_of(CRYPTO, stored) == DID, "nobody has to unlock it for that"
    assert SEED.hex() not in repr(stored)


def test_the_files_of_older_versions_are_read() -> None:
    assert keyfile.parse(f"huddle-identity-1 {SEED.hex()}\n") == Plain(SEED)


def test_a_passphrase_unlocks_it_and_no_other_does() -> None:
    assert unlock(CRYPTO, LOCKED, "correct horse") == SEED
    for other in ("Correct horse", "correct horse ", ""):
        with pytest.raises(WrongPassphrase):
            unlock(CRYPTO, LOCKED, other)


def test_a_passphrase_is_the_same_however_its_letters_are_composed() -> None:
    locked = lock(CRYPTO, DID, SEED, "caf\u00e9", CHEAP)
    assert unlock(CRYPTO, locked, "cafe\u0301") == SEED


def test_two_locks_have_nothing_in_common() -> None:
    other = lock(CRYPTO, DID, SEED, "correct horse", CHEAP)
    assert other.salt != LOCKED.salt and other.sealed != LOCKED.sealed


def test_nothing_of_a_lock_can_be_changed() -> None:
    elsewhere = Identity.fresh(CRYPTO).did
    for changed in (
        Locked(elsewhere, LOCKED.cost, LOCKED.salt, LOCKED.sealed),
        Locked(DID, LOCKED.cost + 1, LOCKED.salt, LOCKED.sealed),
        Locked(DID, LOCKED.cost, bytes(16), LOCKED.sealed),
        Locked(DID, LOCKED.cost, LOCKED.salt, LOCKED.sealed[:-1] + bytes([LOCKED.sealed[-1] ^ 1])),
    ):
        with pytest.raises(WrongPassphrase):
            unlock(CRYPTO, changed, "correct horse")


def test_the_key_is_scrypt_s_as_the_module_says() -> None:
    key = hashlib.scrypt(
        b"correct horse", salt=b"huddle/1 identity passphrase" + LOCKED.salt, n=1 << CHEAP, r=8, p=1, dklen=32
    )
    label = f"huddle-identity-locked-1 {DID} {CHEAP} {LOCKED.salt.hex()}".encode()
    assert CRYPTO.open(key, bytes(12), LOCKED.sealed, label) == SEED


@pytest.mark.parametrize(
    "text",
    [
        "",
        "huddle-identity-2 00",
        f"huddle-identity-1 {SEED.hex()} more",
        f"huddle-identity-1 {SEED.hex().upper()}",
        f"huddle-identity-1 {SEED[1:].hex()}",
        "huddle-identity-agent-1 did:key:zNobody",
        keyfile.written(LOCKED).replace(f" {CHEAP} ", " 9 "),
        keyfile.written(LOCKED).replace(f" {CHEAP} ", " 31 "),
        keyfile.written(LOCKED).replace(f" {CHEAP} ", " 1_0 "),
    ],
    ids=[f"text {number}" for number in range(9)],
)
def test_what_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        keyfile.parse(text)


@given(st.text(max_size=300) | st.text("0123456789abcdef huddle-identity1", max_size=200))
def test_anything_is_an_identity_or_refused(text: str) -> None:
    try:
        keyfile.parse(text)
    except ValueError:
        pass
