"""A program's files for reading on a terminal: each line as Python counts it, and nothing hidden in it.

    program.py  1.2 KiB
    This file has 1 hidden character, shown as an escape, in line 12.
        1 from mpyc.runtime import mpc
          …and what does not fit the width, below its line

What is here is as long as a stranger made it: it comes in pieces, so that who prints it can let others have
their turn, and a hidden character never reaches the terminal.
"""

import hashlib
from collections.abc import Iterator, Mapping

from rich.cells import chop_cells

from huddle.ceremony.sources import SourceError, check_source, is_source, lines
from huddle.cli.text import clean_line, size

_ROWS = 500  # of one piece
_MARGIN = 6  # columns of the numbers
_NAMED = 5  # lines that are named for their hidden characters


def listed(contents: Mapping[str, bytes], width: int) -> Iterator[str]:
    """The files as plain text in pieces, each of whole lines."""
    for path, data in contents.items():
        yield f"\n{clean_line(path)}  {size(len(data))}  sha256 {hashlib.sha256(data).hexdigest()[:16]}…\n"
        text = _text(path, data)
        if text is None:
            yield "  (not text)\n"
            continue
        yield from _warning(text)
        rows: list[str] = []
        for number, line in enumerate(lines(text), 1):
            rows += _rows(number, line, max(20, width - _MARGIN))
            if len(rows) >= _ROWS:
                yield "".join(rows)
                rows.clear()
        yield "".join(rows)


def _text(path: str, data: bytes) -> str | None:
    try:
        return check_source(path, data) if is_source(path) else data.decode("utf-8-sig")
    except (SourceError, UnicodeDecodeError):
        return None


def _warning(text: str) -> Iterator[str]:
    """A line on the characters that nobody would see, where there are any."""
    if text.isprintable():
        return
    count, where = 0, []
    for number, line in enumerate(lines(text), 1):
        if not line.isprintable() or not line.isascii():
            found = sum(1 for char in line if char not in "\t\f" and clean_line(char) != char)
            count += found
            if found:
                where.append(number)
    if count:
        named = ", ".join(map(str, where[:_NAMED])) + (", …" if len(where) > _NAMED else "")
        characters = "1 hidden character" if count == 1 else f"{count} hidden characters"
        yield f"This file has {characters}, shown as escapes, in {_plural(where)} {named}.\n"


def _plural(where: list[int]) -> str:
    return "line" if len(where) == 1 else "lines"


def _rows(number: int, line: str, width: int) -> list[str]:
    shown = clean_line(line.expandtabs(4))
    if shown.isascii():
        parts = [shown[at : at + width] for at in range(0, len(shown), width)]
    else:
        parts = chop_cells(shown, width)
    first, *more = parts or [""]
    return [f"{number:>5} {first}\n", *(f"     …{part}\n" for part in more)]
