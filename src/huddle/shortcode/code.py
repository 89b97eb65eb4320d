"""The short code as people say and type it: `4821-apple-river`.

    code = nameplate "-" word "-" word

The nameplate, 1 to 9 digits without a zero in front, is the number by which the rendezvous finds the
room where the code is tried; everybody may know it. The two words, of the list in `huddle.identity.words`,
are the secret: 22 bits, which are enough because a guess costs one of three tries. A code has a number in
front and two words, so that nobody takes it for the four words that are compared.
"""

import re
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Self

from huddle.errors import LocalError
from huddle.identity.crypto import Crypto
from huddle.identity.words import some_words, word_list

NAMEPLATE = re.compile("[1-9][0-9]{0,8}")
_SHAPE = "A code is a number and two words, like 4821-apple-river."


@dataclass(frozen=True, slots=True)
class Code:
    """A nameplate, which is public, and two words, which are not."""

    nameplate: str
    words: tuple[str, str] = field(repr=False)

    def __post_init__(self) -> None:
        if not NAMEPLATE.fullmatch(self.nameplate) or len(self.words) != 2:
            raise ValueError("a code has a number and two words")
        if any(word not in word_list() for word in self.words):
            raise ValueError("a code's words are of the list")

    @classmethod
    def fresh(cls, crypto: Crypto, nameplate: str) -> Self:
        """A code with new words for a nameplate that the rendezvous gave."""
        first, second = some_words(crypto.random(3), 2)
        return cls(nameplate, (first, second))

    def __str__(self) -> str:
        return "-".join((self.nameplate, *self.words))


def looks_like_code(text: str) -> bool:
    """Whether a person who typed this meant a code, and not a link."""
    return "://" not in text and re.match(r"\s*[0-9]", text) is not None


def parse_code(text: str) -> Code:
    """The code that a person typed, whatever the case and whatever stands between the parts.

    LocalError says what is wrong, and for a word that is not of the list, which one is nearest.
    """
    parts = re.findall(r"[^\W_]+", text.casefold())
    number = "".join(part for part in parts if part.isdigit())
    words = [part for part in parts if not part.isdigit()]
    numbers_first = all(part.isdigit() for part in parts[: len(parts) - len(words)])
    if len(text) > 200 or not numbers_first or len(words) != 2 or not NAMEPLATE.fullmatch(number):
        raise LocalError("that is not a short code", hint=_SHAPE)
    for word in words:
        if word not in word_list():
            raise LocalError(f"“{word}” is not a word of any code", hint=_suggestion(word))
    return Code(number, (words[0], words[1]))


def _suggestion(word: str) -> str:
    nearest = get_close_matches(word, word_list(), n=3, cutoff=0.6)
    if not nearest:
        return "Ask the host to spell it."
    return f"Is it {' or '.join(nearest)}?"
