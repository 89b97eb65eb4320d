"""A seat in a group: who may be in there, and which program, was decided by the host of the class."""

import asyncio
from typing import Any

import pytest

from huddle import events
from huddle.errors import LocalError, PeerError
from huddle.groups.guest import Assignment
from huddle.session.group_seat import GroupSeat
from huddle.session.plans import GuestPlan, HostPlan
from huddle.session.program import Program
from tests.unit.groups.hall import FILES, Hall

THREE = ("Ada", "Bob", "Cyd")
LINK = GuestPlan("https://huddle.example/j#x")


class Front:
    """Stands for the front room."""

    def __init__(self) -> None:
        self.noted: list[events.Event] = []
        self.is_open = False
        self.apart = asyncio.Event()

    async def undone(self) -> None:
        await self.apart.wait()

    def note(self, event: events.Event) -> None:
        self.noted.append(event)

    def opened(self) -> None:
        self.is_open = True


class Decisions:
    """Stands for the party: what was decided for it."""

    def __init__(self) -> None:
        self.made: list[Any] = []

    def __getattr__(self, name: str) -> Any:
        return lambda *args: self.made.append((name, *args))


def assignments() -> tuple[Hall, dict[str, Assignment]]:
    hall = Hall(*THREE)
    hall.deal()
    hall.open("Ada")
    found = {name: hall.people[name].core.placed for name in THREE}
    return hall, {name: place for name, place in found.items() if place is not None}


def seat(name: str) -> tuple[GroupSeat, Decisions, Front, dict[str, str]]:
    hall, places = assignments()
    dids = {one: hall.people[one].identity.did for one in THREE}
    decisions, front = Decisions(), Front()
    return GroupSeat(front, places[name], decisions, dids[name]), decisions, front, dids  # type: ignore[arg-type]


async def test_the_first_of_a_group_brings_no_other_program_and_nobody_else() -> None:
    bob, decisions, _, dids = seat("Bob")
    plan = bob.plan(LINK)
    _, places = assignments()
    assert isinstance(plan, GuestPlan) and plan.digest == places["Ada"].placement.digest.hex()
    bob.handles(events.Party("Ada", dids["Ada"], "admitted", pid=0))
    assert not decisions.made
    bob.handles(events.Party("Eve", "did:eve", "admitted", pid=1))
    ((name, error),) = decisions.made
    assert name == "fail" and isinstance(error, PeerError) and "Eve" in error.message


async def test_the_first_lets_in_exactly_those_who_were_dealt() -> None:
    ada, decisions, front, dids = seat("Ada")
    plan = ada.plan(LINK)
    assert isinstance(plan, HostPlan) and plan.parties == 3 and plan.program.files == FILES
    assert plan.expected is not None and plan.expected.names == THREE
    ada.opened()
    assert front.is_open
    assert ada.handles(events.Question("admit", "Bob", dids["Bob"]))
    assert ada.handles(events.Question("admit", "Eve", "did:eve"))
    assert not ada.handles(events.Question("accept", "Ada", dids["Ada"]))
    await asyncio.sleep(0)
    assert [one[:2] for one in decisions.made] == [("admit", dids["Bob"]), ("refuse", "did:eve")]
    assert len(front.noted) == 3


@pytest.mark.parametrize("name", ["Ada", "Bob"])
async def test_who_pinned_another_program_takes_no_part(name: str) -> None:
    one, *_ = seat(name)
    other = Program("prog.py", {"prog.py": b"print('other')\n"})
    for pinned in (GuestPlan(LINK.invitation, own=other), GuestPlan(LINK.invitation, digest="00" * 32)):
        with pytest.raises(PeerError, match="another program"):
            one.plan(pinned)
    with pytest.raises(LocalError, match="record"):
        one.plan(GuestPlan(LINK.invitation, record=True))


async def test_who_pinned_the_same_program_is_the_first_of_a_group_with_it() -> None:
    ada, *_ = seat("Ada")
    own = Program("prog.py", FILES)
    assert isinstance(ada.plan(GuestPlan(LINK.invitation, own=own)), HostPlan)


async def test_a_guest_is_told_whose_group_it_is_in() -> None:
    bob, *_ = seat("Bob")
    event = bob.event("verified")
    assert (event.group, event.host, event.standing) == (1, "Tia", "verified")
    assert [member["name"] for member in event.members] == list(THREE)


@pytest.mark.parametrize("sealed", [False, True])
async def test_a_group_that_is_taken_apart_is_left_unless_its_session_has_begun(sealed: bool) -> None:
    bob, _, front, _ = seat("Bob")
    began, go_on, ended = asyncio.Event(), asyncio.Event(), []

    async def session() -> bool:
        try:
            began.set()
            await go_on.wait()
            return True
        finally:
            ended.append("taken down")

    holding = asyncio.create_task(bob.hold(session(), lambda: sealed))
    await began.wait()
    front.apart.set()
    if sealed:
        for _ in range(5):  # that the group is apart is looked at before
            await asyncio.sleep(0)
        go_on.set()
        assert await holding
    else:
        with pytest.raises(PeerError, match="group 1 has lost somebody"):
            await holding
    assert ended == ["taken down"]


async def test_what_a_group_s_session_ends_with_is_passed_on_and_who_leaves_takes_it_down() -> None:
    bob, *_ = seat("Bob")

    async def fails() -> bool:
        raise PeerError("Ada left", peer="Ada")

    with pytest.raises(PeerError, match="Ada left"):
        await bob.hold(fails(), lambda: False)
    began, down = asyncio.Event(), asyncio.Event()

    async def lasts() -> bool:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            down.set()
        return True

    holding = asyncio.create_task(bob.hold(lasts(), lambda: False))
    await began.wait()
    holding.cancel()
    await asyncio.gather(holding, return_exceptions=True)
    assert holding.cancelled() and down.is_set()
