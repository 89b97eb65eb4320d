"""A whole ceremony of two with fixed randomness: `python -m tests.unit.ceremony.vectors` writes it anew.

Draw i of a party, of n bytes, is the first n bytes of SHA-256("huddle vectors" ‖ its name ‖ U32 i), from 0;
a key is a draw of its 32-byte secret. So every implementation can make the same records.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from huddle.ceremony import events
from huddle.ceremony import manifest as manifests
from huddle.ceremony.ceremony import Ceremony
from huddle.ceremony.guest import GuestCeremony
from huddle.ceremony.host import HostCeremony
from huddle.ceremony.invitation import Invitation
from huddle.ceremony.log import SALT, Envelope
from huddle.ceremony.messages import KINDS, Hello, Offer, Options, Reveal, Software
from huddle.codec import decode, encode
from huddle.identity.crypto import ExchangeKey, SigningKey
from huddle.identity.keys import Identity
from huddle.identity.native import NativeCrypto
from huddle.record import signed as records

FILE = Path(__file__).parents[2] / "vectors" / "ceremony.json"
SOFTWARE = (Software("mpyc", "0.11"), Software("bits", "64"))
FILES = {"lib/help.py": b"", "prog.py": b"print('hello')\n"}


class DrawnCrypto(NativeCrypto):
    """The native crypto with the draws of one party, which it keeps."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name
        self.draws: list[bytes] = []

    def random(self, size: int) -> bytes:
        seed = b"huddle vectors" + self._name.encode() + len(self.draws).to_bytes(4, "big")
        self.draws.append(hashlib.sha256(seed).digest()[:size])
        return self.draws[-1]

    def signing_key(self) -> SigningKey:
        return self.signing_from_seed(self.random(32))

    def exchange_key(self) -> ExchangeKey:
        return ExchangeKey(X25519PrivateKey.from_private_bytes(self.random(32)))


def make() -> dict[str, Any]:
    """The vectors, from nothing."""
    cryptos = [DrawnCrypto("Hanna"), DrawnCrypto("Ann")]
    identities = [Identity.fresh(crypto) for crypto in cryptos]
    invitation = Invitation.fresh(cryptos[0], "https://huddle.example", identities[0].did)
    manifest = manifests.build("prog.py", FILES, args=("-n", "3"), versions=SOFTWARE)
    host = HostCeremony(
        cryptos[0],
        identities[0],
        invitation,
        name="Hanna",
        software=SOFTWARE,
        manifest=manifest,
        files=FILES,
        parties=2,
        options=Options(record=True),
        now=0,
    )
    guest = GuestCeremony(cryptos[1], identities[1], invitation, name="Ann", software=SOFTWARE, now=0)
    log = _run([host, guest])
    seals = [core.sealed for core in (host, guest)]
    assert seals[0] is not None and seals[1] is not None
    seal = seals[0]
    run = records.RunRecord(encode(manifest), 1_800_000_000, 1_800_000_009, "finished")
    path = records.PathRecord(1, 0, 1, "tls", "direct")
    record = records.build(seal, started=1_800_000_000, ended=1_800_000_010, runs=[run], paths=[path])
    signatures = [
        records.sign(crypto, identity, one, record)
        for crypto, identity, one in zip(cryptos, identities, seals, strict=True)
        if one is not None
    ]
    return {
        "about": "A ceremony of two with fixed randomness; bytes are hexadecimal. See docs/protocol.md.",
        "draws": {
            name: [draw.hex() for draw in crypto.draws]
            for name, crypto in zip(("Hanna", "Ann"), cryptos, strict=True)
        },
        "invitation": {
            "url": invitation.url,
            "secret": invitation.secret.hex(),
            "room_id": invitation.room_id,
            "room_key": invitation.room_key.hex(),
        },
        "identities": [
            {"did": identity.did, "seed": identity.seed(crypto).hex()}
            for identity, crypto in zip(identities, cryptos, strict=True)
        ],
        "manifest": encode(manifest).hex(),
        "program_digest": manifest.program_digest.hex(),
        "files": {path: data.hex() for path, data in FILES.items()},
        "records": [_record(host, data) for data in log],
        "log_hash": host._log.head.hex(),
        "digest": seal.digest.hex(),
        "words": list(seal.words),
        "pair_secret": seal.pair_secret(1).hex(),
        "link_key": seal.link_key(1).hex(),
        "relay_secret": seal.relay_secret(1).hex(),
        "meeting_secret": seal.meeting_secret(1).hex(),
        "session_record": records.combine(cryptos[0], record, signatures).hex(),
    }


def _run(cores: list[Ceremony]) -> list[bytes]:
    """Host and guest by turns, each reading all there is, until nothing is written any more."""
    log: list[bytes] = []
    read = [0, 0]
    quiet = 0
    while quiet < 2:
        for i, core in enumerate(cores):
            for record in log[read[i] :]:
                core.receive(record, 0)
            read[i] = len(log)
            for event in core.events():
                if isinstance(event, events.GuestCame) and isinstance(core, HostCeremony):
                    core.admit(event.hello)
                if isinstance(event, events.FilesReady):
                    assert core._current.pairs is not None
                    offer = Offer("tls", f"192.0.2.{i + 1}".encode())
                    core.accept({1 - i: (offer,)}, digest=core._current.pairs.digest)
            written = core.records_to_send()
            log += written
            quiet = 0 if written else quiet + 1
    return log


def _record(core: Ceremony, data: bytes) -> dict[str, Any]:
    plain = core._log._open(data)
    envelope = decode(Envelope, plain)
    found: dict[str, Any] = {
        "kind": KINDS[envelope.kind].label,
        "sender": envelope.sender,
        "epoch": envelope.epoch,
        "counter": envelope.counter,
        "seen": envelope.seen,
        "seen_hash": envelope.seen_hash.hex(),
        "body": envelope.body.hex(),
        "signature": envelope.signature.hex(),
        "salt": data[:SALT].hex(),
        "envelope": plain.hex(),
        "record": data.hex(),
    }
    message = decode(KINDS[envelope.kind], envelope.body)
    if isinstance(message, Hello):
        found["commitment"] = message.commitment.hex()
    if isinstance(message, Reveal):
        found["exchange"], found["nonce"] = message.exchange.hex(), message.nonce.hex()
    return found


def text() -> str:
    """What the file holds."""
    return json.dumps(make(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
