"""The primitives of cryptography, as an argument: what the session core may ask of its surroundings.

Natively `huddle.identity.native.NativeCrypto` serves this from pyca/cryptography; in a browser a
WebCrypto backend does, which is why keys are opaque handles and every call is synchronous. SHA-2,
HMAC and HKDF come from the standard library in both and are not here; see `huddle.identity.kdf`.
"""

from typing import NewType, Protocol

SigningKey = NewType("SigningKey", object)
ExchangeKey = NewType("ExchangeKey", object)


class InvalidSeal(ValueError):
    """A sealed message was not made with this key, nonce and associated data."""


class Crypto(Protocol):
    """Ed25519, X25519, AES-256-GCM and a random source."""

    def random(self, size: int) -> bytes:
        """So many bytes that nobody can guess."""
        ...

    def signing_key(self) -> SigningKey:
        """A fresh Ed25519 key."""
        ...

    def signing_public(self, key: SigningKey) -> bytes:
        """The 32-byte public key."""
        ...

    def sign(self, key: SigningKey, data: bytes) -> bytes:
        """A 64-byte Ed25519 signature (RFC 8032)."""
        ...

    def verify(self, public: bytes, signature: bytes, data: bytes) -> bool:
        """Whether the signature is right; False also where the public key is no key."""
        ...

    def exchange_key(self) -> ExchangeKey:
        """A fresh X25519 key."""
        ...

    def exchange_from_seed(self, seed: bytes) -> ExchangeKey:
        """The X25519 key of these 32 bytes."""
        ...

    def exchange_public(self, key: ExchangeKey) -> bytes:
        """The 32-byte public key."""
        ...

    def exchange(self, key: ExchangeKey, public: bytes) -> bytes:
        """The 32-byte X25519 secret (RFC 7748); ValueError where the result is all zero."""
        ...

    def seal(self, key: bytes, nonce: bytes, data: bytes, associated: bytes) -> bytes:
        """AES-256-GCM with a 12-byte nonce: the ciphertext and its 16-byte tag."""
        ...

    def open(self, key: bytes, nonce: bytes, sealed: bytes, associated: bytes) -> bytes:
        """The inverse of `seal`; raises InvalidSeal."""
        ...
