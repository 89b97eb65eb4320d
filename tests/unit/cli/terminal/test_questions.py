"""What a person is asked, and what their answers do: nothing by accident, and nobody is believed unheard."""

from dataclasses import replace

import pytest

from huddle import events
from huddle.cli.policy import GuestPolicy, HostPolicy
from huddle.groups.expected import ExpectedPeople
from tests.unit.cli.terminal.desk import ACCEPT, ADA, BOB, CLEAN, PROGRAM, WORDS, Desk

KNOCK = events.Question("admit", "Bob\x1b", "did:bob")
BOB_KNOCKS = events.Party("Bob", "did:bob", "waiting", "new")
ME = events.Party("Me", "did:me", "admitted", "self", 0)
SEEN = (ME, replace(ADA, pid=1), replace(BOB, pid=2), PROGRAM, WORDS, ACCEPT)
UNCLEAR = ["", "  ", "ja", "yep", "yes please", "1y", "ny"]


@pytest.mark.parametrize("line", [*UNCLEAR, "all", "v"])
@pytest.mark.parametrize(
    ("then", "decided"), [("y", "admit"), (" YES ", "admit"), ("n", "refuse"), (None, "refuse")]
)
async def test_at_the_door_only_yes_and_no_decide_and_all_else_is_asked_again(
    line: str, then: str | None, decided: str
) -> None:
    desk = Desk(HostPolicy(each=True), KNOCK, lines=(line, then))
    running = desk.begin()
    await desk.until(lambda: desk.party.decided)
    desk.party.queue.put_nowait(CLEAN)
    await running
    assert [one[:2] for one in desk.party.decided] == [(decided, "did:bob")]
    first, second = desk.screen.asked
    assert not first.problem and second.problem and "\x1b" not in first.question


async def test_guests_get_a_seat_and_the_person_is_asked_about_all_at_once() -> None:
    cyd = replace(BOB_KNOCKS, name="Cyd", did="did:cyd")
    desk = Desk(HostPolicy(parties=3), BOB_KNOCKS, KNOCK, cyd, events.Question("admit", "Cyd", "did:cyd"))
    running = desk.begin()
    await desk.until(lambda: len(desk.party.decided) == 2)
    assert desk.party.decided == [("seat", "did:bob"), ("seat", "did:cyd")] and not desk.screen.asked
    desk.party.queue.put_nowait(CLEAN)
    await running


async def test_one_too_many_waits_and_gets_the_seat_of_who_leaves() -> None:
    seated = replace(BOB_KNOCKS, state="seated")
    dan = replace(BOB_KNOCKS, name="Dan", did="did:dan")
    desk = Desk(HostPolicy(parties=2), seated, dan, events.Question("admit", "Dan", "did:dan"))
    running = desk.begin()
    await desk.until(lambda: any(isinstance(event, events.Notice) for event in desk.screen.shown))
    assert desk.party.decided == [] and desk.screen.asked == []
    desk.party.queue.put_nowait(replace(seated, state="left"))
    await desk.until(lambda: desk.party.decided)
    desk.party.queue.put_nowait(CLEAN)
    await running
    assert desk.party.decided == [("seat", "did:dan")]


@pytest.mark.parametrize("policy", [GuestPolicy(), GuestPolicy(yes=True, pinned=True)])
@pytest.mark.parametrize("taken", [(), ("--grace",), ("--grace", "--name")])
async def test_a_guest_is_told_before_the_decision_of_options_that_the_program_has_too(
    policy: GuestPolicy, taken: tuple[str, ...]
) -> None:
    desk = Desk(replace(policy, taken=taken), *SEEN, lines=("nobody",))
    desk.party.files = {"a.py": b"add_argument('--name')"}
    await desk.run()
    told = [event.text for event in desk.screen.shown if isinstance(event, events.Notice)]
    assert [text.partition(",")[0] for text in told] == (
        ["a.py has the option --name too"] if "--name" in taken else []
    )
    assert desk.party.decided[-1] == ("accept",)


async def test_a_known_name_with_another_key_gets_no_seat_unasked() -> None:
    alarm = replace(BOB_KNOCKS, standing="alarm")
    desk = Desk(HostPolicy(parties=3), alarm, KNOCK, lines=("n",))
    running = desk.begin()
    await desk.until(lambda: desk.party.decided)
    desk.party.queue.put_nowait(CLEAN)
    await running
    assert desk.party.decided[0][:2] == ("refuse", "did:bob")


