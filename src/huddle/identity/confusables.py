"""Which texts look alike: the skeletons of Unicode's UTS 39, section 4, from the table `confusables.txt`.

    skeleton(X) = NFD(each character of NFD(X) that can be seen, as the one that stands for all like it)

Two texts with the same skeleton can't be told apart by the eye, in some font at least. The table is made by
`scripts/confusables`, which says whose it is.
"""

import sys
import unicodedata
from functools import cache
from importlib.resources import files


def skeleton(text: str) -> str:
    """What the text looks like; not for showing."""
    table = _table(0x7F if text.isascii() else sys.maxunicode)
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", text).translate(table))


@cache
def _table(last_code: int) -> dict[int, str]:
    """What characters look like, at least of those up to this one: the whole table takes 15 ms."""
    table: dict[int, str] = {}
    for line in (files("huddle.identity") / "confusables.txt").read_text("ascii").splitlines()[1:]:
        source, *targets = line.split()
        first, _, last = source.partition("..")
        if targets and int(first, 16) > last_code:
            break  # from what can be seen on, the lines are in the order of their characters
        looks = "".join(chr(int(target, 16)) for target in targets)
        for code in range(int(first, 16), int(last or first, 16) + 1):
            table.setdefault(code, looks)  # the first lines are of what can't be seen at all
    return table
