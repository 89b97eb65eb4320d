"""The vectors of calls are what the code makes, and follow from docs/protocol-calls.md alone."""

import json
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from tests.unit.calls.vectors import FILE, text
from tests.unit.ceremony.test_vectors import fields


def vectors() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return found


def keys(secret: bytes, host: str, guest: str) -> tuple[str, str, str]:
    """Room id, owner key and call key."""
    info = fields("call", host.encode(), guest.encode())
    found = HKDF(SHA256(), 80, salt=None, info=info).derive(secret).hex()
    return found[:32], found[32:96], found[96:]


def test_the_code_makes_these_calls() -> None:
    assert FILE.read_text(encoding="utf-8") == text()


def test_a_call_follows_as_documented() -> None:
    v = vectors()
    secret = bytes.fromhex(v["meeting_secret"])
    assert keys(secret, v["host"], v["guest"]) == (v["room"], v["owner_key"], v["call_key"])
    assert keys(secret, v["guest"], v["host"])[0] == v["room_the_other_way"]
    call = bytes.fromhex(v["call"])
    assert len(call) == 436
    body = AESGCM(bytes.fromhex(v["call_key"])).decrypt(call[:12], call[12:], bytes.fromhex(v["room"]))
    assert int.from_bytes(body[:8]) == v["now"] + 7200
    assert body[8:] == v["link"].encode().ljust(400, b"\0")
