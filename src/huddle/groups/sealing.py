"""What the host of a front room and one guest seal for each other.

    digest  = SHA-256 fields("huddle/1 groups", room id, host's did, its key, guest's did, its key)
    pair    = as `huddle.ceremony.sealed` has it, of the two X25519 keys under this digest; the host is 0,
              the guest 1

Both keys are made for this room and stand in signed messages, so a pair is bound to both identities.
"""

from huddle.ceremony.sealed import Pairs, pair_secret
from huddle.identity.crypto import Crypto, ExchangeKey
from huddle.identity.kdf import hash_fields

_HOST, _GUEST = 0, 1
PLACEMENT, REPORT = b"groups placement", b"groups report"


class _Side:
    """One of the two, with an exchange key of its own for this room."""

    def __init__(self, crypto: Crypto, room: str, did: str) -> None:
        self._crypto = crypto
        self._room = room
        self._did = did
        self._key: ExchangeKey = crypto.exchange_key()
        self.public = crypto.exchange_public(self._key)


class HostSide(_Side):
    """The host's side of its pairs with all guests."""

    def with_guest(self, did: str, exchange: bytes) -> Pairs:
        """The pair with this guest; ValueError where its key protects nothing."""
        digest = _digest(self._room, self._did, self.public, did, exchange)
        shared = self._crypto.exchange(self._key, exchange)
        return Pairs(self._crypto, digest, _HOST, {_GUEST: pair_secret(shared, digest)})

    @staticmethod
    def seal(pair: Pairs, data: bytes) -> bytes:
        """A placement for the guest."""
        return pair.seal(PLACEMENT, _GUEST, data)

    @staticmethod
    def open(pair: Pairs, sealed: bytes) -> bytes:
        """What the guest reports; raises InvalidSeal."""
        return pair.open(REPORT, _GUEST, sealed)


class GuestSide(_Side):
    """A guest's side of its pair with the host."""

    def with_host(self, did: str, exchange: bytes) -> Pairs:
        """The pair with the host; ValueError where its key protects nothing."""
        digest = _digest(self._room, did, exchange, self._did, self.public)
        shared = self._crypto.exchange(self._key, exchange)
        return Pairs(self._crypto, digest, _GUEST, {_HOST: pair_secret(shared, digest)})

    @staticmethod
    def seal(pair: Pairs, data: bytes) -> bytes:
        """A report for the host."""
        return pair.seal(REPORT, _HOST, data)

    @staticmethod
    def open(pair: Pairs, sealed: bytes) -> bytes:
        """The placement; raises InvalidSeal."""
        return pair.open(PLACEMENT, _HOST, sealed)


def _digest(room: str, host: str, host_key: bytes, guest: str, guest_key: bytes) -> bytes:
    return hash_fields(b"huddle/1 groups", room.encode(), host.encode(), host_key, guest.encode(), guest_key)
