"""A call: whoever hosts leaves the invitation where one verified contact alone finds it.

    meeting secret       32 bytes that both keep since their last session
    room id (16) ‖ owner key (32) ‖ call key (32)
                         = HKDF(meeting secret, fields("huddle/1 call", host's did, guest's did))
    call                 = nonce (12) ‖ AES-256-GCM(call key, nonce, body, associated data: room id)
    body (408)           = expires U64 ‖ the invitation's URL, filled up with zeros

The room is at a rendezvous, and either of the two makes it. Only who has the secret knows its id, so it is
linked to no other. A call leads to no other host than the contact itself: the URL names its host by the
hash of the did, and what does not open, is over, or names another one is not there.

Pure: no socket, no clock.
"""

from dataclasses import dataclass, field
from typing import Self

from huddle.ceremony.invitation import URL_LENGTH, Invitation
from huddle.ceremony.log import signed_fields
from huddle.errors import LocalError
from huddle.identity.crypto import Crypto, InvalidSeal
from huddle.identity.kdf import hkdf

LIFETIME = 7200  # seconds for which a call counts: as long as the room that it leads to
SIZE = 12 + 8 + URL_LENGTH + 16  # bytes of every call: its length tells nothing

_ROOM, _KEY, _NONCE, _TIME = 16, 32, 12, 8


@dataclass(frozen=True, slots=True)
class Call:
    """What a call says; `expires` is in seconds since 1970, by its host's clock."""

    invitation: Invitation
    expires: int

    def is_over(self, now: float) -> bool:
        """Whether it counts no more."""
        return self.expires <= now


@dataclass(frozen=True, slots=True)
class CallBox:
    """Where the calls of one host to one guest are found; `owner` is the key that both make the room with."""

    room: bytes
    owner: bytes = field(repr=False)
    key: bytes = field(repr=False)
    host: str

    @classmethod
    def of(cls, secret: bytes, host: str, guest: str) -> Self:
        """The box of these two; `host` and `guest` are dids."""
        both = hkdf(secret, signed_fields("call", host.encode(), guest.encode()), length=_ROOM + 2 * _KEY)
        return cls(both[:_ROOM], both[_ROOM : _ROOM + _KEY], both[_ROOM + _KEY :], host)

    def seal(self, crypto: Crypto, invitation: Invitation, now: float) -> bytes:
        """A call to this invitation; `now` in seconds since 1970."""
        body = (int(now) + LIFETIME).to_bytes(_TIME) + invitation.url.encode().ljust(URL_LENGTH, b"\0")
        nonce = crypto.random(_NONCE)
        return nonce + crypto.seal(self.key, nonce, body, self.room)

    def open(self, crypto: Crypto, call: bytes) -> Call | None:
        """What a call says, which may be over; None where it is no call of this host to one session."""
        if len(call) != SIZE:
            return None
        try:
            body = crypto.open(self.key, call[:_NONCE], call[_NONCE:], self.room)
            invitation = Invitation.parse(body[_TIME:].rstrip(b"\0").decode())
        except (InvalidSeal, LocalError, UnicodeDecodeError):
            return None
        if invitation.groups or not invitation.is_host(self.host):
            return None
        return Call(invitation, int.from_bytes(body[:_TIME]))
