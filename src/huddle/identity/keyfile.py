"""How an identity is written down: its seed as it is, its seed locked by a passphrase, or a word that an
ssh-agent has the key. One line of ASCII, each of these:

    "huddle-identity-1"         seed
    "huddle-identity-locked-1"  did  cost  salt  sealed
    "huddle-identity-agent-1"   did

The words are separated by a space; seed (32 bytes), salt (16) and sealed (48) are hexadecimal. A locked seed
is sealed by AES-256-GCM with a nonce of zeros under a key that is used this once, with the line's beginning
as associated data:

    key = scrypt(passphrase in NFC and UTF-8, "huddle/1 identity passphrase" | salt, N = 2^cost, r = 8, p = 1)

as age keeps its own (age-encryption.org/v1, the scrypt recipient), with its cost. Files and questions are not
for this module.
"""

import hashlib
import unicodedata
from dataclasses import dataclass, field

from huddle.identity.crypto import Crypto, InvalidSeal
from huddle.identity.did import public_from_did
from huddle.identity.keys import SEED_LENGTH, Identity, SeedCrypto

COST = 18  # of scrypt, as log2: 256 MiB and about a second
_COSTS = range(10, 21)  # what is read: more would be a way to stop this machine
_PLAIN, _LOCKED, _AGENT = "huddle-identity-1", "huddle-identity-locked-1", "huddle-identity-agent-1"
_LABEL = b"huddle/1 identity passphrase"
_SALT = 16
_NONCE = bytes(12)


class WrongPassphrase(ValueError):
    """The passphrase is another one, or the file was changed: nobody can tell these apart."""


@dataclass(frozen=True, slots=True)
class Plain:
    """A seed that whoever reads the file has."""

    seed: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Locked:
    """A seed for which somebody must know a passphrase."""

    did: str
    cost: int
    salt: bytes
    sealed: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class InAgent:
    """No seed: an ssh-agent signs."""

    did: str


Stored = Plain | Locked | InAgent


def parse(text: str) -> Stored:
    """What a file says; ValueError where it is none of these."""
    match text.split():
        case [label, seed] if label == _PLAIN:
            return Plain(_bytes(seed, SEED_LENGTH))
        case [label, did, cost, salt, sealed] if label == _LOCKED:
            public_from_did(did)
            if not cost.isascii() or not cost.isdigit() or int(cost) not in _COSTS:
                raise ValueError(f"a cost of {cost[:20]}")
            return Locked(did, int(cost), _bytes(salt, _SALT), _bytes(sealed, SEED_LENGTH + 16))
        case [label, did] if label == _AGENT:
            public_from_did(did)
            return InAgent(did)
    raise ValueError("it does not begin as an identity does")


def written(stored: Stored) -> str:
    """The file's text."""
    match stored:
        case Plain(seed):
            return f"{_PLAIN} {seed.hex()}\n"
        case Locked(sealed=sealed):
            return f"{_beginning(stored)} {sealed.hex()}\n"
        case InAgent(did):
            return f"{_AGENT} {did}\n"


def did_of(crypto: SeedCrypto, stored: Stored) -> str:
    """Whose identity it is; nobody has to unlock anything for that."""
    return Identity.from_seed(crypto, stored.seed).did if isinstance(stored, Plain) else stored.did


def lock(crypto: Crypto, did: str, seed: bytes, passphrase: str, cost: int = COST) -> Locked:
    """Lock the seed of that identity; takes a second."""
    salt = crypto.random(_SALT)
    bare = Locked(did, cost, salt, b"")
    sealed = crypto.seal(_key(bare, passphrase), _NONCE, seed, _beginning(bare).encode())
    return Locked(did, cost, salt, sealed)


def unlock(crypto: Crypto, locked: Locked, passphrase: str) -> bytes:
    """The seed; raises WrongPassphrase. Takes a second."""
    try:
        return crypto.open(_key(locked, passphrase), _NONCE, locked.sealed, _beginning(locked).encode())
    except InvalidSeal as error:
        raise WrongPassphrase("the passphrase is another one") from error


def _beginning(locked: Locked) -> str:
    return f"{_LOCKED} {locked.did} {locked.cost} {locked.salt.hex()}"


def _key(locked: Locked, passphrase: str) -> bytes:
    n = 1 << locked.cost
    return hashlib.scrypt(
        unicodedata.normalize("NFC", passphrase).encode(),
        salt=_LABEL + locked.salt,
        n=n,
        r=8,
        p=1,
        maxmem=128 * 8 * n + (1 << 20),
        dklen=32,
    )


def _bytes(text: str, size: int) -> bytes:
    data = bytes.fromhex(text)
    if len(data) != size or data.hex() != text:
        raise ValueError(f"{size} bytes in hexadecimal digits are wanted")
    return data
