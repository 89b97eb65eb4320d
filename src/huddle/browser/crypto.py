"""The primitives of `huddle.identity.crypto` in a browser: WebCrypto, waited for (web/src/core/webcrypto.ts).

A handle is a JavaScript object with the pair of keys, the private one not extractable, and the public bytes.
"""

import os
from functools import lru_cache
from typing import Any, cast

from huddle.browser.js_values import array
from huddle.browser.loop import result_of
from huddle.identity.crypto import ExchangeKey, InvalidSeal, SigningKey


class WebCrypto:
    """A `Crypto` by the functions of webcrypto.ts, given as one object (`outcomes` of mailbox.ts)."""

    def __init__(self, functions: Any) -> None:
        self._js = functions
        # The record layer uses two keys for thousands of records.
        self._sealing = lru_cache(64)(self._sealing_key)

    def random(self, size: int) -> bytes:
        return os.urandom(size)

    def signing_key(self) -> SigningKey:
        return SigningKey(result_of(self._js.signingKey()))

    def signing_public(self, key: SigningKey) -> bytes:
        return _public(key)

    def sign(self, key: SigningKey, data: bytes) -> bytes:
        return _bytes(result_of(self._js.sign(key, array(data))))

    def verify(self, public: bytes, signature: bytes, data: bytes) -> bool:
        return bool(result_of(self._js.verify(array(public), array(signature), array(data))))

    def exchange_key(self) -> ExchangeKey:
        return ExchangeKey(result_of(self._js.exchangeKey()))

    def exchange_public(self, key: ExchangeKey) -> bytes:
        return _public(key)

    def exchange(self, key: ExchangeKey, public: bytes) -> bytes:
        secret = result_of(self._js.exchange(key, array(public)))
        if secret is None:
            raise ValueError("no X25519 secret comes of this key")
        return _bytes(secret)

    def seal(self, key: bytes, nonce: bytes, data: bytes, associated: bytes) -> bytes:
        sealing = self._sealing(_long(key))
        _short(nonce)
        return _bytes(result_of(self._js.seal(sealing, array(nonce), array(data), array(associated))))

    def open(self, key: bytes, nonce: bytes, sealed: bytes, associated: bytes) -> bytes:
        sealing = self._sealing(_long(key))
        _short(nonce)
        data = result_of(self._js.open(sealing, array(nonce), array(sealed), array(associated)))
        if data is None:
            raise InvalidSeal("sealed with another key, nonce or associated data")
        return _bytes(data)

    def signing_from_seed(self, seed: bytes) -> SigningKey:
        """The Ed25519 key of a 32-byte seed; for test vectors, since it can be read out."""
        return SigningKey(result_of(self._js.fromSeed("Ed25519", array(seed))))

    def exchange_from_seed(self, seed: bytes) -> ExchangeKey:
        """The X25519 key of 32 bytes; for test vectors, and where the key is to be taken elsewhere."""
        return ExchangeKey(result_of(self._js.fromSeed("X25519", array(seed))))

    def _sealing_key(self, key: bytes) -> Any:
        return result_of(self._js.sealingKey(array(key)))


def _public(key: object) -> bytes:
    return _bytes(cast(Any, key).public)


def _bytes(value: Any) -> bytes:
    data: bytes = value.to_bytes()
    return data


def _long(key: bytes) -> bytes:
    if len(key) != 32:
        raise ValueError(f"a key of {len(key)} bytes where AES-256 has 32")
    return key


def _short(nonce: bytes) -> None:
    if len(nonce) != 12:
        raise ValueError(f"a nonce of {len(nonce)} bytes where 12 belong")
