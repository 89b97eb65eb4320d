"""Names that may be shown, and names that a person takes for the same."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huddle.identity.names import NAME_BYTES, alike, any_alike, folded, is_name, strange


@pytest.mark.parametrize("name", ["Ann", "a", "Jan de Vries", "Zoë", "李雷", "R2-D2", "x" * NAME_BYTES])
def test_names_of_people_are_names(name: str) -> None:
    assert is_name(name)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("", id="empty"),
        pytest.param(" Ann", id="space before"),
        pytest.param("Ann ", id="space after"),
        pytest.param("Ann\nverified", id="line break"),
        pytest.param("Ann\x1b[2J", id="escape sequence"),
        pytest.param("Ann\u202enoN", id="change of direction"),
        pytest.param("An\u200bn", id="zero-width space"),
        pytest.param("Ann\u00a0B", id="space that does not break"),
        pytest.param("Zoe\u0308", id="not in NFC"),
        pytest.param("\ud800", id="surrogate"),
        pytest.param("x" * (NAME_BYTES + 1), id="too long"),
        pytest.param("é" * (NAME_BYTES // 2 + 1), id="too many bytes"),
    ],
)
def test_what_could_fool_a_screen_is_no_name(name: str) -> None:
    assert not is_name(name)


@given(st.text(max_size=70))
def test_every_name_is_one_printable_line(text: str) -> None:
    if is_name(text):
        assert text.splitlines() == [text]
        assert not any(unicodedata.category(char).startswith("C") for char in text)


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
