"""A program's files on a terminal: lines where Python has them, nothing hidden, and not all at once."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huddle.cli.terminal.listing import listed


def shown(data: bytes, path: str = "a.py", width: int = 100) -> str:
    _, _, body = "".join(listed({path: data}, width)).partition("\n")[2].partition("\n")
    return body


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", ""),
        (b"a = 1 # x\rimport os\n", "    1 a = 1 # x\n    2 import os\n"),
        (b"\xef\xbb\xbfx\r\ny", "    1 x\n    2 y\n"),
        ("# x \u2028import os\n".encode(), "    1 # x \\u2028import os\n"),
        (b"# x\x0cimport os\n", "    1 # x\\x0cimport os\n"),
        ("x = '\u202e'".encode(), "    1 x = '\\u202e'\n"),
        (b"if x:\n\ty = 1", "    1 if x:\n    2     y = 1\n"),
        (b"# coding: utf-7\n# +AAo-import os\n", "  (not text)\n"),
        (b"# coding: latin-1\nimport os # \xe9\n", "  (not text)\n"),
        (b"[bold]x[/] :cat:\x1b[2J", "    1 [bold]x[/] :cat:\\x1b[2J\n"),
    ],
)
def test_a_file_is_shown_as_python_reads_it(data: bytes, expected: str) -> None:
    body = shown(data)
    assert (body.partition("\n")[2] if body.startswith("This file has") else body) == expected


def test_hidden_characters_are_counted_and_their_lines_named() -> None:
    text = "a\n\u202eb\u202c\n\n" + "\u200b\n" * 9
    assert "11 hidden characters, shown as escapes, in lines 2, 4, 5, 6, 7, …." in shown(text.encode())
    assert "1 hidden character, shown as escapes, in line 1." in shown("\u2028".encode())
    assert "hidden" not in shown("na\u00efve\t\x0c \u6f22\n".encode())


def test_what_is_folded_can_not_be_taken_for_a_line_of_its_own() -> None:
    line = b"x = 1" + b" " * 25 + b"   12 import os"
    assert shown(line, width=36).splitlines()[1].startswith("     \N{HORIZONTAL ELLIPSIS}")
    wide = ("\u6f22" * 40).encode()
    assert len(shown(wide, width=26).splitlines()) == 4


@given(st.text(max_size=80), st.integers(1, 60))
def test_nothing_that_steers_a_terminal_gets_through(text: str, width: int) -> None:
    data = text.encode("utf-8", "surrogatepass")
    for path in ("a.py", "a.txt", f"{text[:10]}.md"):
        pieces = "".join(listed({path: data}, width))
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u200b]", pieces)


def test_a_long_file_comes_in_pieces() -> None:
    pieces = list(listed({"a.py": b"\n" * 5000, "b.bin": b"\xff"}, 80))
    assert max(piece.count("\n") for piece in pieces) <= 500
    assert sum(piece.count("\n") for piece in pieces) == 5000 + 5
