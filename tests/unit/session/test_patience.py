"""A person who waits for a rendezvous is told so, before it is given up."""

import socket

import pytest

from huddle import events
from huddle.session import patience
from huddle.session.party import Party
from huddle.session.plans import GuestPlan
from tests.unit.session.test_party import Table, hosting, person, rendezvous, settings, table

__all__ = ["rendezvous", "table"]  # fixtures


async def test_a_rendezvous_that_is_slow_to_answer_is_named_while_one_waits(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "SLOW", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        host = table.sit("Ada", hosting(url=f"http://{address}")(""))
        code = GuestPlan("4821-apple-river", f"http://{address}")
        guest = table.sit("Bob", Party(code, settings("Bob"), *person()))
        for seat in (host, guest):
            told = await seat.until(events.Notice, lambda one: "has not answered yet" in one.text)
            assert address in told.text
            seat.party.leave("it takes too long")
        await table.over()
