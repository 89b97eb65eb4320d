"""The people that a person keeps: which key belongs to which name, and whose words they have heard.

Pure: a change gives new `Contacts`, and reading and writing the file is for `huddle.cli`. The text is

    {"version": 2, "contacts": [{"did", "name", "verified", "first_seen", "last_seen", "meeting"}, ...]}

with times in whole seconds since 1970, no did twice, and `meeting` null or {"secret": 64 hexadecimal digits,
"rendezvous"}; version 1 had none. Anything else is refused as a whole, so that
a damaged file is never taken for a shorter one and written back.

A known name with another key is an alarm, and so is a name that looks like a known one: somebody may be
posing as that person.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, Self

from huddle.errors import LocalError
from huddle.identity.did import public_from_did
from huddle.identity.names import alike, folded, is_name, strange

VERSION = 2
MEETING_SECRET = 32  # bytes

TrustLevel = Literal["new", "known", "verified", "alarm"]


@dataclass(frozen=True, slots=True)
class MeetingPlace:
    """How two verified contacts find each other again (`huddle.calls`): a secret of their last session.

    `rendezvous` is where that session was; the secret is new after each.
    """

    secret: bytes = field(repr=False)
    rendezvous: str


@dataclass(frozen=True, slots=True)
class Contact:
    """One key that was met; `name` is the one it first came with; times in seconds since 1970."""

    did: str
    name: str
    verified: bool
    first_seen: int
    last_seen: int
    meeting: MeetingPlace | None = None


@dataclass(frozen=True, slots=True)
class Contacts:
    """All contacts of a person, in the order in which they were met."""

    people: tuple[Contact, ...] = ()

    def of(self, did: str) -> Contact | None:
        """The contact with this key."""
        return next((contact for contact in self.people if contact.did == did), None)

    def named(self, name: str) -> tuple[Contact, ...]:
        """The contacts that a person would take for `name`."""
        return tuple(contact for contact in self.people if alike(contact.name, name))

    def standing(self, name: str, did: str) -> TrustLevel:
        """What this person knows of a party that calls itself `name` and has the key of `did`.

        A contact that comes with a new name stays what it was, unless the name is another contact's.
        """
        namesakes = self.named(name)
        contact = self.of(did)
        if namesakes and contact not in namesakes:
            return "alarm"
        if contact is None:
            return "new"
        return "verified" if contact.verified else "known"

    def alarm(self, name: str, did: str) -> str:
        """Why the standing of this party is an alarm, as a sentence; empty where it is none."""
        if self.standing(name, did) != "alarm":
            return ""
        known = self.named(name)[0].name
        if known == name:
            return f"“{name}” is known here with another key"
        letters = strange(name, known)
        spelt = f" (it is spelt with {', '.join(letters[:3])})" if letters and not name.isascii() else ""
        return f"“{name}” looks like your contact “{known}” and is not{spelt}"

    def met(self, name: str, did: str, now: float) -> "Contacts":
        """With this party as a contact, seen at `now`; LocalError where its standing is an alarm."""
        if not is_name(name):
            raise LocalError("that name cannot be kept as a contact", hint="Use a short printable name.")
        if alarm := self.alarm(name, did):
            raise LocalError(alarm, hint=f"If {name} really has a new key, first remove the old contact.")
        contact = self.of(did)
        if contact is None:
            public_from_did(did)
            return Contacts((*self.people, Contact(did, name, False, int(now), int(now))))
        return self._with(replace(contact, last_seen=max(contact.last_seen, int(now))))

    def verified(self, heard: Iterable[str]) -> "Contacts":
        """With those contacts verified whose dids are in `heard`: the person heard them say the words."""
        changed = self
        for did in heard:
            changed = changed._with(replace(changed._contact(did), verified=True))
        return changed

    def agreed(self, did: str, meeting: MeetingPlace) -> "Contacts":
        """With this place to meet that contact again, in place of the one before."""
        return self._with(replace(self._contact(did), meeting=meeting))

    def meant(self, who: str) -> Contact:
        """The one contact that a person means by a did or a name; LocalError where it is none, or several."""
        found = [contact for contact in self.people if contact.did == who] or [
            contact for contact in self.people if folded(contact.name) == folded(who)
        ]
        if len(found) == 1:
            return found[0]
        if found:
            raise LocalError(f"{len(found)} contacts are called {who}", hint="Give the did instead.")
        raise LocalError(f"{who} is no contact", hint="`huddle contacts` shows all of them.")

    def without(self, did: str) -> "Contacts":
        """Without this contact; LocalError where there is none."""
        gone = self._contact(did)
        return Contacts(tuple(contact for contact in self.people if contact is not gone))

    def to_json(self) -> str:
        """The text of the contacts file."""
        value = {"version": VERSION, "contacts": [_entry(contact) for contact in self.people]}
        return json.dumps(value, indent=1, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The contacts of a file's text; LocalError where it is anything that `to_json` does not write."""
        try:
            value = json.loads(text, object_pairs_hook=_object)
            return cls(_people(value))
        except (ValueError, RecursionError) as exc:
            raise LocalError(
                f"the contacts file cannot be read: {exc}",
                hint="It was left as it is. Mend it, or move it away to start with no contacts.",
            ) from exc

    def _contact(self, did: str) -> Contact:
        contact = self.of(did)
        if contact is None:
            raise LocalError(f"{did} is no contact", hint="huddle contacts shows all of them.")
        return contact

    def _with(self, changed: Contact) -> "Contacts":
        return Contacts(tuple(changed if old.did == changed.did else old for old in self.people))


