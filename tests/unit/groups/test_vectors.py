"""The vectors of a front room are what the code makes, and follow from docs/protocol-groups.md alone."""

import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.unit.ceremony.test_vectors import digest, fields, hkdf
from tests.unit.groups.vectors import FILE, NAMES, text

KINDS = {"opening": 2, "listing": 3, "chunk": 4, "knock": 1, "roll call": 6, "here": 7}
KINDS |= {"deal": 8, "opened": 9, "report": 11}


def vectors() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return found


def opened(pair: bytes, bound: bytes, purpose: str, sender: int, sealed: bytes) -> bytes:
    """What one of the two sealed for the other."""
    info = fields("for peer", purpose.encode(), bytes([sender]), bytes([1 - sender]))
    both = hkdf(pair, info, sealed[:16], 44)
    return AESGCM(both[:32]).decrypt(both[32:], sealed[16:], bound)


def test_the_code_makes_these_records() -> None:
    assert FILE.read_text(encoding="utf-8") == text()


def test_the_records_open_and_are_signed_as_documented() -> None:
    v = vectors()
    room, room_key = v["invitation"]["room_id"].encode(), bytes.fromhex(v["invitation"]["room_key"])
    keys = {
        one["did"]: Ed25519PrivateKey.from_private_bytes(bytes.fromhex(one["seed"]))
        for one in v["identities"]
    }
    for one in v["records"]:
        record = bytes.fromhex(one["record"])
        both = hkdf(room_key, b"huddle/1 record", record[:16], 44)
        plain = AESGCM(both[:32]).decrypt(both[32:], record[16:], room)
        assert plain.hex() == one["envelope"] and one["epoch"] == 1
        assert plain[0] == KINDS[one["kind"].removeprefix("groups ")]
        assert keys[one["sender"]].sign(fields(one["kind"], room, plain[:-64])) == plain[-64:]
    assert v["records"][0]["kind"] == "groups opening"
    assert {one["kind"].removeprefix("groups ") for one in v["records"]} == set(KINDS)


def test_pairs_placements_and_reports_follow_as_documented() -> None:
    v = vectors()
    room = v["invitation"]["room_id"].encode()
    dids = {one["name"]: one["did"] for one in v["identities"]}
    keys = {name: bytes.fromhex(key) for name, key in v["exchange"].items()}
    draws = [bytes.fromhex(one) for one in v["draws"]["Tia"] if len(one) == 64]
    own = [X25519PrivateKey.from_private_bytes(draw) for draw in draws]
    (mine,) = (one for one in own if one.public_key().public_bytes_raw() == keys["Tia"])
    (deal,) = (one for one in v["records"] if one["kind"] == "groups deal")
    for name, place in zip(NAMES[1:], (0, 1), strict=True):
        bound = digest("groups", room, dids["Tia"].encode(), keys["Tia"], dids[name].encode(), keys[name])
        shared = mine.exchange(X25519PublicKey.from_public_bytes(keys[name]))
        pair = hkdf(shared, b"huddle/1 pair", bound, 32)
        assert pair.hex() == v["pair_secrets"][name]
        seat = deal["seats"][place]
        assert seat["did"] == dids[name]
        placement = opened(pair, bound, "groups placement", 0, bytes.fromhex(seat["sealed"]))
        assert placement.hex() == v["placements"][name] and placement[0] == 1
        assert bytes.fromhex(v["program_digest"]) in placement
        assert b"https://huddle.example/j#" in placement
        (report,) = (
            one for one in v["records"] if one["kind"] == "groups report" and one["sender"] == dids[name]
        )
        assert opened(pair, bound, "groups report", 1, bytes.fromhex(report["sealed"])) == b"in"
    # The first alone has the key of the files; the room of the group is in both.
    ada, bob = (bytes.fromhex(v["placements"][name]) for name in NAMES[1:])
    assert len(ada) == len(bob) + 32 and ada[: len(bob) - 4] == bob[:-4]
    (chunk,) = (one for one in v["records"] if one["kind"] == "groups chunk")
    sealed = bytes.fromhex(chunk["body"])[8:]
    associated = bytes.fromhex(v["program_digest"]) + bytes(4)
    files = AESGCM(ada[-32:]).decrypt(bytes(12), sealed, associated)
    assert files == b"".join(bytes.fromhex(data) for _, data in sorted(v["files"].items()))
