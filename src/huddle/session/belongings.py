"""Which files of a directory belong to a program: what it names itself, and what a person names by globs.

A program names the modules that it imports (also relatively, from packages without `__init__.py`, and through
other modules of its own) and, as literal paths, files and empty folders. That is a guess for a person to look
at: nothing here decides that anything travels. Knows no disk: the directory comes as a listing and a function
that reads.

Paths are relative to the root of what may travel, with `/`; a folder that is empty ends with `/`.
"""

import ast
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from huddle.errors import LocalError

_LONGEST = 1 << 22  # bytes of a source that is looked into


@dataclass(frozen=True, slots=True)
class Belongings:
    """What a program names beside itself: `modules`, and data by literal paths. No path is in both."""

    modules: tuple[str, ...] = ()
    data: tuple[str, ...] = ()

    @property
    def all(self) -> tuple[str, ...]:
        """Both, modules first."""
        return (*self.modules, *self.data)


def belongings(
    entry: str, listing: Iterable[str], read: Callable[[str], bytes], workdir: str = ""
) -> Belongings:
    """What the program `entry` of this listing names, when it starts in `workdir`."""
    there = frozenset(listing)
    modules: set[str] = set()
    data: set[str] = set()
    todo = [entry]
    seen = {entry}
    while todo:
        path = todo.pop()
        source = read(path)
        if len(source) > _LONGEST:
            continue
        try:
            tree = ast.parse(source)
        except (SyntaxError, ValueError, RecursionError):
            continue
        here = _folder(path)
        bases = dict.fromkeys((_folder(entry), ""))  # where Python looks, and where programs make it look
        for found in _imported(tree, here, bases, there):
            modules.add(found)
            if found not in seen:
                seen.add(found)
                todo.append(found)
        for text in _literals(tree):
            for base in dict.fromkeys((workdir, here)):
                named = _joined(base, text)
                data.update(named + end for end in ("", "/") if named and named + end in there)
    modules.discard(entry)
    return Belongings(tuple(sorted(modules)), tuple(sorted(data - modules - {entry})))


def variables(sources: Iterable[bytes]) -> tuple[str, ...]:
    """The environment variables that these Python sources ask for by name."""
    found: set[str] = set()
    for source in sources:
        try:
            tree = ast.parse(source)
        except (SyntaxError, ValueError, RecursionError):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and node.args and _name(node.func) in _GETTERS:
                found.update(_texts([node.args[0]]))
            elif isinstance(node, ast.Subscript) and _name(node.value) in ("os.environ", "environ"):
                if isinstance(node.ctx, ast.Load):
                    found.update(_texts([node.slice]))
    return tuple(sorted(name for name in found if name.isprintable() and 0 < len(name) <= 100))


_GETTERS = ("os.getenv", "getenv", "os.environ.get", "environ.get")


def matching(globs: Iterable[str], listing: Iterable[str], option: str) -> set[str]:
    """What these globs match: `*` and `?` stay within a name, `**` goes down. Each must match something."""
    listing = tuple(listing)
    chosen: set[str] = set()
    for glob in globs:
        pattern = _pattern(glob.rstrip("/"))
        found = {path for path in listing if pattern.fullmatch(path.rstrip("/"))}
        if not found:
            raise LocalError(f"{option} {glob} matches no file there.")
        chosen |= found
    return chosen


def notebook_source(data: bytes, name: str) -> bytes:
    """The program that a notebook's code cells are, in their order (nbformat 4).

    Raises LocalError for what Python alone can't run.
    """
    hint = f"Save it as a program: jupyter nbconvert --to script {name}"
    try:
        cells = [cell for cell in json.loads(data)["cells"] if cell["cell_type"] == "code"]
        sources = [
            cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"]) for cell in cells
        ]
    except (ValueError, KeyError, TypeError) as error:
        raise LocalError(f"{name} is no notebook of nbformat 4.", hint=hint) from error
    for number, source in enumerate(sources, 1):
        line = next((line for line in source.splitlines() if line.lstrip().startswith(("%", "!"))), "")
        try:
            ast.parse(source)
        except SyntaxError as error:
            what = f"what only IPython knows: {line.strip()[:60]}" if line else f"an error: {error.msg}"
            raise LocalError(f"Code cell {number} of {name} has {what}", hint=hint) from error
        try:
            compile(source, name, "exec", dont_inherit=True)
        except SyntaxError as error:
            raise LocalError(f"Code cell {number} of {name}: {error.msg}.", hint=hint) from error
    return "\n\n\n".join(source.strip("\n") for source in sources if source.strip()).encode() + b"\n"


# --- inside


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def _joined(base: str, path: str) -> str:
    """The path from the root, or an empty text where it leads out of it."""
    parts = base.split("/") if base else []
    for part in path.split("/"):
        if part == "..":
            if not parts:
                return ""
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return "" if path.startswith("/") else "/".join(parts)


def _imported(tree: ast.AST, here: str, bases: Iterable[str], there: frozenset[str]) -> Iterator[str]:
    for node in ast.walk(tree):
        names: list[tuple[Iterable[str], str]] = []
        if isinstance(node, ast.Import):
            names = [(bases, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            within = bases
            if node.level:
                parts = here.split("/") if here else []
                if node.level - 1 > len(parts):
                    continue
                within = ("/".join(parts[: len(parts) - node.level + 1]),)
            stem = f"{node.module}." if node.module else ""
            names = [(within, stem + alias.name) for alias in node.names]
            if node.module:
                names.append((within, node.module))
        elif isinstance(node, ast.Call) and _name(node.func) in (
            "importlib.import_module",
            "import_module",
            "__import__",
        ):
            names = [(bases, text) for text in _texts(node.args[:1])]
        for within, name in names:
            for base in within:
                yield from _module(base, name.split("."), there)


def _module(base: str, parts: list[str], there: frozenset[str]) -> Iterator[str]:
    """The files that importing this module from there loads, its packages' own among them."""
    for depth in range(1, len(parts) + 1):
        path = "/".join((*([base] if base else []), *parts[:depth]))
        yield from (file for file in (f"{path}.py", f"{path}/__init__.py") if file in there)


def _literals(tree: ast.AST) -> Iterator[str]:
    """Texts that may be paths: constants, and the constant parts of joined ones."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and 0 < len(node.value) < 200:
            yield node.value
        elif isinstance(node, ast.Call) and _name(node.func).endswith(("path.join", "joinpath", "Path")):
            yield "/".join(_texts(node.args))
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            parts: list[str] = []
            one: ast.AST = node
            while isinstance(one, ast.BinOp) and isinstance(one.op, ast.Div):
                parts[:0] = _texts([one.right])
                one = one.left
            start = _texts(one.args) if isinstance(one, ast.Call) and _name(one.func).endswith("Path") else []
            yield "/".join((*start, *parts))


def _texts(nodes: Iterable[ast.AST]) -> list[str]:
    return [one.value for one in nodes if isinstance(one, ast.Constant) and isinstance(one.value, str)]


def _name(node: ast.AST) -> str:
    """The dotted name that an expression is, or an empty text."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join((node.id, *reversed(parts))) if isinstance(node, ast.Name) else ""


def _pattern(glob: str) -> re.Pattern[str]:
    tokens = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", glob)
    return re.compile("".join(tokens.get(part, re.escape(part)) for part in parts))
