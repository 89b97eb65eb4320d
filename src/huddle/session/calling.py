"""Who knows each other meets without a link: a host calls its contacts, and a guest answers one by name.

What a call is, and who can read it, is for `huddle.calls`; here are the contacts that have a meeting secret.
"""

from collections.abc import Iterable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from huddle.ceremony.invitation import Invitation, rendezvous_url
from huddle.errors import LocalError
from huddle.identity.contacts import Contact, Contacts, MeetingPlace
from huddle.identity.names import folded, is_name
from huddle.rendezvous.client.dialing import host_of
from huddle.session.patience import told_if_slow
from huddle.session.stages import Stages

if TYPE_CHECKING:
    from huddle.calls.driver import StandingCall

_MEET = "Meet once by a link, say that you heard each other, and from then on the name is enough."


def place_of(contact: Contact) -> MeetingPlace:
    """Where that contact is met again; LocalError where nothing was agreed."""
    if contact.meeting is None:
        raise LocalError(f"You and {contact.name} can't find each other by name yet.", hint=_MEET)
    return contact.meeting


def called(contacts: Contacts, names: Iterable[str]) -> tuple[str, ...]:
    """The dids of the contacts that are meant by these names or dids, each once.

    Raises LocalError where one is no contact, or can't be found by name.
    """
    found = [contacts.meant(name) for name in names]
    for contact in found:
        place_of(contact)
    return tuple(dict.fromkeys(contact.did for contact in found))


def call(
    stages: Stages, dids: Iterable[str], invitation: Invitation, stack: AsyncExitStack
) -> "list[StandingCall]":
    """Call the contacts of these dids to this invitation; the stack takes the calls back."""
    from huddle.calls.call import CallBox
    from huddle.calls.driver import StandingCall  # most sessions call nobody, and need not wait for it

    calls = []
    for contact in map(stages.contacts.meant, dids):
        if stages.settings.pseudonym:
            raise LocalError(f"{contact.name} knows you, and no pseudonym.", hint="Leave out --pseudonym.")
        meeting = place_of(contact)
        box = CallBox.of(meeting.secret, stages.identity.did, contact.did)
        # Where they met last, for there the contact looks; and here, where it is told to look.
        for where in dict.fromkeys((invitation.rendezvous, meeting.rendezvous)):
            one = StandingCall(stages.crypto, box, where, invitation, contact.name, stages.notice)
            stack.push_async_callback(one.close)
            calls.append(one)
        stages.notice(f"{contact.name} is being called, and joins with: huddle join {stages.settings.name}")
    return calls


def caller(contacts: Contacts, text: str) -> Contact | None:
    """The contact that is meant by what a person typed in a link's place; None where it is no contact.

    Raises LocalError where it can be nothing else than a name, and is none that is known.
    """
    if "/" in text or "#" in text:
        return None
    if any(text == contact.did or folded(text) == folded(contact.name) for contact in contacts.people):
        return contacts.meant(text)
    if "." in text or not is_name(text):
        return None
    raise LocalError(f"{text} is neither a link nor a code nor a contact of yours.", hint=_MEET)


async def answered(stages: Stages, contact: Contact, rendezvous: str | None) -> Invitation:
    """Wait for that contact's call, where they met last and at `rendezvous`; the invitation it brings."""
    from huddle.calls.call import CallBox
    from huddle.calls.driver import answer

    if stages.settings.pseudonym:
        raise LocalError(f"{contact.name} calls you, and no pseudonym.", hint="Leave out --pseudonym.")
    meeting = place_of(contact)
    named = (rendezvous_url(rendezvous),) if rendezvous else ()
    places = tuple(dict.fromkeys((*named, meeting.rendezvous)))
    box = CallBox.of(meeting.secret, contact.did, stages.identity.did)
    stages.notice(f"Waiting for {contact.name} to call, at {' or '.join(map(host_of, places))}.")
    invitation = await answer(
        stages.crypto, box, places, contact.name, lambda where: told_if_slow(where, stages.notice)
    )
    if invitation.rendezvous not in places:  # a call proves nothing: a person should see where it leads
        stages.notice(f"{contact.name}'s call leads to another rendezvous, {host_of(invitation.rendezvous)}.")
    return invitation
