"""A party's identity: its long-term signing key and the did by which others know it.

The key is an opaque handle of whatever `Crypto` made it. Its 32-byte seed, by which a person keeps an
identity, goes in and out only where the backend offers seeds; files are for `huddle.cli` to touch.
"""

from dataclasses import dataclass, field
from typing import Protocol, Self

from huddle.identity.crypto import Crypto, SigningKey
from huddle.identity.did import did_from_public

SEED_LENGTH = 32


class SeedCrypto(Crypto, Protocol):
    """A `Crypto` whose signing keys can leave it and come back, as `NativeCrypto`."""

    def signing_seed(self, key: SigningKey) -> bytes: ...

    def signing_from_seed(self, seed: bytes) -> SigningKey: ...


@dataclass(frozen=True, slots=True)
class Identity:
    """A did and the key that signs for it; `asks`: its person may be asked for each signature."""

    did: str
    key: SigningKey = field(repr=False)
    asks: bool = field(default=False, repr=False)

    @classmethod
    def fresh(cls, crypto: Crypto) -> Self:
        """A new identity that nobody has seen: a person's first, or a pseudonym."""
        return cls.of(crypto, crypto.signing_key())

    @classmethod
    def of(cls, crypto: Crypto, key: SigningKey) -> Self:
        """The identity of a signing key."""
        return cls(did_from_public(crypto.signing_public(key)), key)

    @classmethod
    def from_seed(cls, crypto: SeedCrypto, seed: bytes) -> Self:
        """The identity that was kept as `seed`; ValueError unless it has 32 bytes."""
        if len(seed) != SEED_LENGTH:
            raise ValueError(f"the seed of an identity has {SEED_LENGTH} bytes, not {len(seed)}")
        return cls.of(crypto, crypto.signing_from_seed(seed))

    def seed(self, crypto: SeedCrypto) -> bytes:
        """The 32 secret bytes from which `from_seed` makes this identity again."""
        return crypto.signing_seed(self.key)
