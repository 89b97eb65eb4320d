"""What the host can do before the start: each by a clear answer, and nothing by an unclear one."""

from dataclasses import replace
from typing import Any

import pytest

from huddle import events
from huddle.cli.policy import GuestPolicy, HostPolicy
from huddle.cli.terminal import answers
from huddle.cli.terminal.answers import Person
from tests.unit.cli.terminal.desk import ACCEPT, ADA, BOB, CLEAN, PROGRAM, WORDS, Desk

INVITATION = events.Invitation("https://huddle.example/j#x", "1-a-b")
LOBBY = events.Question("lobby")
SEATED = events.Party("Bob", "did:bob", "seated", "new")
PEOPLE = [Person(1, "Bob", "did:bob")]


@pytest.mark.parametrize("line", ["", "n", "yes please", "r", "r Eve", "m", "m two", "m 222", "c now", "x"])
@pytest.mark.parametrize("held", [True, False])
def test_what_means_nothing_decides_nothing(line: str, held: bool) -> None:
    assert isinstance(answers.lobby(line, PEOPLE, held=held), answers.Unclear)


def test_yes_is_an_answer_only_where_the_host_has_to_say_it() -> None:
    assert isinstance(answers.lobby("y", PEOPLE, held=True), answers.Start)
    assert isinstance(answers.lobby("y", PEOPLE, held=False), answers.Unclear)


@pytest.mark.parametrize(
    ("line", "decided"),
    [
        ("c", ("new_code",)),
        ("r bob", ("refuse", "did:bob", "the host declined")),
        ("m 4", ("change", None, 4)),
        ("q", ("leave", "the host ended the session")),
    ],
)
async def test_while_others_are_awaited_the_host_may_change_things(
    line: str, decided: tuple[Any, ...]
) -> None:
    desk = Desk(HostPolicy(parties=3, standing=True), ADA, SEATED, INVITATION, lines=("huh", line))
    running = desk.begin()
    await desk.until(lambda: desk.party.decided)
    assert desk.party.decided == [decided]
    assert desk.screen.asked[0].standing and "huh is no answer" in desk.screen.asked[1].problem
    if decided[0] != "leave":
        desk.party.queue.put_nowait(CLEAN)
    await running


async def test_whoever_was_refused_and_is_still_here_can_be_let_in_after_all() -> None:
    refused = events.Party("Bob", "did:bob", "refused", "new")
    desk = Desk(HostPolicy(parties=3, standing=True), ADA, refused, INVITATION, lines=("l Eve", "l bob"))
    running = desk.begin()
    await desk.until(lambda: desk.party.decided)
    assert desk.party.decided == [("admit", "did:bob")]
    assert ("l NAME", "let somebody in after all") in desk.screen.asked[0].choices
    desk.party.queue.put_nowait(CLEAN)
    await running
    assert isinstance(answers.lobby("l bob", PEOPLE, held=False), answers.Unclear), "one who has a seat"


async def test_names_are_those_of_who_is_here_when_the_answer_comes() -> None:
    refused = events.Party("Bob", "did:bob", "refused", "new")
    desk = Desk(HostPolicy(parties=3, standing=True), ADA, refused, INVITATION)
    running = desk.begin()
    await desk.until(lambda: desk.screen.asked)
    desk.party.queue.put_nowait(events.Party("Bob", "did:bob", "left", "new"))
    desk.party.queue.put_nowait(events.Party("Cyd", "did:cyd", "seated", "new"))
    await desk.until(lambda: desk.driver._questions.knows("did:cyd"))
    for line in ("l Bob", "r Cyd"):
        desk.screen.lines.put_nowait(line)
    await desk.until(lambda: desk.party.decided)
    assert desk.party.decided == [("refuse", "did:cyd", "the host declined")]
    assert "l Bob is no answer" in desk.screen.asked[1].problem and desk.screen.withdrawn == 0
    desk.party.queue.put_nowait(CLEAN)
    await running


