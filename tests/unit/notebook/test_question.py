"""What a notebook's person is shown, and what their answers decide."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from huddle import events
from huddle.cli.terminal import answers
from huddle.errors import LocalError
from huddle.notebook.question import Table, decided

ME = events.Party("Me", "did:me", "admitted", "self", 1)
ADA = events.Party("Ada\x1b", "did:ada", "admitted", "new", 0)
PROGRAM = events.Program("a.py", "d1", (), ("-n", "3"), False)
WORDS = events.Words(("one", "two", "three", "four"))
FILES = {"a.py": b'# /// script\n# [tool.huddle]\n# title = "T"\n# learns = "The sum."\n# ///\n'}


def table(*others: events.Party) -> Table:
    made = Table()
    for event in (ME, *others, PROGRAM, WORDS):
        made.note(event)
    return made


def test_people_words_and_program_are_shown_and_nothing_hides_in_them() -> None:
    gone = replace(ADA, name="Eve", did="did:eve", pid=2, state="left")
    assert table(ADA, gone).shown(FILES).splitlines() == [
        r"With: 0 Ada\x1b",
        "Words: one two three four",
        "The others run: a.py -n 3",
        "In its own words: The sum.",
        "Nothing of it runs here: your part is what your cells do.",
    ]


def test_an_unclear_line_is_asked_again() -> None:
    lines: Iterator[str] = iter(["", "perhaps", "v", "all"])
    asked: list[str] = []

    def answer(prompt: str) -> str:
        asked.append(prompt)
        return next(lines)

    found = decided(table(ADA), answer)
    assert isinstance(found, answers.Accept) and found.heard == ("did:ada",)
    assert len(asked) == 4 and "Whom did you hear" in asked[0] and asked[1] != asked[0]


@pytest.mark.parametrize(
    ("answer", "decision"),
    [("nobody", answers.Accept), ("n", answers.Decline), ("w", answers.Differ)],
)
def test_what_is_given_beforehand_decides(answer: str, decision: type) -> None:
    assert isinstance(decided(table(ADA), answer), decision)


def test_verified_people_need_a_yes_only() -> None:
    known = replace(ADA, standing="verified")
    assert table(known).question().startswith("Take part?")
    assert decided(table(known), "y") == answers.Accept()


def test_where_nobody_answers_or_never_clearly_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(LocalError, match="is no answer"):
        decided(table(ADA), "perhaps")
    with pytest.raises(LocalError, match="No clear answer"):
        decided(table(ADA), lambda prompt: "")

    def nobody(prompt: str) -> str:
        raise EOFError

    monkeypatch.setattr("builtins.input", nobody)
    with pytest.raises(LocalError, match="Nobody can be asked"):
        decided(table(ADA), None)