async def test_who_has_refused_somebody_is_asked_about_everybody_from_then_on() -> None:
    desk = Desk(HostPolicy(parties=3), *SEEN, lines=("r bob", "y"))
    running = desk.begin()
    await desk.until(lambda: desk.party.decided)
    assert desk.party.decided[0][:2] == ("refuse", "did:bob")
    cyd = replace(BOB_KNOCKS, name="Cyd", did="did:cyd")
    for event in (replace(BOB, state="refused"), cyd, events.Question("admit", "Cyd", "did:cyd")):
        desk.party.queue.put_nowait(event)
    await desk.until(lambda: len(desk.party.decided) == 2)
    desk.party.queue.put_nowait(CLEAN)
    await running
    assert desk.party.decided[1] == ("admit", "did:cyd") and "Cyd" in desk.screen.asked[-1].question


async def test_nobody_takes_the_seat_of_somebody_who_was_called_unasked() -> None:
    eve = replace(BOB_KNOCKS, name="Eve", did="did:eve")
    policy = HostPolicy(called=frozenset({"did:bob"}), parties=3)
    told = (BOB_KNOCKS, replace(BOB_KNOCKS, state="admitted"))
    for before, decided in ((told, "seat"), ((), "refuse")):
        seats = policy if before else replace(policy, parties=2)
        desk = Desk(seats, *before, eve, events.Question("admit", "Eve", "did:eve"), lines=("n",))
        running = desk.begin()
        await desk.until(lambda desk=desk: desk.party.decided)
        desk.party.queue.put_nowait(CLEAN)
        await running
        assert [one[:2] for one in desk.party.decided] == [(decided, "did:eve")]
        assert len(desk.screen.asked) == (decided == "refuse")
    assert "those whom you called" in desk.screen.asked[0].problem
    desk = Desk(replace(policy, parties=2), BOB_KNOCKS, KNOCK)
    running = desk.begin()
    await desk.until(lambda: desk.party.decided)
    desk.party.queue.put_nowait(CLEAN)
    await running
    assert desk.party.decided == [("admit", "did:bob")] and not desk.screen.asked


async def test_who_has_left_is_not_asked_about() -> None:
    left = events.Party("Bob", "did:bob", "left")
    desk = Desk(HostPolicy(each=True), KNOCK, left, events.Question("again"), lines=("q",))
    assert await desk.run() == 0
    assert [name for name, *_ in desk.party.decided] == ["finish"]


@pytest.mark.parametrize(
    ("line", "heard"),
    [
        ("nobody", ()),
        ("bob", ("did:bob",)),
        ("2", ("did:bob",)),
        ("Bob, ada", ("did:bob", "did:ada")),
        ("all", ("did:ada", "did:bob")),
    ],
)
@pytest.mark.parametrize("policy", [HostPolicy(), GuestPolicy()])
async def test_one_answer_says_who_was_heard_and_accepts(
    policy: HostPolicy | GuestPolicy, line: str, heard: tuple[str, ...]
) -> None:
    gone = events.Party("Eve", "did:eve", "left", "new", 3)
    knocks = events.Party("Mallory", "did:mal", "waiting")
    desk = Desk(policy, *SEEN[:3], gone, knocks, *SEEN[3:], lines=(line,))
    assert await desk.run() == 0
    assert desk.party.decided == [("heard", heard), ("accept",)] and len(desk.screen.asked) == 1


@pytest.mark.parametrize("line", [*UNCLEAR, "y", "Mallory", "Bob, Cyd", "all, Ada", "r", "3"])
@pytest.mark.parametrize("then", ["n", None])
@pytest.mark.parametrize("policy", [HostPolicy(), GuestPolicy()])
async def test_what_is_no_answer_decides_nothing(
    policy: HostPolicy | GuestPolicy, line: str, then: str | None
) -> None:
    desk = Desk(policy, *SEEN, lines=(line, then))
    await desk.run()
    assert [name for name, *_ in desk.party.decided] == ["decline"]
    assert desk.screen.asked[1].problem


