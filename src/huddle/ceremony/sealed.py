"""What a ceremony ends with: the same roster and program at all parties, and a secret per pair.

digest     = SHA-256 fields("huddle/1 session", room id, U8 epoch, proposal as sent,
                            then per party: hello as sent, X25519 key, nonce)
pair       = HKDF(X25519(i, j), "huddle/1 pair", salt = digest)
link key   = HKDF(pair, "huddle/1 link proof")
relay secret = HKDF(pair, "huddle/1 relay")
meeting secret = HKDF(pair, "huddle/1 meeting")
for peer   = salt (16) ‖ AES-256-GCM(data; associated data: digest)
key (32) ‖ nonce (12) = HKDF(pair, fields("huddle/1 for peer", purpose, U8 from, U8 to), salt, 44 bytes)
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from huddle.ceremony.log import signed_fields
from huddle.ceremony.manifest import Manifest
from huddle.ceremony.messages import Offer, Options
from huddle.identity.crypto import Crypto, InvalidSeal
from huddle.identity.kdf import hkdf

_SALT = 16


@dataclass(frozen=True, slots=True)
class Member:
    """A party of the roster; `pid` is its index.

    `pseudonym`: it says that its key is for this session alone.
    `plain` is its part where somebody runs plain MPyC, as `huddle.networks.outsiders` has it.
    """

    pid: int
    did: str
    name: str
    plain: str = ""
    pseudonym: bool = False


@dataclass(frozen=True, slots=True)
class Pairs:
    """The secrets that one party shares with each other party under one digest."""

    crypto: Crypto = field(repr=False)
    digest: bytes
    pid: int
    secrets: Mapping[int, bytes] = field(repr=False)

    def seal(self, purpose: bytes, to: int, data: bytes) -> bytes:
        """Data that only the party `to` can open."""
        salt = self.crypto.random(_SALT)
        key, nonce = self._keys(to, purpose, self.pid, to, salt)
        return salt + self.crypto.seal(key, nonce, data, self.digest)

    def open(self, purpose: bytes, sender: int, sealed: bytes) -> bytes:
        """What `sender` sealed for this party; raises InvalidSeal."""
        if len(sealed) < _SALT:
            raise InvalidSeal(f"{len(sealed)} bytes")
        key, nonce = self._keys(sender, purpose, sender, self.pid, sealed[:_SALT])
        return self.crypto.open(key, nonce, sealed[_SALT:], self.digest)

    def _keys(self, peer: int, purpose: bytes, sender: int, to: int, salt: bytes) -> tuple[bytes, bytes]:
        info = signed_fields("for peer", purpose, bytes([sender]), bytes([to]))
        both = hkdf(self.secrets[peer], info, salt=salt, length=44)
        return both[:32], both[32:]


def pair_secret(shared: bytes, digest: bytes) -> bytes:
    """The secret of a pair from its X25519 result."""
    return hkdf(shared, b"huddle/1 pair", salt=digest)


@dataclass(frozen=True, slots=True)
class Transcript:
    """What all signed, kept only where a record is made: see `huddle.record.signed`."""

    proposal: bytes
    hellos: tuple[bytes, ...]
    exchanges: tuple[bytes, ...]
    nonces: tuple[bytes, ...]
    accepts: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Sealed:
    """A sealed session, as this party (`pid`) holds it.

    `files` are the contents of the first program, empty where they follow over the control links.
    `offers` are each peer's offers to this party. `transcript` is None unless a record was agreed to.
    """

    digest: bytes
    room: bytes
    epoch: int
    pid: int
    roster: tuple[Member, ...]
    threshold: int | None
    options: Options
    manifest: Manifest
    files: dict[str, bytes] = field(repr=False)
    offers: dict[int, tuple[Offer, ...]] = field(repr=False)
    words: tuple[str, ...]
    pairs: Pairs = field(repr=False)
    transcript: Transcript | None = field(default=None, repr=False)

    def pair_secret(self, pid: int) -> bytes:
        """The 32 bytes that only this party and that peer know."""
        return self.pairs.secrets[pid]

    def link_key(self, pid: int) -> bytes:
        """The key of the link proof with that peer."""
        return hkdf(self.pair_secret(pid), b"huddle/1 link proof")

    def relay_secret(self, pid: int) -> bytes:
        """What names and protects the channel to that peer through the relay."""
        return hkdf(self.pair_secret(pid), b"huddle/1 relay")

    def meeting_secret(self, pid: int) -> bytes:
        """By which the two find each other again, where they keep it: see `huddle.calls`."""
        return hkdf(self.pair_secret(pid), b"huddle/1 meeting")
