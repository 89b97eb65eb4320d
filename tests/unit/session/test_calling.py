"""People who know each other meet without a link; what the rendezvous and others make of it is nothing."""

import asyncio
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest

from huddle import events
from huddle.calls.call import CallBox
from huddle.calls.driver import answer
from huddle.ceremony.invitation import Invitation
from huddle.cli.policy import HostPolicy
from huddle.errors import LocalError
from huddle.identity.contacts import Contacts, MeetingPlace
from huddle.identity.keys import Identity
from huddle.identity.native import NativeCrypto
from huddle.rendezvous.client.room import RoomClient
from huddle.rendezvous.server.server import RendezvousServer, ServerConfig
from huddle.rendezvous.server.store import Store
from huddle.session.calling import caller
from huddle.session.party import Party
from huddle.session.plans import GuestPlan, HostPlan
from huddle.session.sealed_session import SealedSession
from huddle.session.stages import Stages
from huddle.shortcode.code import looks_like_code
from tests.unit.calls.test_driver import nobody_listens
from tests.unit.session.test_party import SUM, Seat, Table, program, rendezvous, settings, table

__all__ = ["rendezvous", "table"]  # fixtures

CRYPTO = NativeCrypto()
ADA, BEN, EVE = (Identity.fresh(CRYPTO) for _ in range(3))


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
            assert box.open(CRYPTO, calls[0]) is None and box.room != boxes[-1].room
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


