"""What a reader of UTF-8 sees of a source is what Python compiles, or the source is refused."""

import ast
import warnings

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from huddle.ceremony.manifest import ManifestError, build
from huddle.ceremony.sources import SourceError, check_name, check_source, check_sources, lines

HIDDEN = [
    b"# coding: utf-7\n# +AAo-import os\n",
    b"# -*- coding: latin-1 -*-\nx = '\xc3\xa9'\n",
    b"#!/usr/bin/env python\n# vim: set fileencoding=cp1252 :\n",
    b"\x0c# coding=utf-7\n",
    b" \t# coding:\tutf-7\n",
    b"#\r# coding: utf-7\r# +AAo-import os\n",
    b"\r# coding: utf-7\r# +AAo-import os\n",
    b"\r\n# coding: raw_unicode_escape\r\n# \\u000aimport os\n",
    b"# coding: unicode_escape\n",
    b"# coding: UTF-16\n",
    b"# CODING coding: Latin_1\n",
    b"# coding: rot13\n",
    b"# coding: utf8hidden\n",
    b"\xef\xbb\xbf# coding: latin-1\n",
    "x = 1\n".encode("utf-16"),
    "x = 1\n".encode("utf-16-le"),
    "x = 1\n".encode("utf-32"),
    b"x = '\xe9'\n",
    b"x = '\xed\xa0\x80'\n",
    b"x = '\xc0\x80'\n",
    b"x = 1 # \0 import os\n",
    b"\0",
]


@pytest.mark.parametrize("data", HIDDEN)
def test_what_could_hide_code_from_its_reader_is_refused(data: bytes) -> None:
    for path in ("prog.py", "lib/HELP.PY", "x.pyw"):
        with pytest.raises(SourceError, match=path):
            check_source(path, data)
    with pytest.raises(ManifestError):
        build("prog.py", {"prog.py": b"", "help.py": data})


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"x = 1",
        "naïve = 'é' # 漢字\n".encode(),
        b"\xef\xbb\xbfx = 1\n",
        b"# -*- coding: utf-8 -*-\n",
        b"# coding: UTF_8\n",
        b"#!/usr/bin/python\n# vim: fileencoding=utf8\n",
        b"# coding: utf-8-unix\n",
        b"# coding: ascii\n",
        b"x = 1\ny = 2\n# coding: latin-1\n",
        b"x = '# coding: latin-1'\n",
        b'"""A text on coding: theory and practice."""\n',
        b"# About coding theory\n",
    ],
)
def test_what_everybody_reads_alike_is_taken(data: bytes) -> None:
    assert check_source("prog.py", data).encode() == data.removeprefix(b"\xef\xbb\xbf")


PARTS = st.sampled_from(
    [
        *(
            b"# coding: ",
            b"# coding=",
            b"#",
            b"x = 1",
            b"'",
            b"'''",
            b"\\",
            b"-",
            b"import os",
            b"+AAo-import os",
        ),
        *(b"\r", b"\n", b"\r\n", b"\x0c", b"\t", b" ", b"\x0b", b"\0", b"\x1a"),
        *(b"\xef\xbb\xbf", b"\xc3\xa9", b"\xe9", b"\xe2\x80\xa8", b"\xc2\x85"),
        *(
            b"utf-7",
            b"latin-1",
            b"utf-8",
            b"utf8",
            b"cp1252",
            b"raw_unicode_escape",
            b"UTF_8",
            b"u8",
            b"ascii",
        ),
    ]
)


@settings(max_examples=500)
@given(st.lists(PARTS, max_size=10).map(b"".join))
@example(b"\r# coding: utf-7\r#+AAo-import os")
@example(b"\x0c\n# coding: utf-7\n#+AAo-import os")
def test_python_compiles_what_the_reader_sees(data: bytes) -> None:
    try:
        text = check_source("prog.py", data)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compiled = ast.parse(data)
    except (SourceError, SyntaxError, ValueError):
        return  # nothing runs
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert ast.dump(compiled) == ast.dump(ast.parse(text))
    shown = list(lines(text))
    for node in compiled.body:
        assert ast.get_source_segment(text, node) is not None
        assert node.lineno <= len(shown)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", []),
        ("a", ["a"]),
        ("a\n", ["a"]),
        ("a\rb\r\nc\n\nd", ["a", "b", "c", "", "d"]),
        ("a\x0cb\x0b\u2028\u0085c\n", ["a\x0cb\x0b\u2028\u0085c"]),
    ],
)
def test_lines_end_where_pythons_do(text: str, shown: list[str]) -> None:
    assert list(lines(text)) == shown


@pytest.mark.parametrize(
    "path",
    [
        "a.pyc",
        "lib/a.PYC",
        "__pycache__/a.cpython-313.pyc",
        "x/__PyCache__/a.txt",
        "a.so",
        "a.abi3.so",
        "a.pyd",
        "a.dll",
    ],
)
def test_compiled_code_is_refused_by_its_name(path: str) -> None:
    with pytest.raises(SourceError, match="compiled"):
        check_name(path)
    with pytest.raises(ManifestError, match="compiled"):
        build("prog.py", {"prog.py": b"", path: b""})


def test_data_may_be_anything_and_a_notebook_is_text() -> None:
    check_sources({"a.csv": b"\xff\0", "b.bin": b"# coding: utf-7", "pyc": b"", "c.ipynb": b"{}"})
    with pytest.raises(SourceError, match="UTF-8"):
        check_sources({"c.ipynb": "{}".encode("utf-16")})
