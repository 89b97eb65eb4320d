"""Skeletons of UTS 39."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huddle.identity.confusables import skeleton


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ada", "\u0410d\u0430"),  # Cyrillic
        ("Ada", "\u0391da"),  # Greek
        ("Ada", "\U0001d400da"),  # mathematical
        ("Bernie", "Bemie"),
        ("Alice", "AIice"),
        ("Alice", "A1ice"),
        ("scope", "\u0455\u0441\u043e\u0440\u0435"),  # the example of UTS 39
        ("Zo\u00eb", "Zoe\u0308"),
        ("Ada", "A\u115fda\u3164\ufe0f"),  # what nobody sees
    ],
)
def test_what_looks_alike_has_one_skeleton(one: str, other: str) -> None:
    assert skeleton(one) == skeleton(other)


@pytest.mark.parametrize(
    ("one", "other"), [("Ada", "ada"), ("Ann", "Anna"), ("Zoe", "Zo\u00eb"), ("a", "b"), ("", "a")]
)
def test_what_looks_different_has_another(one: str, other: str) -> None:
    assert skeleton(one) != skeleton(other)


def test_a_plain_name_is_read_by_a_part_of_the_table_that_says_the_same() -> None:
    for char in map(chr, range(0x80)):
        assert skeleton(char + "\u0416") == skeleton(char) + "\u0416"


@given(st.text(max_size=20))
def test_a_skeleton_is_its_own_skeleton_and_the_same_for_every_normal_form(text: str) -> None:
    assert (
        skeleton(text)
        == skeleton(unicodedata.normalize("NFD", text))
        == skeleton(unicodedata.normalize("NFC", text))
    )
    assert skeleton(skeleton(text)) == skeleton(text)
