"""The invitation as a link: where the rendezvous is, the room's secret, and who the host is.

    url      = rendezvous ‖ "/j#" ‖ base64url(version U8 ‖ secret, 16 ‖ host, 16 ‖ check, 3)
    version  = 1: to a session; 2: to a front room, whose host deals guests to groups (`huddle.groups`)
    host     = first 16 bytes of the hash of the host's did, label "huddle/1 host"
    check    = first 3 bytes of the hash of rendezvous and all before the check, label "huddle/1 link"
    room id  = HKDF(secret, "huddle/1 room id", 16 bytes), in hexadecimal
    room key = HKDF(secret, "huddle/1 room key", 32 bytes)

All that is secret stands after the `#`, which browsers and clients never send. The check finds typing
errors and hides nothing; in every version it is the last 3 bytes, so that a link of another version is
told from a mistyped one. A link that was found right is not proof of anything: who the host is shows in
its signature, and that nobody is in the middle in the words.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urlsplit

from huddle.errors import LocalError
from huddle.identity.crypto import Crypto
from huddle.identity.kdf import hash_fields, hkdf

VERSION = 1
GROUPS = 2
SECRET_LENGTH = 16
HOST_LENGTH = 16
CHECK_LENGTH = 3
URL_LENGTH = 400  # of a link; more than a name server allows for the host's name and some path

_ENTRY = "/j"
_AGAIN = "Copy the whole link again, or ask the host for a new one."
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_PATH = re.compile(r"(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*")
# What chats and mail programs put into a link, besides white space, where they break or wrap it.
_INVISIBLE = dict.fromkeys([0x00AD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF])


def host_hash(did: str) -> bytes:
    """The 16 bytes by which an invitation names its host."""
    return hash_fields(b"huddle/1 host", did.encode())[:HOST_LENGTH]


def rendezvous_url(text: str) -> str:
    """The one spelling of a rendezvous's address: lower case, no default port, no slash at the end.

    Raises LocalError where it is no http or https URL, or has more than host, port and a plain path.
    """
    try:
        parts = urlsplit(text.strip())
        scheme, host, port = parts.scheme, parts.hostname or "", parts.port
        extra = parts.username is not None or parts.query or parts.fragment or "?" in text or "#" in text
        path = parts.path.rstrip("/")
        right = scheme in ("http", "https") and not extra and _is_host(host) and bool(_PATH.fullmatch(path))
    except ValueError:
        right = False
    if not right or port == 0 or len(text) > URL_LENGTH:
        raise LocalError(
            f"{text[:80]!r} is not the address of a rendezvous",
            hint="It looks like https://huddle.example.org, without anything after ? or #.",
        )
    where = f"[{host}]" if ":" in host else host
    if port not in (None, {"http": 80, "https": 443}[scheme]):
        where += f":{port}"
    return f"{scheme}://{where}{path}"


@dataclass(frozen=True, slots=True)
class Invitation:
    """What a guest needs to find and enter the session; whoever holds it can knock."""

    rendezvous: str
    secret: bytes = field(repr=False)
    host: bytes
    groups: bool = False

    def __post_init__(self) -> None:
        if len(self.secret) != SECRET_LENGTH or len(self.host) != HOST_LENGTH:
            raise ValueError("an invitation has 16 bytes of secret and 16 of the host's hash")
        if rendezvous_url(self.rendezvous) != self.rendezvous:
            raise ValueError("an invitation has its rendezvous as rendezvous_url spells it")

    @classmethod
    def fresh(cls, crypto: Crypto, rendezvous: str, host_did: str, *, groups: bool = False) -> Self:
        """An invitation to a new room, by the host with this did; with `groups` to a front room."""
        return cls(rendezvous_url(rendezvous), crypto.random(SECRET_LENGTH), host_hash(host_did), groups)

    @classmethod
    def parse(cls, text: str) -> Self:
        """The invitation of a link as people paste it; LocalError says what is wrong with it."""
        rendezvous, fragment = _split(text)
        try:
            data = urlsafe_b64decode(fragment + "=" * (-len(fragment) % 4))
            right = urlsafe_b64encode(data).decode().rstrip("=") == fragment and len(data) > CHECK_LENGTH
        except ValueError:
            right = False
        if not right or _check(rendezvous, data[:-CHECK_LENGTH]) != data[-CHECK_LENGTH:]:
            raise LocalError("the link has a typing error or is cut off", hint=_AGAIN)
        version, body = data[0], data[1:-CHECK_LENGTH]
        if version > GROUPS:
            raise LocalError(
                "the link was made by a newer Huddle", hint="Update Huddle here, then join again."
            )
        if version < VERSION or len(body) != SECRET_LENGTH + HOST_LENGTH:
            raise LocalError("the link is not one that Huddle makes", hint=_AGAIN)
        return cls(rendezvous, body[:SECRET_LENGTH], body[SECRET_LENGTH:], version == GROUPS)

    @property
    def url(self) -> str:
        """The link to send."""
        data = bytes([GROUPS if self.groups else VERSION]) + self.secret + self.host
        fragment = urlsafe_b64encode(data + _check(self.rendezvous, data)).decode().rstrip("=")
        return f"{self.rendezvous}{_ENTRY}#{fragment}"

    @property
    def room_id(self) -> str:
        """The 32 hexadecimal digits by which the rendezvous knows the room."""
        return hkdf(self.secret, b"huddle/1 room id", length=16).hex()

    @property
    def room_key(self) -> bytes:
        """The 32-byte key from which the room's message keys come."""
        return hkdf(self.secret, b"huddle/1 room key")

    def is_host(self, did: str) -> bool:
        """Whether this did is the host that the link names."""
        return host_hash(did) == self.host


def _check(rendezvous: str, data: bytes) -> bytes:
    return hash_fields(b"huddle/1 link", rendezvous.encode(), data)[:CHECK_LENGTH]


def _split(text: str) -> tuple[str, str]:
    link = "".join(text.translate(_INVISIBLE).split()).replace("%23", "#", 1)
    start = re.search("https?://", link, re.IGNORECASE)
    if start is None:
        raise LocalError("that is not an invitation link", hint="It starts with https:// and has /j# in it.")
    link = link[start.start() :].rstrip("<>()[]{}\"'“”‘’«».,;:!*")
    if len(link) > URL_LENGTH:
        raise LocalError("the link is far too long", hint=_AGAIN)
    before, mark, fragment = link.partition("#")
    if not mark or not fragment:
        raise LocalError(
            "the link lacks what stands after the #",
            hint="Some programs cut it off there: copy the link itself, or ask for the short code.",
        )
    before = before.rstrip("/")
    if not before.endswith(_ENTRY):
        raise LocalError("that is not an invitation link", hint="The invitation's link has /j# in it.")
    return rendezvous_url(before.removesuffix(_ENTRY)), fragment


def _is_host(host: str) -> bool:
    if ":" in host:
        return re.fullmatch("[0-9a-f:.]+", host) is not None
    return len(host) <= 253 and all(_LABEL.fullmatch(label) for label in host.split("."))
