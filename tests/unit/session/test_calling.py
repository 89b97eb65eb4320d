"""People who know each other meet without a link; what the rendezvous and others make of it is nothing."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from huddle import events
from huddle.calls.call import CallBox
from huddle.identity.contacts import Contacts
from huddle.identity.keys import Identity
from huddle.identity.native import NativeCrypto
from huddle.rendezvous.server.store import Store
from huddle.session.calling import caller
from huddle.session.party import Party
from huddle.session.plans import GuestPlan, HostPlan
from huddle.shortcode.code import looks_like_code
from tests.unit.session.test_party import SUM, Seat, Table, program, rendezvous, settings, table

__all__ = ["rendezvous", "table"]  # fixtures

CRYPTO = NativeCrypto()
ADA, BEN = Identity.fresh(CRYPTO), Identity.fresh(CRYPTO)


def decide(seat: Seat, event: events.Event) -> Any:
    if isinstance(event, events.Question) and event.what == "accept":
        seat.party.heard([p.did for p in seat.all(events.Party)])
    return None


async def meet(table: Table, contacts: tuple[Contacts, Contacts], ben: str = "", **plan: Any) -> list[Seat]:
    """A session of Ada and Ben, who comes by `ben`, else by the link."""
    hosting = HostPlan(program(SUM), 2, rendezvous=table.url, **plan)
    ada = table.sit("Ada", Party(hosting, settings("Ada"), ADA, contacts[0]), decide)
    url = ben or (await ada.until(events.Invitation)).url
    guest = GuestPlan(url, table.url if ben else None)
    return [ada, table.sit("Ben", Party(guest, settings("Ben"), BEN, contacts[1]), decide)]


async def met(table: Table) -> tuple[Contacts, Contacts]:
    """What Ada and Ben keep of their first session."""
    seats = await meet(table, (Contacts(), Contacts()))
    await table.over()
    return seats[0].party.contacts, seats[1].party.contacts


@pytest.fixture
def stored(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[bytes, bytes]]]:
    """All records that any rendezvous stores here, with the rooms that they are in."""
    seen: list[tuple[bytes, bytes]] = []
    append = Store.append

    def noted(self: Store, room: Any, client: bytes, sequence: int, record: bytes, **more: Any) -> int:
        seen.append((room.id, record))
        return append(self, room, client, sequence, record, **more)

    monkeypatch.setattr(Store, "append", noted)
    yield seen


async def test_who_heard_each_other_meets_by_name_and_each_time_by_another_room(
    table: Table, stored: list[tuple[bytes, bytes]]
) -> None:
    ada, ben = await met(table)
    secrets = {ada.meant("Ben").meeting, ben.meant("Ada").meeting}
    boxes = []
    for _ in range(2):
        (place,) = {ada.meant("Ben").meeting, ben.meant("Ada").meeting}
        assert place is not None and place.rendezvous == table.url
        boxes.append(CallBox.of(place.secret, ADA.did, BEN.did))
        del stored[:]
        seats = await meet(table, (ada, ben), "ada", called=(BEN.did,))
        await table.over()
        assert all(seat.all(events.Ended)[-1].clean for seat in seats)
        ada, ben = (seat.party.contacts for seat in seats)
        secrets |= {ada.meant("Ben").meeting, ben.meant("Ada").meeting}
        # The view of the rendezvous: a room of its own with one record, in which nothing can be read.
        calls = [record for room, record in stored if room == boxes[-1].room]
        assert len(calls) == 1
        for told in (ADA.did, BEN.did, "Ada", "Ben", table.url):
            assert told.encode() not in calls[0]
        # Neither the secret of before nor that of afterwards opens it.
        for other in secrets - {place}:
            assert other is not None
            box = CallBox.of(other.secret, ADA.did, BEN.did)
            assert box.open(CRYPTO, calls[0], 0) is None and box.room != boxes[-1].room
    assert len(secrets) == 3 and boxes[0].room != boxes[1].room


async def test_a_contact_that_was_removed_is_not_met(table: Table) -> None:
    ada, ben = await met(table)
    removed = ben.without(ADA.did)
    seats = await meet(table, (ada, removed), "Ada", called=(BEN.did,))
    await seats[1].until(events.Ended)
    assert "Ada is neither a link nor a code nor a contact" in seats[1].all(events.Error)[0].message
    seats[0].party.leave("over")


async def test_who_heard_nobody_keeps_nothing_and_is_told_what_to_do(table: Table) -> None:
    ada = table.host(program(SUM), 2)
    table.join("Ben", (await ada.until(events.Invitation)).url)
    await table.over()
    assert not ada.party.contacts.people
    known = Contacts().met("Ada", ADA.did, 1).verified([ADA.did])
    party = Party(GuestPlan("Ada", table.url), settings("Ben"), BEN, known)
    guest = table.sit("Ben", party, decide)
    await guest.until(events.Ended)
    error = guest.all(events.Error)[0]
    assert re.search("find each other by name", error.message) and "Meet once by a link" in error.hint


async def test_a_pseudonym_keeps_no_secret_and_is_not_called(table: Table) -> None:
    ada = table.host(program(SUM), 2, decide=decide)
    ben = table.join("Ben", (await ada.until(events.Invitation)).url, decide, pseudonym=True)
    await table.over()
    assert not ada.party.contacts.people
    assert all(contact.meeting is None for contact in ben.party.contacts.people)
    _, bens = await met(table)
    party = Party(GuestPlan("Ada", table.url), settings("Ben", pseudonym=True), Identity.fresh(CRYPTO), bens)
    guest = table.sit("Ben", party, decide)
    await guest.until(events.Ended)
    assert "no pseudonym" in guest.all(events.Error)[0].message


@pytest.mark.parametrize(
    "text", ["https://huddle.example.org/j#Ada", "4821-apple-river", "Ada/j#x", "huddle.example.org"]
)
def test_what_is_no_contact_s_name_is_read_as_an_invitation(text: str) -> None:
    known = Contacts().met("Ada", ADA.did, 1)
    assert looks_like_code(text) or caller(known, text) is None
    assert caller(known, "ada") == caller(known, ADA.did) == known.meant("Ada")
