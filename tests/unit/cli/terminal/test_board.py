"""What stays in sight: whatever the window and however many take part, words and question are there whole."""

import itertools

import pytest
from rich.cells import cell_len

from huddle import events
from huddle.cli.terminal.answers import Asked
from huddle.cli.terminal.board import FRAME_SECONDS, Board

WORDS = events.Words(("river", "stone", "cloud", "apple"))
ASKED = Asked("Whom did you hear?", (("all", "all of them"), ("n", "end the session")), "bo is no answer.")
PROGRAM = events.Program(
    "auction.py", "d", ({"path": "auction.py", "size": 3, "sha256": "a"},), ("--no-log",), True
)


def board(parties: int, name: str = "Party") -> Board:
    one = Board(color_system=None, clock=lambda: 0.0)
    one.take(events.Invitation("https://huddle.example/j#" + "x" * 60, "1234-river-stone"))
    for pid in range(parties):
        standing = "self" if pid == 0 else ("new", "known", "verified", "alarm")[pid % 4]
        one.take(events.Party(f"{name} {pid}", f"did:key:z6Mk{pid:040}", "admitted", standing, pid))
    for event in (PROGRAM, WORDS):
        one.take(event)
    one.asked = ASKED
    return one


@pytest.mark.parametrize(("width", "height"), list(itertools.product((40, 60, 80, 140), (12, 20, 24, 40))))
@pytest.mark.parametrize("parties", [2, 3, 7, 32])
@pytest.mark.parametrize("name", ["Party", "\u5f20\u4f1f" * 12])
def test_words_and_question_are_there_whole_in_any_window(
    width: int, height: int, parties: int, name: str
) -> None:
    lines = board(parties, name).render(width, height).split("\n")
    assert len(lines) <= height and all(cell_len(line.rstrip()) <= width for line in lines)
    text = " ".join(" ".join(lines).split())
    for part in (
        "river stone cloud apple",
        "Whom did you hear?",
        "all: all of them",
        "n: end the session",
        "bo is no",
    ):
        assert part in text, part


def test_people_stand_on_fewer_lines_before_the_program_goes() -> None:
    shown = board(7).render(80, 12)
    assert "auction.py --no-log" in shown and "6 Party 6" in shown and shown.count("did:key") == 0
    assert "auction.py" in board(7).render(80, 24) and board(7).render(80, 24).count("did:key") == 7


def test_an_alarm_is_seen_however_little_room_there_is() -> None:
    for height in (14, 40):
        assert "ANOTHER KEY" in board(7).render(60, height)


def test_link_and_code_stay_until_the_words_are_there() -> None:
    one = Board(color_system=None, clock=lambda: 0.0, status="waiting for the others")
    one.take(events.Invitation("https://huddle.example/j#abc", "1234-river-stone"))
    shown = one.render(80, 23)
    assert "https://huddle.example/j#abc" in shown and "1234-river-stone" in shown and "waiting" in shown
    one.take(WORDS)
    assert "1234-river-stone" not in one.render(80, 23)


def test_words_go_with_their_epoch_and_the_alarm_stays_until_all_have_signed() -> None:
    one = board(3)
    one.take(events.WordsDiffer("Bob", "did:bob", 1))
    assert "river   stone" not in one.render(80, 24) and "Bob saw other words" in one.render(80, 24)
    one.take(events.Restarted(2, "Bob saw other words"))
    one.take(events.Words(("a", "b", "c", "d"), 2))
    assert "Bob saw other words" in one.render(80, 24) and "a   b   c   d" in one.render(80, 24)
    one.take(events.Sealed("d", (), 0))
    assert "Bob saw" not in one.render(80, 24)


def test_the_status_moves_and_gives_way_to_a_question() -> None:
    now = [0.0]
    one = Board(color_system=None, clock=lambda: now[0], status="computing")
    first = one.render(80, 24)
    now[0] = FRAME_SECONDS
    assert one.render(80, 24) != first and "computing" in first
    one.asked = ASKED
    assert "computing" not in one.render(80, 24)


def test_who_is_expected_and_not_here_is_named_and_people_stand_in_the_lists_order() -> None:
    one = Board(color_system=None, clock=lambda: 0.0)
    one.take(events.Expected(("Ada", "Bob", "Cyd")))
    one.take(events.Party("Teacher", "did:key:t", "admitted", "self"))
    assert "Not here yet: Ada, Bob and Cyd" in one.render(80, 24)
    for name in ("Cyd", "Ada"):
        one.take(events.Party(name, f"did:key:{name}", "seated", "new"))
    for height in (6, 24):
        shown = one.render(80, height)
        assert "Not here yet: Bob" in shown and shown.index("Ada") < shown.index("Cyd")
    one.take(events.Party("Ada", "did:key:Ada", "left", "new"))
    assert "Not here yet: Ada and Bob" in one.render(80, 24)


def test_who_had_accepted_has_not_accepted_what_comes_next() -> None:
    board = Board(color_system=None)
    for state in ("admitted", "accepted"):
        board.take(events.Party("Bob", "did:bob", state, "new", 1))
    board.take(events.Party("Ada", "did:ada", "admitted", "self", 0))
    assert "accepts" in board.render(80, 24)
    board.take(events.Restarted(2, "Cyd said no"))
    assert "accepts" not in board.render(80, 24)


def test_who_was_not_let_in_and_may_be_called_back_stands_there_until_they_leave() -> None:
    one = Board(color_system=None, clock=lambda: 0.0)
    one.take(events.Party("Ada", "did:ada", "admitted", "self"))
    for state, there in (("waiting", False), ("refused", True), ("left", False), ("refused", True)):
        one.take(events.Party("Bob", "did:bob", state, "new"))
        assert ("Not let in, and still here: Bob." in one.render(80, 24)) is there
        assert ("Not let in, and still here: Bob." in one.render(60, 5)) is there
    one.take(events.Sealed("d", (), 0))
    assert "still here" not in one.render(80, 24)
