"""Vectors for other implementations: tests/vectors/identity.json and short_code.json.

They are made here from fixed inputs. `python tests/unit/identity/test_vectors.py` writes them anew, which
is right only where the protocol's version changes too: a test fails where they drift.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from huddle.ceremony.invitation import Invitation, host_hash
from huddle.identity.kdf import hash_fields, hkdf, mac_fields
from huddle.identity.keys import Identity
from huddle.identity.native import NativeCrypto
from huddle.identity.words import words_from
from huddle.shortcode.code import Code
from huddle.shortcode.pake import Answer, Confirm, Exchange, Grant, Share, pack

DIRECTORY = Path(__file__).parents[2] / "vectors"
ABOUT = "docs/protocol.md. All bytes are hexadecimal."


class FixedCrypto(NativeCrypto):
    """A crypto whose random source gives one byte again and again, for vectors alone."""

    def __init__(self, byte: int) -> None:
        self._byte = byte

    def random(self, size: int) -> bytes:
        return bytes([self._byte]) * size


def identity_vectors() -> dict[str, Any]:
    crypto = NativeCrypto()
    label, key = b"huddle/1 vector", bytes(range(32))
    lists: list[list[bytes]] = [[], [b""], [b"a", b"b"], [b"ab"], [b"ab", b""]]
    lists.append(["é".encode(), bytes(300)])
    seeds = [bytes(32), bytes(range(32)), b"\xff" * 32]
    digests = [bytes(32), b"\xff" * 32, hash_fields(label, b"words")]
    invitations = [
        Invitation("https://huddle.example.org", bytes(range(16)), host_hash(_did(bytes(32)))),
        Invitation("http://[::1]:8000", b"\xff" * 16, host_hash(_did(b"\xff" * 32))),
    ]
    return {
        "about": ABOUT,
        "hash_fields": [
            {"label": label.decode(), "fields": _hex(fields), "hash": hash_fields(label, *fields).hex()}
            for fields in lists
        ],
        "mac_fields": [
            {
                "key": key.hex(),
                "label": label.decode(),
                "fields": _hex(fields),
                "mac": mac_fields(key, label, *fields).hex(),
            }
            for fields in lists
        ],
        "hkdf": [
            {
                "secret": key.hex(),
                "salt": salt.hex(),
                "info": label.decode(),
                "length": length,
                "derived": hkdf(key, label, salt=salt, length=length).hex(),
            }
            for salt, length in [(b"", 32), (b"salt", 44), (bytes(100), 16)]
        ],
        "did": [
            {"seed": seed.hex(), "public": crypto.signing_public(identity.key).hex(), "did": identity.did}
            for seed in seeds
            for identity in [Identity.from_seed(crypto, seed)]
        ],
        "words": [{"digest": digest.hex(), "words": words_from(digest)} for digest in digests],
        "invitation": [
            {
                "rendezvous": one.rendezvous,
                "secret": one.secret.hex(),
                "host_did": did,
                "host": one.host.hex(),
                "url": one.url,
                "room_id": one.room_id,
                "room_key": one.room_key.hex(),
            }
            for one, did in zip(invitations, [_did(bytes(32)), _did(b"\xff" * 32)], strict=True)
        ],
    }


def short_code_vectors() -> dict[str, Any]:
    code, try_id, link = Code("4821", ("apple", "river")), bytes(range(16)), "https://huddle.example.org/j#"
    guest = Exchange(FixedCrypto(1), code, try_id, guest=True)
    host = Exchange(FixedCrypto(2), code, try_id, guest=False)
    guests, hosts = guest.keys(host.share), host.keys(guest.share)
    sealed = hosts.seal(NativeCrypto(), link)
    assert guests.open(NativeCrypto(), sealed) == link
    return {
        "about": f"{ABOUT} Each side's random source gives its byte 64 times for its scalar.",
        "code": str(code),
        "try_id": try_id.hex(),
        "guest_random": "01",
        "host_random": "02",
        "sealed_text": link,
        "share": pack(Share(try_id, guest.share)).hex(),
        "answer": pack(Answer(try_id, host.share)).hex(),
        "confirm": pack(Confirm(try_id, guests.guest_mac())).hex(),
        "grant": pack(Grant(try_id, hosts.host_mac(sealed), sealed)).hex(),
    }


def _did(seed: bytes) -> str:
    return Identity.from_seed(NativeCrypto(), seed).did


def _hex(fields: list[bytes]) -> list[str]:
    return [field.hex() for field in fields]


def _text(vectors: dict[str, Any]) -> str:
    return json.dumps(vectors, indent=2, ensure_ascii=False) + "\n"


FILES = {"identity.json": identity_vectors, "short_code.json": short_code_vectors}


@pytest.mark.parametrize("name", FILES)
def test_what_is_computed_is_what_other_implementations_were_given(name: str) -> None:
    assert (DIRECTORY / name).read_text() == _text(FILES[name]())


if __name__ == "__main__":
    for name, make in FILES.items():
        (DIRECTORY / name).write_text(_text(make()))
