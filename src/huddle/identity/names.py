"""The names that parties give themselves: which ones may be shown, and which two a person would take for one.

A name is a claim; only the did behind it is checked. It knows nothing of contacts or sessions. The page has
the same rule (web/src/ui/lib/names.ts); tests/vectors/names.json holds both to it.

    name = 1 to 64 characters in Unicode's form NFC, all printable, so that no control character, line break
           or change of direction reaches a screen; no space at the ends. A joiner (U+200C, U+200D) stands
           only where writing needs it: between two letters of a script that joins them, or between two
           pictures, as in 👩‍💻
"""

import re
import unicodedata
from collections.abc import Iterable

from huddle.identity.confusables import skeleton

NAME_LENGTH = 64  # characters: a name stands on one line beside a did
NAME_BYTES = 4 * NAME_LENGTH

# Arabic to Sinhala: the scripts in which a joiner changes how the letters around it are written.
_JOINING = "\u0620-\u0dff"
# A picture may have a colour of skin, and a sign that it is not to be shown as text.
_PICTURE = "[\u2190-\u2bff\U0001f000-\U0001faff]"
_AFTER_PICTURE = "[\ufe0f\U0001f3fb-\U0001f3ff]"
_NEEDED = re.compile(
    f"(?<=[{_JOINING}])[\u200c\u200d](?=[{_JOINING}])"
    f"|(?<={_PICTURE})\u200d(?={_PICTURE})"
    f"|(?<={_PICTURE}{_AFTER_PICTURE})\u200d(?={_PICTURE})"
)
_AS_PICTURE = re.compile(f"(?<={_PICTURE})\ufe0f")
_JOINERS = str.maketrans("", "", "\u200c\u200d\ufe0f")


def is_name(text: str) -> bool:
    """Whether a party may call itself so."""
    return (
        0 < len(text) <= NAME_LENGTH
        and _NEEDED.sub("", text).isprintable()
        and text == text.strip()
        and unicodedata.is_normalized("NFC", text)
    )


def joiners(text: str) -> set[int]:
    """Where in a text invisible characters stand that its writing needs, and that hide nothing."""
    return {found.start() for pattern in (_NEEDED, _AS_PICTURE) for found in pattern.finditer(text)}


def folded(name: str) -> str:
    """What a person hears in a name: two names with the same fold are one name, typed in two ways."""
    plain = unicodedata.normalize("NFKC", name.translate(_JOINERS)).casefold()
    return "".join(unicodedata.normalize("NFKC", plain).split())


def looks(name: str) -> tuple[str, str]:
    """How a name looks as it is written, and how in small letters: names that share one of them look alike.

    Both, since capitals and small letters resemble others each: I is l, and 0 is O, which is o.
    """
    written = skeleton(unicodedata.normalize("NFKC", name.translate(_JOINERS)))
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
