"""A call with fixed randomness: `python -m tests.unit.calls.vectors` writes it anew.

The draws are those of `tests.unit.ceremony.vectors`; the two are those of the whole ceremony there, which
leaves them the meeting secret.
"""

import json
from pathlib import Path
from typing import Any

from huddle.calls.call import CallBox
from huddle.ceremony.invitation import Invitation
from tests.unit.ceremony import vectors as ceremony
from tests.unit.ceremony.vectors import DrawnCrypto

FILE = Path(__file__).parents[2] / "vectors" / "calls.json"
NOW = 1_800_000_000


def make() -> dict[str, Any]:
    """The vectors, from nothing."""
    before = ceremony.make()
    secret = bytes.fromhex(before["meeting_secret"])
    host, guest = (one["did"] for one in before["identities"])
    crypto = DrawnCrypto("call")
    invitation = Invitation.fresh(crypto, "https://huddle.example", host)
    box, back = CallBox.of(secret, host, guest), CallBox.of(secret, guest, host)
    return {
        "about": "A call with fixed randomness; bytes are hexadecimal. See docs/protocol-calls.md.",
        "meeting_secret": secret.hex(),
        "host": host,
        "guest": guest,
        "room": box.room.hex(),
        "owner_key": box.owner.hex(),
        "call_key": box.key.hex(),
        "link": invitation.url,
        "now": NOW,
        "call": box.seal(crypto, invitation, NOW).hex(),
        "room_the_other_way": back.room.hex(),
    }


def text() -> str:
    """What the file holds."""
    return json.dumps(make(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
