"""Whom a person keeps of a session: those they heard, but for pseudonyms."""

from typing import Any

from huddle import events
from tests.unit.session.test_party import SUM, Seat, Table, program, rendezvous, table

__all__ = ["rendezvous", "table"]  # fixtures


async def test_a_pseudonym_is_never_kept_since_its_next_key_would_raise_an_alarm(table: Table) -> None:
    def decide(seat: Seat, event: events.Event) -> Any:
        if seat.name == "Ada" and isinstance(event, events.Question) and event.what == "accept":
            seat.party.heard([p.did for p in seat.all(events.Party)])
        return None

    host = table.host(program(SUM), decide=decide)
    url = (await host.until(events.Invitation)).url
    table.join("Bob", url)
    table.join("Cyd", url, pseudonym=True)
    await table.over()
    assert [one.name for one in host.party.contacts.people] == ["Bob"]
    assert any("Cyd takes part under a pseudonym" in one.text for one in host.all(events.Notice))
