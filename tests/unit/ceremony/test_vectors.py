"""The vectors are what the code makes, and follow from docs/protocol.md with nothing but the primitives."""

import hashlib
import hmac
import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from huddle.identity.native import NativeCrypto
from huddle.identity.words import word_list
from huddle.record import signed as records
from tests.unit.ceremony.vectors import FILE, text


def vectors() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return found


def fields(label: str, *parts: bytes) -> bytes:
    whole = (f"huddle/1 {label}".encode(), *parts)
    return b"".join(len(part).to_bytes(4, "big") + part for part in whole)


def digest(label: str, *parts: bytes) -> bytes:
    return hashlib.sha256(fields(label, *parts)).digest()


def hkdf(secret: bytes, info: bytes, salt: bytes, length: int) -> bytes:
    key = hmac.digest(salt or bytes(32), secret, "sha256")
    first = hmac.digest(key, info + b"\1", "sha256")
    return (first + hmac.digest(key, first + info + b"\2", "sha256"))[:length]


def test_the_code_makes_these_records() -> None:
    assert FILE.read_text(encoding="utf-8") == text()


def test_the_records_open_and_are_signed_as_documented() -> None:
    v = vectors()
    secret = bytes.fromhex(v["invitation"]["secret"])
    room = v["invitation"]["room_id"].encode()
    room_key = hkdf(secret, b"huddle/1 room key", b"", 32)
    assert hkdf(secret, b"huddle/1 room id", b"", 16).hex().encode() == room
    assert room_key.hex() == v["invitation"]["room_key"]
    keys = {
        one["did"]: Ed25519PrivateKey.from_private_bytes(bytes.fromhex(one["seed"]))
        for one in v["identities"]
    }
    hashes = [digest("log", room)]
    for one in v["records"]:
        record = bytes.fromhex(one["record"])
        both = hkdf(room_key, b"huddle/1 record", record[:16], 44)
        plain = AESGCM(both[:32]).decrypt(both[32:], record[16:], room)
        assert plain.hex() == one["envelope"] and record[:16].hex() == one["salt"]
        signed = fields(one["kind"], room, plain[:-64])
        assert keys[one["sender"]].sign(signed) == plain[-64:]
        assert hashes[one["seen"]].hex() == one["seen_hash"]
        hashes.append(digest("log", hashes[-1], digest("record", record)))
    assert hashes[-1].hex() == v["log_hash"]


def test_digest_words_and_keys_follow_as_documented() -> None:
    v = vectors()
    room, epoch = v["invitation"]["room_id"].encode(), b"\1"
    dids = [one["did"] for one in v["identities"]]
    found: dict[tuple[str, str], dict[str, Any]] = {(one["kind"], one["sender"]): one for one in v["records"]}
    proposal = bytes.fromhex(found["proposal", dids[0]]["body"])
    parts = []
    for role, (did, name) in enumerate(zip(dids, ("Hanna", "Ann"), strict=True)):
        hello, reveal = found["hello", did], found["reveal", did]
        opened = [bytes.fromhex(reveal[key]) for key in ("exchange", "nonce")]
        commitment = digest(
            "commitment", b"\1", room, epoch, bytes([role]), did.encode(), name.encode(), *opened
        )
        assert commitment.hex() == hello["commitment"]
        body = bytes.fromhex(hello["body"])
        assert digest("hello hash", room, epoch, did.encode(), body) in proposal
        assert bytes.fromhex(reveal["body"])[:32] == digest("proposal hash", room, epoch, proposal)
        parts += [body, *opened]
    session = digest("session", room, epoch, proposal, *parts)
    assert session.hex() == v["digest"]
    bits = f"{int.from_bytes(session, 'big'):0256b}"
    assert [word_list()[int(bits[i : i + 11], 2)] for i in range(0, 44, 11)] == v["words"]
    # The values of the first epoch are the first draws after identity and room secret.
    mine = X25519PrivateKey.from_private_bytes(bytes.fromhex(v["draws"]["Hanna"][2]))
    theirs = X25519PublicKey.from_public_bytes(parts[4])
    pair = hkdf(mine.exchange(theirs), b"huddle/1 pair", session, 32)
    assert pair.hex() == v["pair_secret"]
    assert hkdf(pair, b"huddle/1 link proof", b"", 32).hex() == v["link_key"]
    assert hkdf(pair, b"huddle/1 relay", b"", 32).hex() == v["relay_secret"]
    assert hkdf(pair, b"huddle/1 meeting", b"", 32).hex() == v["meeting_secret"]
    keys = [Ed25519PrivateKey.from_private_bytes(bytes.fromhex(one["seed"])) for one in v["identities"]]
    for did, key in zip(dids, keys, strict=True):
        signature = key.sign(fields("session accept", room, epoch, session))
        assert bytes.fromhex(found["accept", did]["body"])[:64] == signature


def test_the_session_record_holds() -> None:
    v = vectors()
    report = records.verify(NativeCrypto(), bytes.fromhex(v["session_record"]))
    assert report.digest.hex() == v["digest"] and list(report.words) == v["words"]