@pytest.mark.parametrize("asked", [LOBBY, ACCEPT])
async def test_who_knocks_gets_a_free_seat_at_once_whatever_else_the_host_is_asked(
    asked: events.Question,
) -> None:
    policy = HostPolicy(parties=3, lobby=True, standing=True)
    desk = Desk(policy, replace(ADA, standing="self"), BOB, PROGRAM, WORDS, asked)
    running = desk.begin()
    await desk.until(lambda: desk.screen.asked)
    desk.party.queue.put_nowait(events.Party("Cyd", "did:cyd", "waiting", "new"))
    desk.party.queue.put_nowait(events.Question("admit", "Cyd", "did:cyd"))
    await desk.until(lambda: desk.party.decided)
    assert desk.party.decided == [("seat", "did:cyd")]
    assert len(desk.screen.asked) == 1 and desk.screen.withdrawn == 0
    desk.party.queue.put_nowait(CLEAN)
    await running


async def test_a_fault_in_giving_a_seat_ends_the_session_and_not_the_screen() -> None:
    desk = Desk(HostPolicy(parties=3), ADA)
    desk.party.raises = RuntimeError("no such thing")
    desk.party.queue.put_nowait(events.Party("Cyd", "did:cyd", "waiting", "new"))
    desk.party.queue.put_nowait(events.Question("admit", "Cyd", "did:cyd"))
    assert await desk.run() != 0
    assert any(isinstance(one, events.Error) for one in desk.screen.shown)


async def test_the_standing_question_is_withdrawn_for_any_other_and_comes_back() -> None:
    desk = Desk(HostPolicy(each=True, parties=3, standing=True), INVITATION)
    running = desk.begin()
    await desk.until(lambda: len(desk.screen.asked) == 1)
    desk.party.queue.put_nowait(events.Party("Bob", "did:bob", "waiting", "new"))
    desk.party.queue.put_nowait(events.Question("admit", "Bob", "did:bob"))
    await desk.until(lambda: len(desk.screen.asked) == 2)
    assert desk.screen.withdrawn == 1 and "Let Bob in" in desk.screen.asked[1].question
    desk.screen.lines.put_nowait("y")
    await desk.until(lambda: len(desk.screen.asked) == 3)
    assert desk.screen.asked[2].standing
    for event in (BOB, PROGRAM, WORDS, ACCEPT):
        desk.party.queue.put_nowait(event)
    await desk.until(lambda: len(desk.screen.asked) == 4)
    assert not desk.screen.asked[3].standing and desk.screen.withdrawn == 2
    desk.party.queue.put_nowait(CLEAN)
    await running


async def test_after_a_no_nothing_goes_on_before_the_host_says_so() -> None:
    desk = Desk(HostPolicy(parties=2, lobby=True), BOB, LOBBY, lines=("", "c", "y"))
    running = desk.begin()
    await desk.until(lambda: len(desk.party.decided) == 2)
    assert desk.party.decided == [("new_code",), ("propose",)]
    assert {asked.question for asked in desk.screen.asked} == {"Try again?"}
    desk.party.queue.put_nowait(CLEAN)
    await running


@pytest.mark.parametrize(("lobby", "decided"), [(True, "not_now"), (False, "decline")])
@pytest.mark.parametrize("host", [True, False])
async def test_a_no_leads_to_the_lobby_where_there_is_one(lobby: bool, decided: str, host: bool) -> None:
    policy = HostPolicy(lobby=lobby) if host else GuestPolicy(lobby=lobby)
    desk = Desk(policy, ADA, BOB, PROGRAM, WORDS, ACCEPT, lines=("n",))
    running = desk.begin()
    await desk.until(lambda: desk.party.decided)
    assert [one[0] for one in desk.party.decided] == [decided]
    if lobby:
        desk.party.queue.put_nowait(CLEAN)
    await running


async def test_somebody_too_many_is_put_off_in_the_middle_of_a_question_and_nobody_is_asked() -> None:
    desk = Desk(HostPolicy(parties=2), ADA, BOB, PROGRAM, WORDS, ACCEPT)
    running = desk.begin()
    await desk.until(lambda: desk.screen.asked)
    desk.party.queue.put_nowait(events.Party("Eve", "did:eve", "waiting", "new"))
    desk.party.queue.put_nowait(events.Question("admit", "Eve", "did:eve"))
    await desk.until(lambda: any("Eve waits" in getattr(one, "text", "") for one in desk.screen.shown))
    assert len(desk.screen.asked) == 1 and desk.screen.withdrawn == 0
    desk.party.queue.put_nowait(CLEAN)
    await running
