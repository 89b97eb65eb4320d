"""The names that parties give themselves: which ones may be shown, and which two a person would take for one.

A name is a claim; only the did behind it is checked. It knows nothing of contacts or sessions.

    name = 1 to 64 bytes of UTF-8 in Unicode's form NFC, all printable, so that no control character,
           line break or change of direction reaches a screen; no space at the ends
"""

import unicodedata
from collections.abc import Iterable

from huddle.identity.confusables import skeleton

NAME_BYTES = 64  # a name stands on one line beside a did


def is_name(text: str) -> bool:
    """Whether a party may call itself so."""
    return (
        bool(text)
        and text.isprintable()
        and text == text.strip()
        and unicodedata.is_normalized("NFC", text)
        and len(text.encode()) <= NAME_BYTES
    )


def folded(name: str) -> str:
    """What a person hears in a name: two names with the same fold are one name, typed in two ways."""
    plain = unicodedata.normalize("NFKC", name).casefold()
    return "".join(unicodedata.normalize("NFKC", plain).split())


def looks(name: str) -> tuple[str, str]:
    """How a name looks as it is written, and how in small letters: names that share one of them look alike.

    Both, since capitals and small letters resemble others each: I is l, and 0 is O, which is o.
    """
    written = skeleton(unicodedata.normalize("NFKC", name))
    return _closed(written), _closed(skeleton(folded(name)).casefold())


def alike(one: str, other: str) -> bool:
    """Whether a person may take one of these names for the other."""
    return any(mine == theirs for mine, theirs in zip(looks(one), looks(other), strict=True))


def any_alike(names: Iterable[str]) -> bool:
    """Whether two of these names are alike."""
    found = [looks(name) for name in names]
    return any(len(set(column)) < len(found) for column in zip(*found, strict=True))


def strange(name: str, other: str) -> list[str]:
    """The characters of `name` that are not those of `other`, by their names in Unicode."""
    return [unicodedata.name(char, f"U+{ord(char):04X}") for char in dict.fromkeys(name) if char not in other]


def _closed(text: str) -> str:
    """Without spaces and blanks, which nobody counts."""
    return "".join(text.replace("\u2800", "").split())
