"""A whole front room with fixed randomness: `python -m tests.unit.groups.vectors` writes it anew.

Draws are those of `tests.unit.ceremony.vectors`. Tia holds the room; Ada and Bob knock, are let in, answer
the roll, are dealt to group 1, Ada opens its room, and both report.
"""

import json
from pathlib import Path
from typing import Any

from huddle.ceremony import manifest as manifests
from huddle.ceremony.invitation import Invitation
from huddle.ceremony.log import SALT, Envelope
from huddle.ceremony.messages import Options
from huddle.codec import decode, encode
from huddle.groups.dealer import Dealer
from huddle.groups.guest import GroupGuest
from huddle.groups.messages import KINDS, Report
from huddle.groups.roster import Roster
from huddle.identity.keys import Identity
from tests.unit.ceremony.vectors import FILES, SOFTWARE, DrawnCrypto

FILE = Path(__file__).parents[2] / "vectors" / "groups.json"
NAMES = ("Tia", "Ada", "Bob")


class _FrontRoom:
    """The log, and all three, who read it by turns."""

    def __init__(self) -> None:
        self.cryptos = [DrawnCrypto(name) for name in NAMES]
        self.identities = [Identity.fresh(crypto) for crypto in self.cryptos]
        self.invitation = Invitation.fresh(
            self.cryptos[0], "https://huddle.example", self.identities[0].did, groups=True
        )
        self.manifest = manifests.build("prog.py", FILES, args=("-n", "3"), versions=SOFTWARE)
        self.host = Dealer(
            self.cryptos[0],
            self.identities[0],
            self.invitation,
            name="Tia",
            software=SOFTWARE,
            parties=2,
            options=Options(),
            manifest=self.manifest,
            files=FILES,
            roster=Roster("Tia", 2, 1, None, lambda name, did: ""),
            now=0,
        )
        self.guests = [
            GroupGuest(crypto, identity, self.invitation, name=name, software=SOFTWARE, now=0)
            for name, crypto, identity in zip(NAMES[1:], self.cryptos[1:], self.identities[1:], strict=True)
        ]
        self.all: list[Dealer | GroupGuest] = [self.host, *self.guests]
        self.log: list[bytes] = []
        self._read = [0, 0, 0]

    def run(self) -> None:
        """Until nobody has anything to say."""
        quiet = 0
        while quiet < len(NAMES):
            for i, core in enumerate(self.all):
                for index in range(self._read[i], len(self.log)):
                    if isinstance(core, Dealer):
                        core.receive(self.log[index], index, 0)
                    else:
                        core.receive(self.log[index])
                self._read[i] = len(self.log)
                written = core.records_to_send()
                self.log += written
                quiet = 0 if written else quiet + 1


def make() -> dict[str, Any]:
    """The vectors, from nothing."""
    room = _FrontRoom()
    room.run()
    room.host.admit_expected()
    room.host.deal()
    room.run()
    room.guests[0].opened()
    room.run()
    for guest in room.guests:
        guest.report("in")
    room.run()
    return {
        "about": "A front room with fixed randomness; bytes are hexadecimal. See docs/protocol-groups.md.",
        "draws": {
            name: [draw.hex() for draw in crypto.draws]
            for name, crypto in zip(NAMES, room.cryptos, strict=True)
        },
        "invitation": {
            "url": room.invitation.url,
            "room_id": room.invitation.room_id,
            "room_key": room.invitation.room_key.hex(),
        },
        "identities": [
            {"name": name, "did": one.did, "seed": one.seed(crypto).hex()}
            for name, one, crypto in zip(NAMES, room.identities, room.cryptos, strict=True)
        ],
        "manifest": encode(room.manifest).hex(),
        "program_digest": room.manifest.program_digest.hex(),
        "files": {path: data.hex() for path, data in FILES.items()},
        "records": [_record(room.host, data) for data in room.log],
        "exchange": {name: side._sealing.public.hex() for name, side in zip(NAMES, room.all, strict=True)},
        "pair_secrets": {
            name: _pair(guest).hex() for name, guest in zip(NAMES[1:], room.guests, strict=True)
        },
        "placements": {
            name: encode(_placed(guest)).hex() for name, guest in zip(NAMES[1:], room.guests, strict=True)
        },
    }


def _pair(guest: GroupGuest) -> bytes:
    assert guest._pair is not None
    return guest._pair.secrets[0]


def _placed(guest: GroupGuest) -> Any:
    assert guest.placed is not None
    return guest.placed.placement


def _record(host: Dealer, data: bytes) -> dict[str, Any]:
    plain = host._room.log._open(data)
    envelope = decode(Envelope, plain)
    message = decode(KINDS[envelope.kind], envelope.body)
    found = {
        "kind": KINDS[envelope.kind].label,
        "sender": envelope.sender,
        "epoch": envelope.epoch,
        "counter": envelope.counter,
        "seen": envelope.seen,
        "body": envelope.body.hex(),
        "salt": data[:SALT].hex(),
        "envelope": plain.hex(),
        "record": data.hex(),
    }
    if isinstance(message, Report):
        found["sealed"] = message.sealed.hex()
    if hasattr(message, "seats"):
        found["seats"] = [{"did": seat.did, "sealed": seat.sealed.hex()} for seat in message.seats]
    return found


def text() -> str:
    """What the file holds."""
    return json.dumps(make(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
