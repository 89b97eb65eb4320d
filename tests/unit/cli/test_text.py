"""Nothing that strangers wrote moves a cursor, hides a line or looks like something else."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huddle.cli.text import clean, clean_line, duration, listing, short_did, size


@given(st.text(alphabet=st.characters()))
def test_no_control_format_or_private_character_is_left(text: str) -> None:
    for char in clean(text):
        assert char in "\n\t" or (
            unicodedata.category(char)[0] != "C" and unicodedata.category(char) not in ("Zl", "Zp")
        )
    assert not {"\n", "\r", "\t"} & set(clean_line(text))


@given(st.text(alphabet=st.characters(categories=("L", "N", "P"), exclude_characters="ᅟᅠㅤﾠ")))
def test_plain_text_stays_as_it_is(text: str) -> None:
    assert clean(text) == clean_line(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J", "\\x1b[2J"),
        ("a\u202eb", "a\\u202eb"),
        ("\u2066if\u2069", "\\u2066if\\u2069"),
        ("a\rb", "a\\rb"),
        ("a\u2028b", "a\\u2028b"),
        ("\x9b31m", "\\x9b31m"),
        ("ad\u200bmin", "ad\\u200bmin"),
        ("ad\u3164min", "ad\\u3164min"),
        ("x\ufe00", "x\\ufe00"),
        ("\U000e0041", "\\U000e0041"),
        ("\ud800", "\\ud800"),
        ("\0", "\\x00"),
    ],
)
def test_tricks_are_shown(text: str, shown: str) -> None:
    assert clean(text) == shown == clean_line(text)


def test_lines_stay_where_they_may_be_several_and_nowhere_else() -> None:
    assert clean("a\n\tb") == "a\n\tb"
    assert clean_line("a\nError: b\t") == "a\\nError: b\\t"


@pytest.mark.parametrize(
    ("count", "shown"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (150 * 1024, "150 KiB"), (3 << 40, "3072 GiB")],
)
def test_sizes(count: int, shown: str) -> None:
    assert size(count) == shown


@pytest.mark.parametrize(("seconds", "shown"), [(0.421, "0.42 s"), (12, "12 s"), (185, "3 min 5 s")])
def test_durations(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown


def test_lists_and_dids() -> None:
    assert [listing(["Ada", "Bob", "Cy"][:n]) for n in range(4)] == [
        "",
        "Ada",
        "Ada and Bob",
        "Ada, Bob and Cy",
    ]
    assert short_did("did:key:z6MkpFBWEgiNjDBnJSdoGbGMarddUuaTWuVP1By2gHnLdqjA").endswith("…gHnLdqjA")
    assert short_did("short") == "short"
