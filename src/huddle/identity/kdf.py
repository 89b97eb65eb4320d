"""Hashes, MACs and key derivation, from the standard library alone, natively and in a browser.

Wherever several values are hashed together they are fields: each is written as its length (U32, big
endian) and its bytes, the label first, so that no two lists of fields give the same input.

    hash_fields(label, a, b)      = SHA-256(len(label) ‖ label ‖ len(a) ‖ a ‖ len(b) ‖ b)
    mac_fields(key, label, a, b)  = HMAC-SHA-256 of the same input
    hkdf(secret, info)            = HKDF-SHA-256 (RFC 5869)

A label starts with `huddle/1 ` and belongs to one purpose.
"""

import hashlib
import hmac

_HASH = 32


def hash_fields(label: bytes, *fields: bytes) -> bytes:
    """The 32-byte SHA-256 of the label and the fields, each with its length before it."""
    return hashlib.sha256(_joined(label, fields)).digest()


def mac_fields(key: bytes, label: bytes, *fields: bytes) -> bytes:
    """The 32-byte HMAC-SHA-256 of the label and the fields; compare with `same`."""
    return hmac.digest(key, _joined(label, fields), "sha256")


def same(left: bytes, right: bytes) -> bool:
    """Whether two secrets are equal, in a time that does not tell where they differ."""
    return hmac.compare_digest(left, right)


def hkdf(secret: bytes, info: bytes, *, salt: bytes = b"", length: int = 32) -> bytes:
    """`length` bytes derived from `secret` for the purpose `info`; HKDF of RFC 5869 with SHA-256."""
    if not 0 < length <= 255 * _HASH:
        raise ValueError(f"HKDF gives 1 to {255 * _HASH} bytes, not {length}")
    # HMAC pads a short key with zeros, so an empty salt is RFC 5869's salt of zeros.
    key = hmac.digest(salt, secret, "sha256")
    block, derived, count = b"", b"", 0
    while len(derived) < length:
        count += 1
        block = hmac.digest(key, block + info + bytes([count]), "sha256")
        derived += block
    return derived[:length]


def _joined(label: bytes, fields: tuple[bytes, ...]) -> bytes:
    return b"".join(len(field).to_bytes(4, "big") + field for field in (label, *fields))
