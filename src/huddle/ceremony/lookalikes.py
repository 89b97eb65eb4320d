"""Names in a program's sources that a reader takes for one another: `total`, and one with a Cyrillic o.

A pair counts where one of the two has a letter that is not ASCII; the other may be in another file, or one of
Python's own (`print`). What is compared is how Python reads a name, which is its form NFKC, and how it looks
(UTS 39). Sources are cut into words and never parsed: a stranger made them, and deep nesting must not matter.
"""

import builtins
import io
import keyword
import re
import tokenize
import unicodedata
from collections.abc import Iterator, Mapping

from huddle.ceremony.sources import PYTHON
from huddle.identity.confusables import skeleton
from huddle.identity.names import strange

MOST = 3  # pairs that are named; one is enough to look closely
LONGEST = 1 << 19  # bytes of a source with other letters than ASCII's that is cut up: half a second
_WORD = re.compile(r"[A-Za-z_]\w*", re.ASCII)


def lookalikes(contents: Mapping[str, bytes]) -> list[str]:
    """What to say of such names among these files, a sentence each; nothing where there are none."""
    sources = {path: data for path, data in contents.items() if path.endswith(PYTHON)}
    others = {path: data for path, data in sources.items() if not data.isascii()}
    if not others:
        return []
    seen = dict[str, str]()  # how names look, and the first that looks so
    for name in (*dir(builtins), *keyword.kwlist):
        seen[skeleton(name)] = name
    for data in sources.values():
        if data.isascii():
            seen.update((skeleton(name), name) for name in set(_WORD.findall(data.decode("ascii"))))
    told = list[str]()
    named = set[str]()
    for path, data in others.items():
        if len(data) > LONGEST:
            told.append(f"{path} is too long to be searched for names that look alike.")
            continue
        words = list(_names(data))
        # Those in ASCII first: they are what the others imitate, wherever they stand.
        for name, line in sorted(words, key=lambda word: not word[0].isascii()):
            like = seen.setdefault(skeleton(name), name)
            if like != name and not name.isascii() and name not in named:
                named.add(name)
                told.append(
                    f"In line {line} of {path} the name {name} looks like {like}, and is another:"
                    f" it has {', '.join(strange(name, like)[:2])}."
                )
    return (
        told if len(told) <= MOST else [*told[:MOST], f"There are {len(told) - MOST} more names like that."]
    )


def _names(data: bytes) -> Iterator[tuple[str, int]]:
    """The names in a source as Python reads them, with their lines, as far as it can be cut into words."""
    lines = io.StringIO(data.decode("utf-8-sig", "replace"))
    try:
        for token in tokenize.generate_tokens(lines.readline):
            if token.type == tokenize.NAME:
                yield unicodedata.normalize("NFKC", token.string), token.start[0]
    except (tokenize.TokenError, SyntaxError, UnicodeDecodeError):
        return  # Python will say so too
