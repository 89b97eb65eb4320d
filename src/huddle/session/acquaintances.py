"""Whom a person keeps after the sealing: those they heard say the words, and those they knew before.

Not kept: another key under a known name, and a pseudonym, whose key nobody will ever see again; the next
session's would raise a false alarm under the same name.

With each verified contact goes a secret of this session, by which the two find each other again without a
link (`huddle.calls`). It takes the place of the one before.
"""

from collections.abc import Callable, Collection

from huddle.ceremony.sealed import Member, Sealed
from huddle.errors import LocalError
from huddle.identity.contacts import Contacts, MeetingPlace


def contacts_after(
    contacts: Contacts,
    sealed: Sealed,
    heard: Collection[str],
    now: float,
    notice: Callable[[str], None],
    meet_at: str | None = None,
) -> Contacts:
    """The contacts after this session was sealed at `now`; `heard` are the dids that said the words.

    `meet_at` is the rendezvous where contacts may find this party again; None: it can't be found.
    """
    for member in sealed.roster:
        if member.pid != sealed.pid:
            contacts = _after(contacts, member, member.did in heard, now, notice)
            contact = contacts.of(member.did)
            if meet_at and contact is not None and contact.verified and not member.pseudonym:
                place = MeetingPlace(sealed.meeting_secret(member.pid), meet_at)
                contacts = contacts.agreed(member.did, place)
    return contacts


def _after(
    contacts: Contacts, member: Member, heard: bool, now: float, notice: Callable[[str], None]
) -> Contacts:
    known = contacts.of(member.did) is not None
    if not (known or heard):
        return contacts
    if member.pseudonym and not known:
        notice(f"{member.name} takes part under a pseudonym and is not kept as a contact.")
        return contacts
    try:
        contacts = contacts.met(member.name, member.did, now)
    except LocalError as alarm:  # another key under a known name is never taken over in passing
        notice(f"{alarm.message}: not kept as a contact. {alarm.hint}")
        return contacts
    return contacts.verified([member.did]) if heard else contacts
