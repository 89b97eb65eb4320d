"""Which packages a program names in its import statements, so that they can be fetched before it runs.

Only what all have signed is looked at, the program's own files, and only before it runs: what a program asked
for while it runs could tell the server of the packages something about its person's inputs. Nobody has read
them yet, so they are looked at word by word and never parsed: a source that nests too deep ends Pyodide.
"""

import ast
import io
import re
import sys
import tokenize
from collections.abc import Iterator, Mapping

from huddle.ceremony.sources import SourceError, check_source

MOST = 100  # names of one program
_READ = 1 << 19  # bytes of sources that are looked at, the shortest first: seconds in a phone's browser
_STARTS = {
    tokenize.NEWLINE,
    tokenize.NL,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.COMMENT,
    tokenize.ENCODING,
}
_THERE = frozenset(sys.stdlib_module_names) | {"mpyc", "huddle", "js", "pyodide"}


def imported(files: Mapping[str, bytes]) -> list[str]:
    """The top-level modules, sorted, that these files import and that are neither theirs nor Python's own.

    `mpyc.numpy` counts as numpy, which MPyC looks for there.
    """
    own = {path.split("/")[0].removesuffix(".py") for path in files}
    found = {
        "numpy" if name.startswith("mpyc.numpy") else name.partition(".")[0]
        for path, data in _shortest(files)
        for name in _named(path, data)
    }
    return sorted(found - own - _THERE)[:MOST]


def syntax_problem(files: Mapping[str, bytes]) -> str:
    """Why Python can't read one of these files as a program, with its line; empty where it can.

    For a program of one's own. What nests deeper than people write is not looked at: it could end Pyodide.
    """
    for path, data in _shortest(files):
        try:
            if not _deep(data):
                ast.parse(data)
        except SyntaxError as error:
            return f"{path}, line {error.lineno or 1}: {error.msg}"
        except (ValueError, RecursionError, MemoryError) as error:
            return f"{path}: {error}"
    return ""


def _deep(data: bytes) -> bool:
    opened = max(
        (line.count(b"(") + line.count(b"[") + line.count(b"{") for line in data.split(b"\n")), default=0
    )
    return opened > 200 or re.search(rb"(?:[-+~]\s*|\bnot\s+){50}|\n\s{400}", data) is not None


def _shortest(files: Mapping[str, bytes]) -> Iterator[tuple[str, bytes]]:
    left = _READ
    for path, data in sorted(files.items(), key=lambda file: len(file[1])):
        if path.endswith(".py"):
            left -= len(data)
            if left < 0:
                return
            yield path, data


def _named(path: str, data: bytes) -> Iterator[str]:
    """The modules that import statements of this source name, with what is imported from them."""
    try:
        text = check_source(path, data)
        if "import" in text:
            yield from _statements(_words(text))
    except (SourceError, SyntaxError, tokenize.TokenError):
        return  # the program itself will say so


def _words(text: str) -> Iterator[str]:
    """The words and signs of a source; an empty one where a statement may begin."""
    for token in tokenize.generate_tokens(io.StringIO(text, newline=None).readline):
        if token.type in _STARTS:
            if token.type != tokenize.NL and token.type != tokenize.COMMENT:
                yield ""
        else:
            yield token.string if token.type in (tokenize.NAME, tokenize.OP) else "0"


def _statements(words: Iterator[str]) -> Iterator[str]:
    start = True
    for word in words:
        if start and word == "import":
            yield from _listed(words)
            start = True
        elif start and word == "from":
            module, words_after = _dotted(words)
            if module and words_after == "import":
                yield module
                yield from (f"{module}.{name}" for name in _listed(words))
            start = True
        else:
            start = word in ("", ";", ":")


def _dotted(words: Iterator[str]) -> tuple[str, str]:
    """A dotted name, empty where it is relative, and the word behind it."""
    name = ""
    for word in words:
        if not (word == "." or word == "..." or (word.isidentifier() and word not in ("import", "as"))):
            return ("" if name.startswith(".") else name), word
        name += word
    return "", ""


def _listed(words: Iterator[str]) -> Iterator[str]:
    """The names of `a.b as c, d` up to the end of the statement."""
    while True:
        name, word = _dotted(words)
        if name:
            yield name
        while word not in (",", "(", "", ";"):
            word = next(words, "")
        if word in ("", ";"):
            return
