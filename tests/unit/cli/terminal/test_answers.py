"""Answers whose meaning nobody can change by the name that they have."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huddle.cli.terminal.answers import (
    Accept,
    Decline,
    Differ,
    Person,
    Refuse,
    Unclear,
    ViewProgram,
    again,
    decide,
    run,
    yes,
)

ADA, BOB = Person(0, "Ada", "did:ada"), Person(2, "Bob", "did:bob")
KNOWN = Person(3, "Cyd", "did:cyd", verified=True)


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("all", Accept(("did:ada", "did:bob"))),
        (" ALL ", Accept(("did:ada", "did:bob"))),
        ("nobody", Accept()),
        ("No one", Accept()),
        ("bob", Accept(("did:bob",))),
        ("#2, ada", Accept(("did:bob", "did:ada"))),
        ("cyd", Accept(("did:cyd",))),
        ("r bob", Refuse("did:bob")),
        ("refuse 0", Refuse("did:ada")),
    ],
)
def test_what_a_line_means(line: str, meant: Any) -> None:
    assert decide(line, [ADA, BOB, KNOWN], host=True) == meant


@pytest.mark.parametrize(
    ("line", "kind"), [("n", Decline), ("NO", Decline), ("v", ViewProgram), ("w", Differ), ("words", Differ)]
)
def test_the_short_words(line: str, kind: type) -> None:
    assert isinstance(decide(line, [ADA, BOB], host=False), kind)


@pytest.mark.parametrize("name", ["all", "ALL", "nobody", "n", "w", "V", "yes", "y", "r", "no  one"])
@pytest.mark.parametrize("host", [True, False])
def test_a_party_that_is_called_like_an_answer_changes_none(name: str, host: bool) -> None:
    people = [ADA, Person(1, name, "did:mallory")]
    assert isinstance(decide(name, people, host=host), Unclear)
    assert decide("1", people, host=host) == Accept(("did:mallory",))


@pytest.mark.parametrize("name", ["2", "#2"])
def test_a_party_that_is_called_like_the_number_of_another_is_not_taken_for_it(name: str) -> None:
    people = [ADA, Person(1, name, "did:mallory"), BOB]
    assert isinstance(decide(name, people, host=False), Unclear)
    assert isinstance(decide(f"r {name}", people, host=True), Unclear)


def test_a_name_with_a_comma_is_one_name() -> None:
    doctor = Person(1, "Bob, Dr.", "did:dr")
    assert decide("bob, dr.", [ADA, doctor], host=False) == Accept(("did:dr",))


def test_a_name_that_begins_like_a_refusal_refuses_nobody() -> None:
    people = [Person(1, "R Bob", "did:r"), BOB]
    assert decide("r bob", people, host=True) == Accept(("did:r",))


@given(st.text(max_size=12), st.lists(st.text(min_size=1, max_size=4), max_size=3), st.booleans())
def test_no_line_accepts_but_one_that_says_so(line: str, names: list[str], host: bool) -> None:
    people = [Person(pid, name, f"did:{pid}") for pid, name in enumerate(names, 1)]
    decision = decide(line, people, host=host)
    if isinstance(decision, Accept) and not decision.heard:
        folded = " ".join(line.casefold().split())
        assert folded in ("nobody", "no one", "none") or (not people and folded in ("y", "yes", "all"))
    assert not isinstance(decision, Refuse) or host


@pytest.mark.parametrize("line", ["", "yep", "ja", "ok", "1", "\x1b", "yy", "y n"])
def test_nothing_else_is_yes_or_no(line: str) -> None:
    assert yes(line) is None and run(line) is None and again(line) is None
