"""What the host of a front room and one guest seal for each other.

    digest  = SHA-256 fields("huddle/1 groups", room id, host's did, its key, guest's did, its key)
    pair    = as `huddle.ceremony.sealed` has it, of the two X25519 keys under this digest; the host is 0,
              the guest 1

Both keys are made for this room and stand in signed messages, so a pair is bound to both identities.
"""

from typing import ClassVar

from huddle.ceremony.sealed import Pairs, pair_secret
from huddle.identity.crypto import Crypto, ExchangeKey
from huddle.identity.kdf import hash_fields

_HOST, _GUEST = 0, 1
PLACEMENT, REPORT = b"groups placement", b"groups report"


class _Side:
    """One of the two, with an exchange key of its own for this room."""

    _own: ClassVar[int]
    _other: ClassVar[int]
    _says: ClassVar[bytes]
    _hears: ClassVar[bytes]

    def __init__(self, crypto: Crypto, room: str, did: str) -> None:
        self._crypto = crypto
        self._room = room
        self._did = did
        self._key: ExchangeKey = crypto.exchange_key()
        self.public = crypto.exchange_public(self._key)

    @classmethod
    def seal(cls, pair: Pairs, data: bytes) -> bytes:
        """What this side tells the other."""
        return pair.seal(cls._says, cls._other, data)

    @classmethod
    def open(cls, pair: Pairs, sealed: bytes) -> bytes:
        """What the other tells this side; raises InvalidSeal."""
        return pair.open(cls._hears, cls._other, sealed)

    def _pair(self, digest: bytes, exchange: bytes) -> Pairs:
        shared = self._crypto.exchange(self._key, exchange)
        return Pairs(self._crypto, digest, self._own, {self._other: pair_secret(shared, digest)})


class HostSide(_Side):
    """The host's side of its pairs with all guests: it seals placements and opens reports."""

    _own, _other, _says, _hears = _HOST, _GUEST, PLACEMENT, REPORT

    def with_guest(self, did: str, exchange: bytes) -> Pairs:
        """The pair with this guest; ValueError where its key protects nothing."""
        return self._pair(_digest(self._room, self._did, self.public, did, exchange), exchange)


class GuestSide(_Side):
    """A guest's side of its pair with the host: it seals reports and opens its placement."""

    _own, _other, _says, _hears = _GUEST, _HOST, REPORT, PLACEMENT

    def with_host(self, did: str, exchange: bytes) -> Pairs:
        """The pair with the host; ValueError where its key protects nothing."""
        return self._pair(_digest(self._room, did, exchange, self._did, self.public), exchange)


def _digest(room: str, host: str, host_key: bytes, guest: str, guest_key: bytes) -> bytes:
    return hash_fields(b"huddle/1 groups", room.encode(), host.encode(), host_key, guest.encode(), guest_key)