async def test_a_guest_refuses_nobody() -> None:
    desk = Desk(GuestPolicy(), *SEEN, lines=("r bob", "n"))
    await desk.run()
    assert [name for name, *_ in desk.party.decided] == ["decline"]
    assert not any(key.startswith("r") for key, _ in desk.screen.asked[0].choices)


async def test_whom_one_knows_needs_no_hearing() -> None:
    verified = replace(BOB, pid=1, standing="verified")
    for line in ("y", "nobody"):
        desk = Desk(HostPolicy(), ME, verified, PROGRAM, WORDS, ACCEPT, lines=(line,))
        assert await desk.run() == 0
        assert desk.party.decided == [("heard", ()), ("accept",)]


async def test_reading_the_program_goes_back_to_the_question() -> None:
    desk = Desk(GuestPolicy(), *SEEN, lines=("v", "view", "nobody"))
    assert await desk.run() == 0
    assert desk.screen.reads == 2 and desk.party.decided[-1] == ("accept",)


@pytest.mark.parametrize("policy", [HostPolicy(), GuestPolicy()])
async def test_other_words_are_an_answer_of_their_own(policy: HostPolicy | GuestPolicy) -> None:
    desk = Desk(policy, *SEEN, lines=("w",))
    running = desk.begin()
    await desk.until(lambda: desk.party.decided)
    desk.party.queue.put_nowait(CLEAN)
    await running
    assert desk.party.decided == [("differ",)]


async def test_a_question_to_words_that_count_no_more_is_taken_back() -> None:
    desk = Desk(GuestPolicy(), *SEEN)
    running = desk.begin()
    await desk.until(lambda: desk.screen.asked)
    desk.party.queue.put_nowait(events.Restarted(2, "Cyd saw other words"))
    await desk.until(lambda: desk.screen.withdrawn)
    assert desk.party.decided == []
    desk.party.queue.put_nowait(CLEAN)
    await running


LATER = (replace(PROGRAM, digest="d2", run=2), events.Question("program", "Ada", "did:ada"))


@pytest.mark.parametrize("line", [*UNCLEAR, "all", "w"])
@pytest.mark.parametrize(("then", "decided"), [("y", "accept"), ("n", "decline"), (None, "decline")])
async def test_a_later_program_runs_after_a_clear_yes_only(line: str, then: str | None, decided: str) -> None:
    desk = Desk(GuestPolicy(), ADA, *LATER, lines=(line, "v", then))
    await desk.run()
    assert [name for name, *_ in desk.party.decided] == [decided] and desk.screen.reads == 1


async def test_a_pinned_program_is_no_yes_to_a_later_one() -> None:
    desk = Desk(GuestPolicy(yes=True, pinned=True), ADA, PROGRAM, WORDS, ACCEPT)
    await desk.run()
    assert desk.party.decided == [("accept",)]
    desk.party.decided.clear()
    for event in LATER:
        desk.party.queue.put_nowait(event)
    desk.screen.lines.put_nowait("n")
    await desk.run()
    assert desk.party.decided == [("decline", "")] and desk.screen.asked


@pytest.mark.parametrize("line", [*UNCLEAR, "all"])
@pytest.mark.parametrize(
    ("then", "decided"), [("y", "again"), ("q", "finish"), ("n", "finish"), (None, "finish")]
)
async def test_once_more_or_the_end_only_by_a_clear_answer(line: str, then: str | None, decided: str) -> None:
    desk = Desk(HostPolicy(), events.Question("again"), lines=(line, then))
    running = desk.begin()
    await desk.until(lambda: desk.party.decided)
    desk.party.queue.put_nowait(CLEAN)
    await running
    assert desk.party.decided == [(decided,)]


BLOCK = (
    '# /// script\n# [tool.huddle]\n# title = "Pay"\n# learns = "The sum."\n# [[tool.huddle.inputs]]\n'
    '# option = "--pay"\n# label = "Pay"\n# kind = "integer"\n# ///\n'
)
BARE = "p.add_argument('--depth', type=int)\np.add_argument('--name')\n"
MUST = "p.add_argument('--depth', type=int, required=True)\n"


