"""Keys of WireGuard, the addresses that follow from them, and the names of interfaces.

    address = fd ‖ the first 15 bytes of SHA-256 over "huddle/1 wireguard address" and the public key

So an address is a hash of its key, as RFC 3972 binds addresses to keys: nobody can choose one that is
another party's, and a tunnel that lets a peer send only from its own address shows who sent. It is in
fd00::/8, the addresses that anybody may give themselves (RFC 4193).

    interface = "hw" ‖ process (5) ‖ its start (3) ‖ its pid namespace (3) ‖ number (2), in base 32

A name says whose an interface is: that process, and no later one with the same number. Nothing here asks
the system for anything but what it says of processes.
"""

import os
import string
from dataclasses import dataclass, field
from functools import cache
from ipaddress import IPv6Address
from pathlib import Path

from huddle.identity.crypto import Crypto
from huddle.identity.kdf import hash_fields

KEY = 32  # bytes

_ADDRESS_LABEL = b"huddle/1 wireguard address"
_PREFIX = "hw"
_DIGITS = string.ascii_lowercase + "234567"
_WIDTHS = (5, 3, 3, 2)  # of the parts of a name, together 13 of the 15 characters that Linux allows
_SIZES = [1 << 5 * width for width in _WIDTHS]
NUMBERS = _SIZES[3]


@dataclass(frozen=True, slots=True)
class Key:
    """A key pair of X25519, as WireGuard wants it."""

    private: bytes = field(repr=False)
    public: bytes

    @classmethod
    def fresh(cls) -> "Key":
        """A new one."""
        from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey  # no browser has it

        key = X25519PrivateKey.generate()
        return cls(key.private_bytes_raw(), key.public_key().public_bytes_raw())

    @classmethod
    def of(cls, crypto: Crypto) -> "Key":
        """A new one, also in a browser: made of bytes, since it is handed on."""
        private = _clamped(crypto.random(KEY))
        return cls(private, crypto.exchange_public(crypto.exchange_from_seed(private)))


def _clamped(private: bytes) -> bytes:
    """32 random bytes as a private key, in the form that WireGuard's tools write (RFC 7748, 5)."""
    return bytes([private[0] & 248]) + private[1:31] + bytes([private[31] & 127 | 64])


def address(public: bytes) -> IPv6Address:
    """The address of whoever has that key."""
    if len(public) != KEY:
        raise ValueError(f"a key of {len(public)} bytes")
    return IPv6Address(b"\xfd" + hash_fields(_ADDRESS_LABEL, public)[:15])


@dataclass(frozen=True, slots=True)
class Owner:
    """The process that an interface belongs to, as far as a name can say: two parts are remainders."""

    pid: int
    start: int
    namespace: int

    @classmethod
    def of(cls, pid: int) -> "Owner | None":
        """The owner that this process is now; None where there is no such process."""
        try:
            after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return None
        if after_name[0] in "ZX":
            return None
        return cls(pid, int(after_name[19]) % _SIZES[1], _namespace())

    @property
    def foreign(self) -> bool:
        """Whether its process can't be seen from here, as one in another container."""
        return self.namespace != _namespace()

    @property
    def alive(self) -> bool:
        """Whether that very process still runs."""
        return Owner.of(self.pid) == self


@cache
def _namespace() -> int:
    return os.stat("/proc/self/ns/pid").st_ino % _SIZES[2]


def interface(owner: Owner, number: int) -> str:
    """The name of the owner's interface with that number."""
    parts = (owner.pid, owner.start, owner.namespace, number % NUMBERS)
    return _PREFIX + "".join(_digits(part, width) for part, width in zip(parts, _WIDTHS, strict=True))


def owner_of(name: str) -> Owner | None:
    """Whose interface it is, by its name; None for one that is not Huddle's."""
    digits = name.removeprefix(_PREFIX)
    if digits == name or len(digits) != sum(_WIDTHS) or not set(digits) <= set(_DIGITS):
        return None
    values, at = [], 0
    for width in _WIDTHS[:3]:
        value = 0
        for digit in digits[at : at + width]:
            value = value * len(_DIGITS) + _DIGITS.index(digit)
        values.append(value)
        at += width
    return Owner(*values)


def _digits(value: int, width: int) -> str:
    text = ""
    for _ in range(width):
        value, digit = divmod(value, len(_DIGITS))
        text = _DIGITS[digit] + text
    return text
