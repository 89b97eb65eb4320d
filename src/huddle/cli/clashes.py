"""Options that both Huddle and a program have: which of them does the program's source name?

Found by reading the source, never by running it: texts that are an option and nothing else, such as the
"--port" of `add_argument` or `"--port" in sys.argv`. A program that makes its options otherwise is not seen.
"""

import ast
import re
from collections.abc import Iterable, Mapping

from huddle.ceremony.sources import PYTHON

_OPTION = re.compile(r"--?[A-Za-z][\w-]*")
_BETWEEN = re.compile(
    r"[/,\s=]+"
)  # "--port/--no-port", "-p, --port", "--port=", as argument parsers take them
_LONGEST = 200  # characters of a text that names options


def named_options(contents: Mapping[str, bytes]) -> frozenset[str]:
    """The options that the sources among these files name."""
    return frozenset(
        option for path, data in contents.items() if path.endswith(PYTHON) for option in _named(data)
    )


def _named(data: bytes) -> Iterable[str]:
    try:
        tree = ast.parse(data)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return  # the program itself will say so
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) <= _LONGEST:
            parts = _BETWEEN.split(node.value.strip().removesuffix("="))
            if all(map(_OPTION.fullmatch, parts)):
                yield from parts


def warning(program: str, taken: Iterable[str], contents: Mapping[str, bytes]) -> str:
    """What to say where Huddle has `taken` these options behind `program`; empty where nothing clashes."""
    named = named_options(contents)
    both = [option for option in dict.fromkeys(taken) if option in named]
    if not both:
        return ""
    names = " and ".join((", ".join(both[:-1]), both[-1])) if both[:-1] else both[0]
    which = "options" if both[:-1] else "option"
    them = "them" if both[:-1] else "it"
    return (
        f"{program} has the {which} {names} too, and Huddle has taken {them} for itself. "
        f"To give {them} to the program, write {them} behind a --, at the end of the line."
    )
