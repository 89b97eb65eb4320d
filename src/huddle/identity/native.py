"""The primitives of `huddle.identity.crypto`, from pyca/cryptography: Huddle outside a browser.

The only module that knows pyca/cryptography's keys; everybody else holds them as opaque handles.
"""

import os
from typing import cast

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from huddle.identity.crypto import ExchangeKey, InvalidSeal, SigningKey


class NativeCrypto:
    """A `Crypto` with the system's random source, and seeds of signing keys for keeping them."""

    def random(self, size: int) -> bytes:
        return os.urandom(size)

    def signing_key(self) -> SigningKey:
        return SigningKey(Ed25519PrivateKey.generate())

    def signing_public(self, key: SigningKey) -> bytes:
        return _signing(key).public_key().public_bytes_raw()

    def sign(self, key: SigningKey, data: bytes) -> bytes:
        return _signing(key).sign(data)

    def verify(self, public: bytes, signature: bytes, data: bytes) -> bool:
        try:
            Ed25519PublicKey.from_public_bytes(public).verify(signature, data)
        except (InvalidSignature, ValueError):
            return False
        return True

    def exchange_key(self) -> ExchangeKey:
        return ExchangeKey(X25519PrivateKey.generate())

    def exchange_from_seed(self, seed: bytes) -> ExchangeKey:
        return ExchangeKey(X25519PrivateKey.from_private_bytes(seed))

    def exchange_public(self, key: ExchangeKey) -> bytes:
        return cast(X25519PrivateKey, key).public_key().public_bytes_raw()

    def exchange(self, key: ExchangeKey, public: bytes) -> bytes:
        return cast(X25519PrivateKey, key).exchange(X25519PublicKey.from_public_bytes(public))

    def seal(self, key: bytes, nonce: bytes, data: bytes, associated: bytes) -> bytes:
        return AESGCM(_long(key)).encrypt(_short(nonce), data, associated)

    def open(self, key: bytes, nonce: bytes, sealed: bytes, associated: bytes) -> bytes:
        try:
            return AESGCM(_long(key)).decrypt(_short(nonce), sealed, associated)
        except InvalidTag as exc:
            raise InvalidSeal("sealed with another key, nonce or associated data") from exc

    def signing_seed(self, key: SigningKey) -> bytes:
        """The 32-byte seed from which `signing_from_seed` makes the same key again."""
        return _signing(key).private_bytes_raw()

    def signing_from_seed(self, seed: bytes) -> SigningKey:
        """The Ed25519 key of a 32-byte seed; ValueError where it has another length."""
        return SigningKey(Ed25519PrivateKey.from_private_bytes(seed))


def _signing(key: SigningKey) -> Ed25519PrivateKey:
    return cast(Ed25519PrivateKey, key)


# pyca/cryptography would also take other sizes, as AES-128 and other GCMs: those are not Huddle's.
def _long(key: bytes) -> bytes:
    if len(key) != 32:
        raise ValueError(f"a key of {len(key)} bytes where AES-256 has 32")
    return key


def _short(nonce: bytes) -> bytes:
    if len(nonce) != 12:
        raise ValueError(f"a nonce of {len(nonce)} bytes where 12 belong")
    return nonce
