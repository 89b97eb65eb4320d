"""The shell around a ceremony: what fails in it is told, never swallowed, and nothing of it stays."""

import asyncio
from typing import Any, cast

import pytest

from huddle import events
from huddle.ceremony import events as heard
from huddle.ceremony.manifest import Flags, build
from huddle.errors import HuddleError, LocalError, RendezvousError
from huddle.running.limits import Confinement
from huddle.session.ceremony_driver import CeremonyDriver
from huddle.session.proposal_told import program_event
from tests.unit.session.company import company


class Room:
    """A room whose records the test gives; an exception is raised where it stands."""

    def __init__(self) -> None:
        self.records: asyncio.Queue[bytes | Exception] = asyncio.Queue()
        self.said: list[bytes] = []

    def __aiter__(self) -> "Room":
        return self

    async def __anext__(self) -> tuple[int, bytes]:
        record = await self.records.get()
        if isinstance(record, Exception):
            raise record
        return 0, record

    def append(self, record: bytes) -> "asyncio.Future[int]":
        self.said.append(record)
        done: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        done.set_result(0)
        return done


class Core:
    """Stands for the sans-IO ceremony: tells on the next record what the test put there."""

    did = "did:key:me"

    def __init__(self) -> None:
        self.told: list[heard.CeremonyEvent] = []
        self.due: float | None = None
        self.bug: Exception | None = None
        self.now = 0.0

    def receive(self, record: bytes, now: float) -> None:
        if self.bug:
            raise self.bug

    def handle_timer(self, now: float) -> None:
        self.due, self.now = None, now
        self.receive(b"", now)

    def events(self) -> list[heard.CeremonyEvent]:
        told, self.told = self.told, []
        return told

    def records_to_send(self) -> list[bytes]:
        return []

    def next_timer(self) -> float | None:
        return self.due

    def leave(self, reason: str) -> None:
        pass

    def differ(self, *, digest: bytes) -> None:
        self.differed = self.now


class Table:
    def __init__(self) -> None:
        self.core, self.room, self.told = Core(), Room(), list[events.Event]()
        core: Any = self.core
        room: Any = self.room
        self.meeting = CeremonyDriver(
            core, room, self.told.append, lambda name, did: "new", lambda *_: (), locked=Confinement()
        )

    async def ends(self) -> HuddleError:
        before = asyncio.all_tasks()
        with pytest.raises(HuddleError) as caught:
            async with asyncio.timeout(5):
                await self.meeting.sealed()
        assert asyncio.all_tasks() <= before, "a task is left"
        return caught.value


async def test_why_somebody_is_an_alarm_is_said_once() -> None:
    core, told = Core(), list[events.Event]()
    core.told = [
        heard.GuestCame(b"", "did:key:eve", "\N{CYRILLIC CAPITAL LETTER A}nn"),
        heard.Failed(LocalError("x")),
    ]
    core.told.insert(1, core.told[0])
    meeting = CeremonyDriver(
        cast(Any, core),
        cast(Any, Room()),
        told.append,
        lambda name, did: "alarm",
        lambda *_: (),
        locked=Confinement(),
        alarm=lambda name, did: f"{name} looks like your contact Ann and is not",
    )
    with pytest.raises(LocalError):
        await meeting.sealed()
    notices = [event.text for event in told if isinstance(event, events.Notice)]
    assert (
        len(notices) == 1 and "looks like your contact Ann and is not: somebody may be posing" in notices[0]
    )


async def test_a_room_that_is_lost_ends_the_ceremony() -> None:
    table = Table()
    error = RendezvousError("The room has expired.")
    table.room.records.put_nowait(error)
    assert await table.ends() is error


@pytest.mark.parametrize("timer", [False, True])
async def test_a_bug_ends_the_ceremony_instead_of_a_wait_for_ever(timer: bool) -> None:
    table = Table()
    table.core.bug = KeyError("hunter2")
    if timer:
        table.core.due = asyncio.get_running_loop().time()
    else:
        table.room.records.put_nowait(b"x")
    error = await table.ends()
    assert isinstance(error, LocalError) and "KeyError" in error.message and "hunter2" not in error.message


async def test_a_failure_after_the_sealing_changes_nothing() -> None:
    table = Table()
    sealed = company()[1].sealed
    table.core.told = [
        heard.SessionSealed(sealed),
        heard.SessionSealed(sealed),
        heard.Failed(LocalError("x")),
    ]
    assert await table.meeting.sealed() is sealed


async def test_leaving_is_bounded_where_the_rendezvous_does_not_answer() -> None:
    table = Table()
    table.room.append = lambda record: asyncio.get_running_loop().create_future()  # type: ignore[method-assign]
    table.core.records_to_send = lambda: [b"bye"]  # type: ignore[method-assign]
    async with asyncio.timeout(5):
        await table.meeting.leave("tea")


def test_a_person_is_told_the_flags_that_all_use() -> None:
    manifest = build("a.py", {"a.py": b""}, flags=Flags(0, True, True))
    assert program_event(manifest, Confinement()).flags == ("--threshold 0", "--no-prss", "--mix32-64bit")
    assert program_event(build("a.py", {"a.py": b""}), None).flags == ()


async def test_a_person_who_thinks_for_long_has_not_lost_the_time_for_what_follows() -> None:
    """Deadlines of what they say begin when they say it, not when something happened last."""
    table = Table()
    before = asyncio.get_running_loop().time()
    table.meeting.differ()
    assert table.core.differed >= before
