"""Text for a terminal: what strangers wrote is made harmless, sizes and times are made readable."""

import unicodedata

_KEEP = {"\n", "\t"}


def clean(text: str) -> str:
    """The text with every control, format and private character shown as an escape.

    A stranger's program or name could otherwise move the cursor, hide lines, or (with the bidirectional
    marks of CVE-2021-42574) show other code than the one that runs.
    """
    return "".join(
        char
        if char in _KEEP or unicodedata.category(char)[0] != "C"
        else char.encode("unicode_escape").decode()
        for char in text
    )


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


def short_did(did: str) -> str:
    """A did that fits a line: its beginning and its last eight characters."""
    return did if len(did) <= 24 else f"{did[:12]}…{did[-8:]}"


def listing(names: list[str]) -> str:
    """Names for a sentence: "Ada", "Ada and Bob", "Ada, Bob and Cy"."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"
