"""A program's sources, so that what a person reads is what Python compiles.

    source = a file that Python would import or run, or a notebook: .py, .pyw, .pyi, .ipynb
             UTF-8, perhaps with a byte-order mark; no zero byte; no cookie (PEP 263) of another encoding

Python decodes a source by the cookie in its first two lines, and runs a compiled file in place of its source.
Either would hide code from the reader, so both are refused, by the host and by every guest. It must not know
screens: how a text is shown is for the shell.
"""

import re
from collections.abc import Iterator, Mapping

PYTHON = (".py", ".pyw", ".pyi")
SUFFIXES = (*PYTHON, ".ipynb")
_COMPILED = (".pyc", ".pyo", ".pyd", ".so", ".dll", ".dylib")

_ENDS = re.compile(r"\r\n|\r|\n")  # of lines, as Python knows them: no others, not U+2028, not a form feed
_COOKIE = re.compile(r"[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)", re.ASCII)
_UTF8 = re.compile(r"utf-?8(-.*)?|(us-)?ascii")


class SourceError(ValueError):
    """A file that nobody could read before it runs; the text names it and says why."""


def check_name(path: str) -> None:
    """Raise SourceError where the path is that of compiled code."""
    if path.casefold().endswith(_COMPILED) or "__pycache__" in path.casefold().split("/"):
        raise SourceError(f"{path} is compiled code, which nobody can read; send its source")


def check_sources(contents: Mapping[str, bytes]) -> None:
    """Raise SourceError unless all sources among these files are what a reader of UTF-8 sees."""
    for path, data in contents.items():
        if is_source(path):
            check_source(path, data)


def is_source(path: str) -> bool:
    """Whether Python, or who opens a notebook, would run what is in it."""
    return path.casefold().endswith(SUFFIXES)


def check_source(path: str, data: bytes) -> str:
    """The text of this source; raises SourceError where Python might read another one."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise SourceError(f"{path} is not in UTF-8 (at byte {exc.start}); save it as UTF-8") from exc
    if "\0" in text:
        raise SourceError(f"{path} holds a zero byte, behind which code could hide")
    if path.casefold().endswith(PYTHON):
        for line in _ENDS.split(text, maxsplit=2)[:2]:
            cookie = _COOKIE.match(line)
            if cookie and not _UTF8.fullmatch(cookie[1].lower().replace("_", "-")):
                raise SourceError(f"{path} asks for the encoding {cookie[1]}; save it as UTF-8")
    return text


def lines(text: str) -> Iterator[str]:
    """The lines of a source as Python counts them, from 1, without their ends."""
    at = 0
    for end in _ENDS.finditer(text):
        yield text[at : end.start()]
        at = end.end()
    if at < len(text):
        yield text[at:]