async def test_no_page_keeps_a_secret(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    def seal(self: Stages, *args: Any, **more: Any) -> SealedSession:
        self.platform.in_browser = self.settings.name == "Ben"
        try:
            return sealing(self, *args, **more)
        finally:
            self.platform.in_browser = False

    sealing = Stages.seal
    monkeypatch.setattr(Stages, "seal", seal)
    ada, ben = await met(table)
    assert ada.meant("Ben").meeting is not None and ben.meant("Ada").meeting is None


async def test_each_two_of_a_session_have_a_secret_that_the_third_has_not(table: Table) -> None:
    hosting = HostPlan(program(SUM), 3, rendezvous=table.url)
    ada = table.sit("Ada", Party(hosting, settings("Ada"), ADA, Contacts()), decide)
    url = (await ada.until(events.Invitation)).url
    ben = table.sit("Ben", Party(GuestPlan(url), settings("Ben"), BEN, Contacts()), decide)
    eve = table.sit("Eve", Party(GuestPlan(url), settings("Eve"), EVE, Contacts()), decide)
    await table.over()
    one, other = ada.party.contacts.meant("Ben").meeting, ben.party.contacts.meant("Ada").meeting
    theirs = {contact.meeting for seat in (ada, ben, eve) for contact in seat.party.contacts.people}
    assert one == other and len(theirs) == 3
    assert one not in {contact.meeting for contact in eve.party.contacts.people}


async def test_who_has_stolen_the_file_and_answers_comes_under_another_key_and_gets_no_seat(
    table: Table,
) -> None:
    """Eve reads Ben's contacts, and so the call, and says that she is Ben."""
    ada, ben = await met(table)
    hosting = HostPlan(program(SUM), 2, rendezvous=table.url, called=(BEN.did,))
    policy = HostPolicy(yes=True, called=frozenset({BEN.did}))

    def as_policy_says(seat: Seat, event: events.Event) -> Any:
        if isinstance(event, events.Question) and event.what == "admit":
            standing = next(one.standing for one in seat.all(events.Party) if one.did == event.did)
            if not policy.admit(event.did, standing):
                return seat.party.refuse(event.did, "no") or True
        return decide(seat, event)

    host = table.sit("Ada", Party(hosting, settings("Ada"), ADA, ada), as_policy_says)
    await host.until(events.Notice, lambda notice: "is being called" in notice.text)
    stolen = ben.meant("Ada").meeting
    assert stolen is not None
    box = CallBox.of(stolen.secret, ADA.did, BEN.did)
    link = (await answer(CRYPTO, box, [stolen.rendezvous], "Ada")).url
    assert link == (await host.until(events.Invitation)).url  # what a leaked invitation gives
    eve = table.sit("Eve", Party(GuestPlan(link), settings("Ben"), EVE, ben), decide)
    await eve.until(events.Ended)
    assert not eve.all(events.Words) and not eve.all(events.Program)
    knocked = next(one for one in host.all(events.Party) if one.did == EVE.did)
    assert knocked.standing == "alarm"
    await host.until(events.Party, lambda one: one.did == EVE.did and one.state == "refused")
    guest = table.sit("Ben", Party(GuestPlan("Ada"), settings("Ben"), BEN, ben), decide)
    await asyncio.gather(host.until(events.Ended), guest.until(events.Ended))
    assert host.ended.clean and guest.ended.clean
    # The next call goes by a secret that was not in the stolen file.
    assert host.party.contacts.meant("Ben").meeting not in (None, stolen)


class EvesOwn(Invitation):
    """A link to Ada as Eve's changed Huddle takes it, which is not put off by her not being its host."""

    def is_host(self, did: str) -> bool:
        return did == EVE.did


async def test_who_has_stolen_the_file_and_calls_is_believed_in_nothing(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eve hosts in a room whose link names Ada, and leaves it where Ben looks for Ada's call."""
    ada, ben = await met(table)
    stolen = ada.meant("Ben").meeting
    assert stolen is not None
    named = Invitation.fresh(CRYPTO, table.url, ADA.did)
    forged = EvesOwn(named.rendezvous, named.secret, named.host)
    monkeypatch.setattr(Invitation, "fresh", lambda *args, **more: forged)
    monkeypatch.setattr("huddle.ceremony.guest.HOST_SECONDS", 3.0)
    hosting = Party(HostPlan(program(SUM), 2, rendezvous=table.url), settings("Ada"), EVE, Contacts())
    eve = table.sit("Eve", hosting, decide)
    await eve.until(events.Invitation)
    box = CallBox.of(stolen.secret, ADA.did, BEN.did)
    async with RoomClient(table.url, box.room, create=True, owner_key=box.owner) as room:
        await room.append(box.seal(CRYPTO, forged, time.time()))
        guest = table.sit("Ben", Party(GuestPlan("Ada"), settings("Ben"), BEN, ben), decide)
        await guest.until(events.Ended)
        await room.delete()
    assert "the host is not in this room" in guest.all(events.Error)[0].message
    assert not guest.all(events.Words) and not guest.all(events.Program) and not eve.all(events.Words)
    assert guest.party.contacts == ben
    eve.party.leave("over")


async def test_a_guest_finds_the_call_where_they_met_and_is_told_where_it_leads(
    table: Table,
) -> None:
    ada, ben = await met(table)
    async with RendezvousServer(ServerConfig()) as named, RendezvousServer(ServerConfig()) as other:
        there = f"http://127.0.0.1:{other.port}"
        hosting = HostPlan(program(SUM), 2, rendezvous=there, called=(BEN.did,))
        host = table.sit("Ada", Party(hosting, settings("Ada"), ADA, ada), decide)
        await host.until(events.Invitation)
        plan = GuestPlan("Ada", f"http://127.0.0.1:{named.port}/")
        guest = table.sit("Ben", Party(plan, settings("Ben"), BEN, ben), decide)
        await table.over()
    assert host.ended.clean and guest.ended.clean, guest.told
    told = [notice.text for notice in guest.all(events.Notice)]
    assert any(f"Ada's call leads to another rendezvous, 127.0.0.1:{other.port}" in text for text in told)
    assert not any("has not answered yet" in text for text in told)


async def test_a_guest_who_waits_is_not_told_that_the_rendezvous_does_not_answer(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huddle.session.patience.SLOW", 0.2)
    monkeypatch.setattr("huddle.calls.driver.WAIT", 1.0)
    _, ben = await met(table)
    guest = table.sit("Ben", Party(GuestPlan("Ada"), settings("Ben"), BEN, ben), decide)
    await guest.until(events.Ended)
    assert "Ada has not called" in guest.all(events.Error)[0].message
    assert not any("has not answered yet" in notice.text for notice in guest.all(events.Notice))


async def test_a_guest_is_told_where_the_rendezvous_does_not_answer(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huddle.session.patience.SLOW", 0.05)
    with nobody_listens() as nowhere:
        known = Contacts().met("Ada", ADA.did, 1).verified([ADA.did])
        known = known.agreed(ADA.did, MeetingPlace(bytes(32), nowhere))
        guest = table.sit("Ben", Party(GuestPlan("Ada"), settings("Ben"), BEN, known), decide)
        await guest.until(events.Notice, lambda notice: "has not answered yet" in notice.text)
        guest.party.leave("enough")
        await guest.until(events.Ended)


async def test_a_contact_whose_name_is_like_a_code_takes_no_code_over(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else somebody could call themselves so, and get who types a code that was said to them."""
    asked: list[str] = []

    async def redeem(crypto: Any, code: str, rendezvous: str | None) -> Invitation:
        asked.append(code)
        raise LocalError("no such code")

    monkeypatch.setattr("huddle.shortcode.driver.redeem", redeem)
    known = Contacts().met("4821-apple-river", ADA.did, 1).verified([ADA.did])
    known = known.agreed(ADA.did, MeetingPlace(bytes(32), table.url))
    plan = GuestPlan("4821-apple-river", table.url)
    guest = table.sit("Ben", Party(plan, settings("Ben"), BEN, known), decide)
    await guest.until(events.Ended)
    assert asked == ["4821-apple-river"]


@pytest.mark.parametrize(
    "text", ["https://huddle.example.org/j#Ada", "4821-apple-river", "Ada/j#x", "huddle.example.org"]
)
def test_what_is_no_contact_s_name_is_read_as_an_invitation(text: str) -> None:
    known = Contacts().met("Ada", ADA.did, 1)
    assert looks_like_code(text) or caller(known, text) is None
    assert caller(known, "ada") == caller(known, ADA.did) == known.meant("Ada")


async def test_a_contact_that_is_not_verified_gets_no_secret(table: Table) -> None:
    plan = HostPlan(program(SUM), 2, rendezvous=table.url)
    ada = table.sit("Ada", Party(plan, settings("Ada"), ADA, Contacts().met("Ben", BEN.did, 1)))
    guest = GuestPlan((await ada.until(events.Invitation)).url)
    ben = table.sit("Ben", Party(guest, settings("Ben"), BEN, Contacts().met("Ada", ADA.did, 1)))
    await table.over()
    kept = [*ada.party.contacts.people, *ben.party.contacts.people]
    assert len(kept) == 2 and all(one.meeting is None for one in kept)
