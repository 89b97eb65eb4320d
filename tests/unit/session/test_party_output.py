"""What a program prints without end, and who reads it slowly or not at all."""

import asyncio

import pytest

from huddle import events
from huddle.session import event_queue as queue_module
from huddle.session.execution import Execution
from huddle.session.party import Party
from huddle.session.plans import HostPlan
from tests.unit.session.test_party import (  # noqa: F401 - fixtures, too
    SUM,
    Table,
    person,
    program,
    rendezvous,
    settings,
    table,
)


async def test_events_that_nobody_reads_end_the_session(
    table: Table,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(queue_module, "MAX_UNREAD", 200_000)
    chatty = program(SUM + b"while True:\n    print('x' * 10_000)\n")
    by_tls = settings("Ada", networks=("tls",))
    ada = Party(HostPlan(chatty, 2, rendezvous=table.url), by_tls, *person())
    told = aiter(ada)
    async for event in told:
        if isinstance(event, events.Invitation):
            bob = table.join("Bob", event.url, networks=("tls",))
        if isinstance(event, events.Question):
            ada.admit(event.did) if event.what == "admit" else ada.accept()
        if isinstance(event, events.Output):
            break  # and reads no more for a while
    assert ada._task is not None
    await asyncio.wait({ada._task})
    last = [event async for event in told]
    assert sum(len(event.text) for event in last if isinstance(event, events.Output)) <= 200_000
    error, ended = last[-2:]
    assert isinstance(error, events.Error) and "Nobody reads" in error.message and error.whose == "local"
    assert isinstance(ended, events.Ended) and not ended.clean
    await table.over()
    assert any(error.peer == "Ada" for error in bob.all(events.Error))


async def test_a_program_that_prints_without_end_waits_for_its_reader_and_nobody_else_does(
    table: Table,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(queue_module, "MAX_AHEAD", 300_000)
    held = asyncio.Event()
    hold = Execution.hold_output

    def noted(self: Execution, behind: bool) -> None:
        hold(self, behind)
        if behind and self._spec.keywords["pid"] == 0:
            held.set()

    monkeypatch.setattr(Execution, "hold_output", noted)
    flood = program(SUM + b"while True:\n    print(end='x' * 10_000, flush=True)\n")
    by_tls = settings("Ada", networks=("tls",))
    ada = Party(HostPlan(flood, 2, rendezvous=table.url), by_tls, *person())
    told = aiter(ada)
    async for event in told:
        if isinstance(event, events.Invitation):
            bob = table.join("Bob", event.url, networks=("tls",))
        if isinstance(event, events.Question):
            ada.admit(event.did) if event.what == "admit" else ada.accept()
        if isinstance(event, events.Output):
            break  # and reads no more for a while
    await held.wait()
    # Bob hears of Ada all the same, again and again, and reads what his own program prints.
    seen = len(bob.all(events.Stats))
    await bob.until(events.Stats, lambda stats: len(bob.all(events.Stats)) >= seen + 3)
    assert not [event for event in bob.all(events.Party) if event.state in ("silent", "gone")]
    assert ada._events._unread < 300_000 + 2 * (64 << 10) + 100_000, (
        "what its pipes hold, and a few other events"
    )
    ada.stop_run()
    await bob.until(events.Run, lambda run: run.state == "failed")
    rest = [event async for event in told]
    assert sum(len(event.text) for event in rest if isinstance(event, events.Output)) < 600_000
    assert isinstance(rest[-1], events.Ended)
    await table.over()


async def test_a_reader_that_catches_up_gets_all_that_the_program_wrote(
    table: Table,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(queue_module, "MAX_AHEAD", 1_000)
    held: list[bool] = []
    hold = Execution.hold_output

    def noted(self: Execution, behind: bool) -> None:
        held.append(behind)
        hold(self, behind)

    monkeypatch.setattr(Execution, "hold_output", noted)
    lines = program(SUM + b"for number in range(100_000): print(number)\n")
    host, _ = await table.session(lines, "Bob")
    await table.over()
    assert host.ended.clean
    assert host.output.split()[-100_000:] == list(map(str, range(100_000)))
    assert held.count(True) > 5 and held.count(False) > 5, "the program was never waited for"
