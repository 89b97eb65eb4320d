"""Whom a person keeps after the sealing: those they heard say the words, and those they knew before.

Not kept: another key under a known name, and a pseudonym, whose key nobody will ever see again; the next
session's would raise a false alarm under the same name.
"""

from collections.abc import Callable, Collection

from huddle.ceremony.sealed import Sealed
from huddle.errors import LocalError
from huddle.identity.contacts import Contacts


def contacts_after(
    contacts: Contacts, sealed: Sealed, heard: Collection[str], now: float, notice: Callable[[str], None]
) -> Contacts:
    """The contacts after this session was sealed at `now`; `heard` are the dids that said the words."""
    me = sealed.roster[sealed.pid].did
    for member in sealed.roster:
        known = contacts.of(member.did) is not None
        if member.did == me or not (known or member.did in heard):
            continue
        if member.pseudonym and not known:
            notice(f"{member.name} takes part under a pseudonym and is not kept as a contact.")
            continue
        try:
            contacts = contacts.met(member.name, member.did, now)
        except LocalError as alarm:  # another key under a known name is never taken over in passing
            notice(f"{alarm.message}: not kept as a contact. {alarm.hint}")
            continue
        if member.did in heard:
            contacts = contacts.verified([member.did])
    return contacts
