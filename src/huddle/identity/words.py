"""Words that people compare by voice: a list of 2,048, so that each word says 11 bits.

The list, `words.txt`, is the English one of BIP-39 (Bitcoin Improvement Proposal 39, MIT licence),
chosen so that four letters tell any two words apart; its order is part of the protocol.

    word i of a digest = list[bits 11i to 11i+10 of the digest, the first bit being the highest]
"""

from functools import cache
from importlib.resources import files

COUNT = 2048
_BITS = 11


@cache
def word_list() -> tuple[str, ...]:
    """The 2,048 words in their order, which is alphabetical."""
    return tuple((files("huddle.identity") / "words.txt").read_text("ascii").split())


def words_from(digest: bytes) -> tuple[str, str, str, str]:
    """Four words for the first 44 bits of a digest (of at least 6 bytes)."""
    first, second, third, fourth = some_words(digest, 4)
    return first, second, third, fourth


def some_words(digest: bytes, count: int) -> tuple[str, ...]:
    """`count` words for the first 11 · count bits of `digest`."""
    surplus = 8 * len(digest) - _BITS * count
    if surplus < 0:
        raise ValueError(f"{len(digest)} bytes are too few for {count} words")
    number = int.from_bytes(digest, "big") >> surplus
    shifts = range(_BITS * (count - 1), -1, -_BITS)
    return tuple(word_list()[number >> shift & COUNT - 1] for shift in shifts)
