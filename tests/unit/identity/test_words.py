"""The words that people compare."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huddle.identity.words import COUNT, some_words, word_list, words_from


def test_the_list_is_bip_39s() -> None:
    text = "".join(word + "\n" for word in word_list())
    assert (
        hashlib.sha256(text.encode()).hexdigest()
        == "2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda"
    )


def test_four_letters_tell_any_two_words_apart() -> None:
    assert len({word[:4] for word in word_list()}) == COUNT == len(word_list())
    assert list(word_list()) == sorted(word_list())


@given(st.binary(min_size=6, max_size=40))
def test_four_words_say_the_first_44_bits_and_nothing_else(digest: bytes) -> None:
    bits = "".join(f"{word_list().index(word):011b}" for word in words_from(digest))
    assert bits == "".join(f"{byte:08b}" for byte in digest)[:44]


def test_the_first_and_the_last_word_stand_at_the_ends() -> None:
    assert words_from(bytes(32)) == ("abandon",) * 4
    assert words_from(b"\xff" * 32) == ("zoo",) * 4
    assert words_from(bytes([0, 0x20, 4, 0, 0x80, 0x10])) == ("ability",) * 4


def test_too_few_bits_are_refused() -> None:
    with pytest.raises(ValueError, match="too few"):
        words_from(bytes(5))
    with pytest.raises(ValueError, match="too few"):
        some_words(bytes(2), 2)
