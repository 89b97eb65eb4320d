"""The keys of onion services, version 3: one for each party and session, one for each pair and direction.

    address = base32(key (32) ‖ checksum (2) ‖ 3) ‖ ".onion", all small letters
    checksum = first 2 bytes of SHA3-256(".onion checksum" ‖ key ‖ 3)

A service's key is an Ed25519 key. Who may ask for it has an X25519 key that the service knows (client
authorization); both derive it from the secret of the pair, and it never travels. Source: Tor's
rend-spec-v3 and control-spec.
"""

import hashlib
from base64 import b32encode, b64encode
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from huddle.identity.kdf import hkdf

KEY = 32  # bytes of a service's public key
_VERSION = b"\x03"
_LABEL = b"huddle/1 tor "


@dataclass(frozen=True, slots=True)
class ServiceKey:
    """A key of an onion service: its public key, and the private one as Tor's control port takes it."""

    public: bytes
    private: str = field(repr=False)

    @classmethod
    def of_seed(cls, seed: bytes) -> "ServiceKey":
        """The key of these 32 random bytes."""
        public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
        scalar = bytearray(hashlib.sha512(seed).digest())  # RFC 8032, 5.1.5: the expanded key
        scalar[0] &= 248
        scalar[31] = scalar[31] & 127 | 64
        return cls(public, f"ED25519-V3:{b64encode(scalar).decode()}")


def address(public: bytes) -> str:
    """The onion address of a service's public key, without `.onion`: 56 letters and digits."""
    checksum = hashlib.sha3_256(b".onion checksum" + public + _VERSION).digest()[:2]
    return b32encode(public + checksum + _VERSION).decode().lower()


@dataclass(frozen=True, slots=True)
class PairKeys:
    """What two parties share for one direction: to the service of one of them, from the other.

    `tag` (16 bytes) begins each connection and says who dials; `private` and `public` are the client
    authorization, as Tor's control port takes them.
    """

    tag: bytes = field(repr=False)
    private: str = field(repr=False)
    public: str

    @classmethod
    def derived(cls, secret: bytes, side: bytes) -> "PairKeys":
        """Those of the pair's secret, for dials of that side: b"a" is the lower pid, b"b" the higher."""
        private = hkdf(secret, _LABEL + b"client " + side)
        public = X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()
        return cls(
            hkdf(secret, _LABEL + b"tag " + side, length=16),
            f"x25519:{b64encode(private).decode()}",
            b32encode(public).decode().rstrip("="),
        )