_FIELDS = {"did": str, "name": str, "verified": bool, "first_seen": int, "last_seen": int}
_MEETING = {"secret": str, "rendezvous": str}


def _entry(contact: Contact) -> dict[str, Any]:
    meeting = contact.meeting
    place = meeting and {"secret": meeting.secret.hex(), "rendezvous": meeting.rendezvous}
    return {**asdict(contact), "meeting": place}


def _is_old(entry: Any) -> bool:
    return isinstance(entry, dict) and "meeting" not in entry


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({key for key, _ in pairs}) != len(pairs):
        raise ValueError("a key stands there twice")
    return dict(pairs)


def _people(value: Any) -> tuple[Contact, ...]:
    if not isinstance(value, dict) or type(value.get("version")) is not int:
        raise ValueError("it has no version")
    if value["version"] not in (1, VERSION):
        raise ValueError(f"its version is {value['version']}, from another release of Huddle")
    if set(value) != {"version", "contacts"} or not isinstance(value["contacts"], list):
        raise ValueError("it has no list of contacts, or something besides")
    entries = value["contacts"]
    if value["version"] == 1:
        entries = [{**entry, "meeting": None} if _is_old(entry) else None for entry in entries]
    people = tuple(_contact(number, entry) for number, entry in enumerate(entries, 1))
    if len({contact.did for contact in people}) != len(people):
        raise ValueError("a did stands there twice")
    return people


def _contact(number: int, entry: Any) -> Contact:
    rest = {key: part for key, part in entry.items() if key != "meeting"} if isinstance(entry, dict) else {}
    if {key: type(part) for key, part in rest.items()} != _FIELDS or "meeting" not in entry:
        raise ValueError(f"contact {number} has other fields than {', '.join(_FIELDS)}, meeting")
    contact = Contact(**rest, meeting=_meeting(number, entry["meeting"]))
    if not is_name(contact.name):
        raise ValueError(f"contact {number} has a name that cannot be shown")
    if not 0 <= contact.first_seen <= contact.last_seen:
        raise ValueError(f"contact {number} was last seen before it was first seen")
    try:
        public_from_did(contact.did)
    except ValueError as exc:
        raise ValueError(f"contact {number}: {exc}") from exc
    return contact


def _meeting(number: int, entry: Any) -> MeetingPlace | None:
    if entry is None:
        return None
    if not isinstance(entry, dict) or {key: type(part) for key, part in entry.items()} != _MEETING:
        raise ValueError(f"contact {number} has a meeting with other fields than {', '.join(_MEETING)}")
    secret, rendezvous = entry["secret"], entry["rendezvous"]
    if not re.fullmatch(f"[0-9a-f]{{{2 * MEETING_SECRET}}}", secret) or not 0 < len(rendezvous) <= 400:
        raise ValueError(f"contact {number} has a meeting that is none")
    return MeetingPlace(bytes.fromhex(secret), rendezvous)
