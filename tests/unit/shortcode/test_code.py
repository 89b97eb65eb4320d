"""Short codes as people say and type them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huddle.errors import LocalError
from huddle.identity.native import NativeCrypto
from huddle.identity.words import word_list
from huddle.shortcode.code import Code, looks_like_code, parse_code

CODE = Code("4821", ("apple", "river"))


@pytest.mark.parametrize(
    "typed",
    [
        "4821-apple-river",
        "4821 apple river",
        " 4821  Apple River. ",
        "4821 - APPLE - RIVER",
        "4821_apple_river",
        "4821–apple—river",
        "48 21 apple, river",
        "4821\tapple\nriver",
        "(4821-apple-river)",
    ],
)
def test_case_and_what_stands_between_do_not_matter(typed: str) -> None:
    assert parse_code(typed) == CODE
    assert str(CODE) == "4821-apple-river"


@given(st.integers(1, 999_999_999), st.sampled_from(word_list()), st.sampled_from(word_list()))
def test_every_code_is_read_as_it_is_written(number: int, first: str, second: str) -> None:
    code = Code(str(number), (first, second))
    assert parse_code(str(code)) == code
    assert looks_like_code(str(code))


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "apple-river",
        "4821",
        "4821-apple",
        "4821-apple-river-zoo",
        "apple-4821-river",
        "0482-apple-river",
        "1234567890-apple-river",
        "0-apple-river",
        "٤٨٢١-apple-river",
        "²-apple-river",
        "4821-apple-river" + " " * 200,
        "https://huddle.example.org/j#AQAB",
    ],
)
def test_what_is_no_code_is_refused_with_an_example(typed: str) -> None:
    with pytest.raises(LocalError, match="not a short code") as caught:
        parse_code(typed)
    assert "4821-apple-river" in caught.value.hint


@pytest.mark.parametrize(
    ("typed", "wrong", "nearest"),
    [
        ("4821-aple-river", "aple", "apple"),
        ("4821-apple-rivr", "rivr", "river"),
        ("1-appel-river", "appel", "apple"),
    ],
)
def test_a_word_that_is_not_of_the_list_is_named_with_the_nearest(
    typed: str, wrong: str, nearest: str
) -> None:
    with pytest.raises(LocalError, match=f"“{wrong}”") as caught:
        parse_code(typed)
    assert nearest in caught.value.hint


def test_a_word_like_no_other_has_another_hint() -> None:
    with pytest.raises(LocalError, match="qqqq") as caught:
        parse_code("4821-qqqq-river")
    assert "spell" in caught.value.hint


@given(st.text(max_size=60))
def test_no_text_does_more_than_be_refused(text: str) -> None:
    try:
        assert parse_code(str(parse_code(text))) == parse_code(text)
    except LocalError:
        pass


def test_fresh_codes_differ_and_do_not_show_their_words_in_logs() -> None:
    crypto = NativeCrypto()
    codes = {Code.fresh(crypto, "7") for _ in range(8)}
    assert len(codes) > 1
    assert repr(CODE) == "Code(nameplate='4821')"


def test_a_link_does_not_look_like_a_code() -> None:
    assert not looks_like_code("https://huddle.example.org/j#AQAB")
    assert not looks_like_code("1https://huddle.example.org/j#AQAB")
    assert not looks_like_code("apple")


@pytest.mark.parametrize(
    ("nameplate", "words"),
    [("0", ("apple", "river")), ("x", ("apple", "river")), ("4821", ("apple",)), ("4821", ("apple", "rivr"))],
)
def test_no_code_can_be_made_that_nobody_could_type(nameplate: str, words: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match="a code"):
        Code(nameplate, words)
