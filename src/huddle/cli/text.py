"""Text for a terminal: what strangers wrote is made harmless, sizes and times are made readable."""

import unicodedata

from huddle.identity.names import joiners
from huddle.texts import t

_KEEP = {"\n", "\t"}
# Letters, marks and signs that nobody can see, so that names differ by them and look the same.
_INVISIBLE = set("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0") | {
    chr(code) for span in (range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0)) for code in span
}


def clean(text: str) -> str:
    """The text with every control, format, private or invisible character shown as an escape.

    A stranger's program or name could otherwise move the cursor, hide lines, or (with the bidirectional
    marks of CVE-2021-42574) show other code than the one that runs.
    """
    return "".join(char if char in _KEEP or _is_plain(char) else _escaped(char) for char in text)


def clean_line(text: str) -> str:
    """The same for what must stay within its line, so that nobody writes lines in Huddle's name.

    The joiners that a name's script or picture needs stay as they are.
    """
    needed = joiners(text)
    return "".join(
        char if at in needed or _is_plain(char) else _escaped(char) for at, char in enumerate(text)
    )


def _is_plain(char: str) -> bool:
    category = unicodedata.category(char)
    return category[0] != "C" and category not in ("Zl", "Zp") and char not in _INVISIBLE


def _escaped(char: str) -> str:
    return char.encode("unicode_escape").decode()


def size(count: float) -> str:
    """A number of bytes for people: 512 B, 3.4 KiB, 12 MiB."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024 or unit == "GiB":
            return f"{count:.0f} {unit}" if unit == "B" or count >= 100 else f"{count:.1f} {unit}"
        count /= 1024
    raise AssertionError("unreachable")


def duration(seconds: float) -> str:
    """A time for people: 0.42 s, 12 s, 3 min 5 s."""
    if seconds < 10:
        return f"{seconds:.2f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{int(seconds // 60)} min {int(seconds % 60)} s"


def sentence(text: str) -> str:
    """The text as a sentence: with a capital and a full stop, whoever wrote it as a phrase."""
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if not text or text[-1] in ".!?…”)" else ".")


def short_did(did: str) -> str:
    """A did that fits a line: its beginning and its last eight characters."""
    return did if len(did) <= 24 else f"{did[:12]}…{did[-8:]}"


def listing(names: list[str]) -> str:
    """Names for a sentence: "Ada", "Ada and Bob", "Ada, Bob and Cy"."""
    if len(names) < 2:
        return "".join(names)
    return t("{names} and {last}", names=", ".join(names[:-1]), last=names[-1])