@pytest.mark.parametrize(
    ("policy", "source", "lines", "given"),
    [
        (GuestPolicy(), BLOCK, ("nobody", "much", "3"), [("--pay=3",)]),
        (GuestPolicy(), BARE, ("nobody",), [()]),
        (GuestPolicy(), BARE, ("o", "much", "2", "", "nobody"), [("--depth=2",)]),
        (GuestPolicy(), MUST, ("nobody", "", "2"), [("--depth=2",)]),
        (GuestPolicy(), "", ("o", "nobody"), []),
        (HostPolicy(), BARE, ("o", "2", "", "nobody"), [("--depth=2",)]),
        (HostPolicy(), BLOCK, ("nobody",), []),  # it was asked before there was an invitation
    ],
)
async def test_what_a_program_asks_of_a_person_is_given_before_taking_part(
    policy: HostPolicy | GuestPolicy, source: str, lines: tuple[str, ...], given: list[tuple[str, ...]]
) -> None:
    desk = Desk(policy, *SEEN, lines=lines)
    desk.party.files = {"a.py": source.encode()}
    assert await desk.run() == 0
    gives = [("give", one, ()) for one in given]
    assert [one for one in desk.party.decided if one[0] == "give"][: len(gives)] == gives
    assert desk.party.decided[-2:] == [("heard", ()), ("accept",)]
    assert len(desk.screen.asked) == len(lines)
    assert any(key == "o" for key, _ in desk.screen.asked[0].choices) == (source == BARE)


async def test_a_script_is_not_asked_by_a_form() -> None:
    desk = Desk(GuestPolicy(), *SEEN, lines=("nobody",))
    desk.party.files = {"a.py": BLOCK.encode()}
    desk.screen.script = True
    assert await desk.run() == 0
    assert len(desk.screen.asked) == 1


async def test_a_guest_who_types_no_more_has_not_taken_part() -> None:
    for lines, source in ((("nobody", None), BLOCK), (("o", None), BARE)):
        desk = Desk(GuestPolicy(), *SEEN, lines=lines)
        desk.party.files = {"a.py": source.encode()}
        await desk.run()
        assert [name for name, *_ in desk.party.decided] == ["decline"]


LISTED = HostPolicy(parties=3, expected=ExpectedPeople.named(["Bob", "Cyd"]))
BOB_ASKS = events.Question("admit", "Bob", "did:bob")


async def test_who_is_on_the_list_gets_a_seat_and_about_all_others_one_is_asked() -> None:
    like = replace(BOB_KNOCKS, name="C\u0443d", did="did:eve")
    like_asks = events.Question("admit", like.name, like.did)
    desk = Desk(LISTED, BOB_KNOCKS, BOB_ASKS, like, like_asks, lines=("", "n"))
    running = desk.begin()
    await desk.until(lambda: len(desk.party.decided) == 2)
    desk.party.queue.put_nowait(CLEAN)
    await running
    assert [one[:2] for one in desk.party.decided] == [("seat", "did:bob"), ("refuse", "did:eve")]
    assert "looks like Cyd on your list" in desk.screen.asked[0].problem


async def test_a_name_that_knocks_twice_is_asked_about_although_it_is_on_the_list() -> None:
    desk = Desk(LISTED, BOB_KNOCKS, BOB_ASKS, lines=("y",))
    running = desk.begin()
    await desk.until(lambda: desk.party.decided)
    desk.party.queue.put_nowait(replace(BOB_KNOCKS, state="seated"))
    # The ceremony turns the second one away, for two of one name can't take part.
    desk.party.queue.put_nowait(replace(BOB_KNOCKS, did="did:bob2", state="left"))
    await desk.until(lambda: len(desk.party.decided) == 2)
    desk.party.queue.put_nowait(CLEAN)
    await running
    assert [one[:2] for one in desk.party.decided] == [("seat", "did:bob"), ("admit", "did:bob")]
    assert "Two people knocked" in desk.screen.asked[0].problem and "did:bob" in desk.screen.asked[0].question


async def test_a_guest_reads_what_everybody_learns_before_the_question() -> None:
    desk = Desk(GuestPolicy(), *SEEN, lines=("nobody", "3"))
    desk.party.files = {"a.py": BLOCK.encode()}
    assert await desk.run() == 0
    assert events.Notice("In its own words, Pay: The sum.") in desk.screen.shown
