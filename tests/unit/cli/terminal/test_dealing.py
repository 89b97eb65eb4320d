"""The host of groups decides by numbers, and nobody is let in or dealt by accident."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from huddle import events
from huddle.cli.policy import HostPolicy
from huddle.cli.terminal import dealing
from huddle.cli.terminal.board import Board
from huddle.cli.terminal.dealing import DealQuestions
from tests.unit.cli.terminal.desk import Screen

ADA = events.Party("Ada", "did:ada", "waiting", "new", 1)
BOB = events.Party("Bob", "did:bob", "waiting", "verified", 2)
FAKE = events.Party(
    "B\u043eb", "did:fake", "waiting", "new", 3, "B\u043eb looks like Bob on your list, and is not."
)
GONE = events.Party("Eve", "did:eve", "left", "new", 4)
DEALT = events.Party("Dan", "did:dan", "dealt", "new", 5)
HERE = (ADA, BOB, FAKE, GONE, DEALT)


@pytest.mark.parametrize(
    ("line", "kind", "dids"),
    [
        (" ALL ", dealing.Deal, None),
        ("q", dealing.Close, None),
        ("3", dealing.Admit, ("did:fake",)),
        ("1, #2", dealing.Admit, ("did:ada", "did:bob")),
        ("r 3", dealing.Refuse, ("did:fake",)),
        ("refuse 1 3", dealing.Refuse, ("did:ada", "did:fake")),
        ("", dealing.Unclear, None),
        ("y", dealing.Unclear, None),
        ("Bob", dealing.Unclear, None),  # a name may be two people's
        ("4", dealing.Unclear, None),
        ("5", dealing.Unclear, None),
        ("r", dealing.Unclear, None),
        ("1 9", dealing.Unclear, None),
        ("\u0661", dealing.Unclear, None),
    ],
)
def test_a_line_means_one_thing_or_nothing(line: str, kind: type, dids: tuple[str, ...] | None) -> None:
    decision = dealing.decide(line, HERE)
    assert type(decision) is kind
    assert dids is None or decision.dids == dids  # type: ignore[union-attr]


def test_who_was_refused_can_be_let_in_by_the_number_and_not_refused_again() -> None:
    refused = events.Party("Gus", "did:gus", "refused", "new", 6)
    assert dealing.decide("6", [*HERE, refused]) == dealing.Admit(("did:gus",))
    assert isinstance(dealing.decide("r 6", [*HERE, refused]), dealing.Unclear)


class Class:
    """Stands for a classroom: remembers what was decided."""

    def __init__(self) -> None:
        self.decided: list[Any] = []

    def problem(self, did: str) -> str:
        return "looks like Bob" if did == "did:fake" else ""

    def __getattr__(self, name: str) -> Any:
        return lambda *args, **more: self.decided.append((name, *args, *more.values()))


def questions(policy: HostPolicy, *lines: str | None) -> tuple[Class, Screen, DealQuestions]:
    room, screen = Class(), Screen(*lines)
    asks = DealQuestions(room, screen, policy)  # type: ignore[arg-type]
    for one in HERE:
        asks.note(one)
    return room, screen, asks


async def test_the_host_is_asked_until_the_answer_means_something_and_then_once_more_by_the_class() -> None:
    room, screen, asks = questions(HostPolicy(), "", "yes", "2", "all", "r 3", None)
    for _ in range(4):
        await asks.decide(events.Question("deal"))
    assert room.decided == [
        ("admit", "did:bob"), ("wait",), ("deal",), ("wait",),
        ("refuse", "did:fake", "the host declined"), ("wait",),
        ("leave", "its host closed the groups"), ("wait",),
    ]  # fmt: skip
    assert [one.problem != "" for one in screen.asked] == [False, True, True, False, False, False]


@pytest.mark.parametrize(
    ("policy", "admitted"),
    [(HostPolicy(yes=True), ["did:bob"]), (HostPolicy(open=True), ["did:ada", "did:bob"])],
)
async def test_a_policy_asks_nobody_and_lets_in_nobody_of_whom_there_is_something_to_say(
    policy: HostPolicy, admitted: list[str]
) -> None:
    room, screen, asks = questions(policy)
    assert asks.note(ADA) and not asks.note(DEALT)
    assert asks.note(replace(DEALT, state="admitted"))  # its group has lost somebody, and it is dealt again
    assert not asks.note(events.Party("Tia", "did:tia", "admitted", "self"))
    async with asyncio.timeout(5):
        await asks.decide(events.Question("deal"))
    assert room.decided == [*(("admit", did) for did in admitted), ("deal", False)] and not screen.asked


def board(groups: int) -> Board:
    one = Board(color_system=None, clock=lambda: 0.0)
    one.take(events.Party("Tia", "did:tia", "admitted", "self"))
    for number in range(1, groups + 1):
        members = tuple(
            {"name": f"Guest {number}.{n}", "did": f"did:{number}.{n}", "state": state}
            for n, state in enumerate(("in", "left" if number == 2 else "words", "computing"))
        )
        state = "failed" if number == 2 else "in"
        one.take(events.Group(number, state, members, "Tia", "self"))
    for guest in HERE:
        one.take(guest)
    return one


def test_the_host_sees_a_line_a_group_and_who_waits_with_what_there_is_to_say() -> None:
    text = board(3).render(80, 24)
    lines = text.split("\n")
    assert sum(line.startswith("Group ") for line in lines) == 3
    (second,) = [line for line in lines if line.startswith("Group 2")]
    assert "Guest 2.1 (left)" in second and "failed" in second
    assert "looks like Bob" in text and "Eve" not in text and "Dan" not in text


def test_where_groups_have_no_room_their_number_is_told() -> None:
    assert "1 failed" in board(20).render(80, 14) and "19 in" in board(20).render(80, 14)


def test_a_group_that_never_began_is_not_shown() -> None:
    one = board(1)
    one.take(events.Group(1, "undone", (), "Tia", "self"))
    assert "Group 1" not in one.render(80, 24)
