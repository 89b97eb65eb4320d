"""What goes to and fro where a short code is tried, and the keys that come of it.

All messages stand in the nameplate's room, which everybody who knows the number can read and write:

    message = version U8 = 1 ‖ type U8 ‖ try id, 16 ‖ body

    1 Share    guest  its share of SPAKE2, 33 bytes
    2 Answer   host   its share; sending it spends a try
    3 Confirm  guest  32 bytes, HMAC(guest key, transcript)
    4 Grant    host   32 bytes, HMAC(host key, transcript, sealed), and the sealed invitation
    5 Wait     host   as many tries as there may be are open; the answer comes when one is given back
    6 Refusal  host   why not, U8; the same in all versions, and signed by nobody

The PAKE is SPAKE2 over Ed25519 as the package `spake2` does it, the guest being its side A, with the
identities below; the password is a hash of the code's nameplate and words. From its key and the
transcript (nameplate, try id, both shares) HKDF gives a key for each confirmation and one for the seal.
A key seals once, so the nonce is zero.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Annotated, Any

from spake2 import SPAKE2_A, SPAKE2_B, SPAKEError
from spake2.ed25519_basic import NotOnCurve

from huddle.codec import U8, DecodeError, Fixed, Limit, decode, encode
from huddle.identity.crypto import Crypto
from huddle.identity.kdf import hash_fields, hkdf, mac_fields
from huddle.shortcode.code import Code

VERSION = 1
TRY_ID = 16
MESSAGE_LIMIT = 600  # a Grant with the longest link; nothing else is longer


class Reason(IntEnum):
    """Why the host refuses a try."""

    WRONG = 1
    USED_UP = 2
    EXPIRED = 3
    COMPLETE = 4
    UNKNOWN = 5
    GARBLED = 6
    VERSION = 7
    CLOSED = 8


@dataclass(frozen=True, slots=True)
class Share:
    try_id: Annotated[bytes, Fixed(TRY_ID)]
    share: Annotated[bytes, Fixed(33)]


@dataclass(frozen=True, slots=True)
class Answer:
    try_id: Annotated[bytes, Fixed(TRY_ID)]
    share: Annotated[bytes, Fixed(33)]


@dataclass(frozen=True, slots=True)
class Confirm:
    try_id: Annotated[bytes, Fixed(TRY_ID)]
    mac: Annotated[bytes, Fixed(32)]


@dataclass(frozen=True, slots=True)
class Grant:
    try_id: Annotated[bytes, Fixed(TRY_ID)]
    mac: Annotated[bytes, Fixed(32)]
    sealed: Annotated[bytes, Limit(500)]


@dataclass(frozen=True, slots=True)
class Wait:
    try_id: Annotated[bytes, Fixed(TRY_ID)]


@dataclass(frozen=True, slots=True)
class Refusal:
    try_id: Annotated[bytes, Fixed(TRY_ID)]
    reason: U8


type Message = Share | Answer | Confirm | Grant | Wait | Refusal

_TYPES: dict[int, type[Message]] = {1: Share, 2: Answer, 3: Confirm, 4: Grant, 5: Wait, 6: Refusal}
_NUMBERS = {cls: number for number, cls in _TYPES.items()}


def pack(message: Message) -> bytes:
    """The bytes of a message."""
    return bytes([VERSION, _NUMBERS[type(message)]]) + encode(message)


def unpack(data: bytes) -> Message | None:
    """The message, or None where the bytes are none of this version."""
    if not 2 + TRY_ID <= len(data) <= MESSAGE_LIMIT or data[0] != VERSION or data[1] not in _TYPES:
        return None
    try:
        return decode(_TYPES[data[1]], data[2:])
    except DecodeError:
        return None


def share_of_other_version(data: bytes) -> bytes | None:
    """The try id of a guest's first message in another version of this protocol, else None."""
    if not 2 + TRY_ID <= len(data) <= MESSAGE_LIMIT or data[0] == VERSION or data[1] != _NUMBERS[Share]:
        return None
    return data[2 : 2 + TRY_ID]


class BadShare(ValueError):
    """The other side's share is no share: garbled, reflected, or chosen to give a known key."""


class Exchange:
    """One run of SPAKE2: `share` goes to the other side, `keys` come of the other side's share."""

    def __init__(self, crypto: Crypto, code: Code, try_id: bytes, *, guest: bool) -> None:
        self._context = (code.nameplate.encode(), try_id)
        self._guest = guest
        self._spake: Any = (SPAKE2_A if guest else SPAKE2_B)(
            hash_fields(b"huddle/1 code words", *self._context[:1], *(word.encode() for word in code.words)),
            idA=hash_fields(b"huddle/1 code guest", *self._context),
            idB=hash_fields(b"huddle/1 code host", *self._context),
            entropy_f=crypto.random,
        )
        self.share: bytes = self._spake.start()

    def keys(self, theirs: bytes) -> "CodeKeys":
        """The keys that whoever used the same words shares; once only. Raises BadShare."""
        try:
            secret = self._spake.finish(theirs)
        except (SPAKEError, NotOnCurve, ValueError) as exc:
            raise BadShare(str(exc) or type(exc).__name__) from exc
        shares = (self.share, theirs) if self._guest else (theirs, self.share)
        return CodeKeys(secret, hash_fields(b"huddle/1 code transcript", *self._context, *shares))


class CodeKeys:
    """The keys of one try, which both sides have if both used the same words."""

    def __init__(self, secret: bytes, transcript: bytes) -> None:
        self._transcript = transcript
        self._guest = hkdf(secret, b"huddle/1 code guest key", salt=transcript)
        self._host = hkdf(secret, b"huddle/1 code host key", salt=transcript)
        self._seal = hkdf(secret, b"huddle/1 code seal", salt=transcript)

    def guest_mac(self) -> bytes:
        """By which the guest shows first that it has the words."""
        return mac_fields(self._guest, b"huddle/1 code guest confirms", self._transcript)

    def host_mac(self, sealed: bytes) -> bytes:
        """By which the host shows that it has them, over what it grants."""
        return mac_fields(self._host, b"huddle/1 code host confirms", self._transcript, sealed)

    def seal(self, crypto: Crypto, text: str) -> bytes:
        """The invitation, sealed; once per try."""
        return crypto.seal(self._seal, bytes(12), text.encode(), self._transcript)

    def open(self, crypto: Crypto, sealed: bytes) -> str:
        """The inverse of `seal`; raises InvalidSeal, or UnicodeDecodeError where it is no text."""
        return crypto.open(self._seal, bytes(12), sealed, self._transcript).decode()
