"""Contacts after a session: whom the person heard, and nobody by a name alone."""

from huddle import events
from huddle.ceremony.sealed import Member
from huddle.identity.contacts import Contacts
from huddle.identity.keys import Identity
from huddle.identity.native import NativeCrypto
from huddle.session.acquaintances import acquainted

ADA, BOB = (Identity.from_seed(NativeCrypto(), bytes([n]) * 32).did for n in range(2))


def test_who_was_heard_is_a_verified_contact_and_who_was_not_is_none() -> None:
    others = (Member(0, ADA, "Ada"), Member(1, BOB, "Bob"))
    kept = acquainted(Contacts(), others, {ADA}, 1000.0, lambda _: None)
    assert kept.standing("Ada", ADA) == "verified" and kept.of(BOB) is None


def test_a_known_name_with_another_key_is_said_and_not_kept() -> None:
    said: list[events.Event] = []
    known = Contacts().met("Ada", BOB, 1.0)
    kept = acquainted(known, (Member(0, ADA, "Ada"),), {ADA}, 1000.0, said.append)
    assert kept.of(ADA) is None and len(said) == 1
