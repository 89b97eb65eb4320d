"""The names that parties give themselves: which ones may be shown, and which two a person would take for one.

A name is a claim; only the did behind it is checked. It knows nothing of contacts or sessions.

    name = 1 to 64 bytes of UTF-8 in Unicode's form NFC, all printable, so that no control character,
           line break or change of direction reaches a screen; no space at the ends
"""

import unicodedata

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
    """What a person reads in a name: two names with the same fold are one name to the eye or ear."""
    plain = unicodedata.normalize("NFKC", name).casefold()
    return "".join(unicodedata.normalize("NFKC", plain).split())
