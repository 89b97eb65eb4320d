"""Whom a session leaves as contacts, and how its guests are invited."""

from collections.abc import Awaitable, Callable, Set
from contextlib import AsyncExitStack

from huddle import events
from huddle.ceremony.invitation import Invitation
from huddle.ceremony.sealed import Member
from huddle.errors import LocalError
from huddle.identity.contacts import Contacts
from huddle.identity.crypto import Crypto

Emit = Callable[[events.Event], None]


async def invite(
    crypto: Crypto, invitation: Invitation, guests: int, stack: AsyncExitStack, emit: Emit
) -> Callable[[], Awaitable[None]]:
    """Tell the link and a short code; what ends the code."""
    from huddle.shortcode.driver import SpokenCode  # its groups take long to set up: not for guests

    spoken = await SpokenCode.open(crypto, invitation, guests, stack, lambda text: emit(events.Notice(text)))
    emit(events.Invitation(invitation.url, spoken.text))
    return spoken.close


def acquainted(
    contacts: Contacts, others: tuple[Member, ...], heard: Set[str], now: float, emit: Emit
) -> Contacts:
    """The contacts with whom the person heard; of the others, only who is a contact already was met again."""
    for member in others:
        if member.did not in heard and contacts.of(member.did) is None:
            continue
        try:
            contacts = contacts.met(member.name, member.did, now)
        except LocalError as alarm:  # another key under a known name is never taken over in passing
            emit(events.Notice(f"{alarm.message}: not kept as a contact. {alarm.hint}"))
            continue
        if member.did in heard:
            contacts = contacts.verified([member.did])
    return contacts
