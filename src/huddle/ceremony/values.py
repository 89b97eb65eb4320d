"""The values of one epoch: commitments, the hashes that name messages, and the digest of a session.

    commitment  = SHA-256 fields("huddle/1 commitment", U8 version, room id, U8 epoch, U8 role, did, name,
                                 X25519 key, nonce)
    hello hash  = SHA-256 fields("huddle/1 hello hash", room id, U8 epoch, did, hello as sent)
    proposal    = SHA-256 fields("huddle/1 proposal hash", room id, U8 epoch, proposal as sent)
    digest      = SHA-256 fields("huddle/1 session", room id, U8 epoch, proposal as sent,
                                 then per party in order: hello as sent, X25519 key, nonce)
    accept      = Ed25519 over fields("huddle/1 session accept", room id, U8 epoch, digest)

Everything in the digest is fixed by the proposal or by a commitment that stands in it, so nobody can
choose a digest after having seen another party's values.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

from huddle.ceremony.log import signed_fields
from huddle.ceremony.messages import PROTOCOL, Hello, Reveal, Software
from huddle.identity.crypto import Crypto, ExchangeKey
from huddle.identity.kdf import hash_fields

NONCE = 32
HOST, GUEST = 0, 1


@dataclass(frozen=True, slots=True)
class Values:
    """What one party commits to and reveals in one epoch; never used in another."""

    key: ExchangeKey = field(repr=False)
    exchange: bytes
    nonce: bytes

    @classmethod
    def fresh(cls, crypto: Crypto) -> Self:
        """New values."""
        key = crypto.exchange_key()
        return cls(key, crypto.exchange_public(key), crypto.random(NONCE))


@dataclass(frozen=True, slots=True)
class EpochContext:
    """The room and the epoch, which all hashes and signatures of the ceremony cover."""

    id: bytes
    epoch: int

    def commitment(self, role: int, did: str, name: str, exchange: bytes, nonce: bytes) -> bytes:
        """What a hello commits to."""
        return hash_fields(
            b"huddle/1 commitment",
            bytes([PROTOCOL]),
            self.id,
            bytes([self.epoch]),
            bytes([role]),
            did.encode(),
            name.encode(),
            exchange,
            nonce,
        )

    def hello(self, role: int, did: str, name: str, software: tuple[Software, ...], values: Values) -> Hello:
        """This party's hello."""
        commitment = self.commitment(role, did, name, values.exchange, values.nonce)
        return Hello(role, name, did, (PROTOCOL,), software, commitment)

    def opens(self, hello: Hello, reveal: Reveal) -> bool:
        """Whether the revealed values are those that this hello committed to."""
        made = self.commitment(hello.role, hello.did, hello.name, reveal.exchange, reveal.nonce)
        return made == hello.commitment

    def hello_hash(self, did: str, body: bytes) -> bytes:
        """What names a hello."""
        return hash_fields(b"huddle/1 hello hash", self.id, bytes([self.epoch]), did.encode(), body)

    def proposal_hash(self, body: bytes) -> bytes:
        """What names a proposal."""
        return hash_fields(b"huddle/1 proposal hash", self.id, bytes([self.epoch]), body)

    def digest(
        self, proposal: bytes, hellos: Sequence[bytes], exchanges: Sequence[bytes], nonces: Sequence[bytes]
    ) -> bytes:
        """What names the session, and what the words come from."""
        parties = [part for one in zip(hellos, exchanges, nonces, strict=True) for part in one]
        return hash_fields(b"huddle/1 session", self.id, bytes([self.epoch]), proposal, *parties)

    def accepted(self, digest: bytes) -> bytes:
        """What the signature of an accept is over."""
        return signed_fields("session accept", self.id, bytes([self.epoch]), digest)
