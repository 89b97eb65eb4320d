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
    """What a person reads in a name: two names with the same fold are one name to the eye or ear."""
    plain = unicodedata.normalize("NFKC", name.translate(_JOINERS)).casefold()
    return "".join(unicodedata.normalize("NFKC", plain).split())
