"""Which packages a program names in its import statements, so that they can be fetched before it runs.

Only what all have signed is looked at, the program's own files, and only before it runs: what a program asked
for while it runs could tell the server of the packages something about its person's inputs.
"""

import ast
import sys
from collections.abc import Iterator, Mapping

MOST = 100  # names of one program
_LONGEST = 1 << 20  # bytes of one file
_THERE = frozenset(sys.stdlib_module_names) | {"mpyc", "huddle", "js", "pyodide"}


def imported(files: Mapping[str, bytes]) -> list[str]:
    """The top-level modules, sorted, that these files import and that are neither theirs nor Python's own.

    `mpyc.numpy` counts as numpy, which MPyC looks for there.
    """
    own = {path.split("/")[0].removesuffix(".py") for path in files}
    found = {
        "numpy" if name.startswith("mpyc.numpy") else name.partition(".")[0]
        for path, data in files.items()
        if path.endswith(".py") and len(data) <= _LONGEST
        for name in _named(data)
    }
    return sorted(found - own - _THERE)[:MOST]


def syntax_problem(files: Mapping[str, bytes]) -> str:
    """Why Python can't read one of these files as a program, with its line; empty where it can."""
    for path, data in sorted(files.items()):
        if path.endswith(".py") and len(data) <= _LONGEST:
            try:
                ast.parse(data)
            except SyntaxError as error:
                return f"{path}, line {error.lineno or 1}: {error.msg}"
            except (ValueError, RecursionError, MemoryError) as error:
                return f"{path}: {error}"
    return ""


def _named(data: bytes) -> Iterator[str]:
    try:
        tree = ast.parse(data)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return  # the program itself will say so
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
