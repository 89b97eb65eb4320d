"""Names that may be shown, and names that a person takes for the same."""

import json
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huddle.identity.names import NAME_LENGTH, alike, any_alike, folded, is_name, joiners, strange

VECTORS = json.loads((Path(__file__).parents[2] / "vectors/names.json").read_text())


@pytest.mark.parametrize("name", VECTORS["names"])
def test_names_of_people_are_names(name: str) -> None:
    assert is_name(name)


@pytest.mark.parametrize("name", [one["text"] for one in VECTORS["refused"]])
def test_what_could_fool_a_screen_is_no_name(name: str) -> None:
    assert not is_name(name)


@given(st.text(max_size=70))
def test_every_name_is_one_line_with_no_hidden_character_but_needed_joiners(text: str) -> None:
    if is_name(text):
        assert text.splitlines() == [text]
        needed = joiners(text)
        assert not any(
            unicodedata.category(char).startswith("C") for at, char in enumerate(text) if at not in needed
        )
        assert len(text) <= NAME_LENGTH


@pytest.mark.parametrize("other", ["علیرضا", "علی\u200cرضا"])
def test_a_joiner_makes_no_other_name(other: str) -> None:
    assert folded(other) == folded("علیرضا")


@pytest.mark.parametrize("other", ["ann b", "ANN B", "AnnB", "Ann  B", "Ａnn B"])
def test_names_that_look_or_sound_alike_fold_alike(other: str) -> None:
    assert folded(other) == folded("Ann B")


def test_other_names_fold_otherwise() -> None:
    assert folded("Ann") != folded("Anna")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ada", "\u0410da"),
        ("ada", "\u0410DA"),
        ("Ada", "ADA"),
        ("Ann B", "annb"),
        ("Ada", "Ada\u3164"),
        ("Ada", "Ada\u2800"),
        ("Ada", "A\u034fda"),
        ("Ian", "lan"),
        ("Jo", "J0"),
        ("user1", "userl"),
        ("Bernie", "BEMIE"),
    ],
)
def test_names_that_a_person_may_take_for_each_other(one: str, other: str) -> None:
    assert alike(one, other) and alike(other, one)
    assert any_alike(["Cyd", one, "Dan", other])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ann", "Anna"),
        ("Ian", "Lan"),
        ("Zoe", "Zo\u00eb"),
        ("Bob1", "Bob2"),
        ("\u674e\u96f7", "\u674e\u96ea"),
        ("\u0410\u043d\u043d\u0430", "Anna"),
    ],
)
def test_names_that_nobody_takes_for_each_other(one: str, other: str) -> None:
    assert not alike(one, other)
    assert not any_alike([one, other])


def test_the_letters_that_differ_are_named() -> None:
    assert strange("\u0410d\u0410", "Ada") == ["CYRILLIC CAPITAL LETTER A"]
    assert strange("Ada", "Ada") == []
