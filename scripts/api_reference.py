#!/usr/bin/env python3
"""Writes docs/api.md: what `import huddle` offers, from its docstrings.

.venv/bin/python scripts/api_reference.py
"""

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from huddle import api, errors, notebook
from huddle.networks import base

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "api.md"
HEAD = """# Huddle from Python

Made from the docstrings by `scripts/api_reference.py`. A session's events are in [events.md](events.md), an
example is in the [README](../README.md#from-python).
"""
# Each module with what of it is for everybody, in this order.
PARTS: tuple[tuple[ModuleType, tuple[str, ...]], ...] = (
    (api, ("host", "join", "program", "Party", "Program", "Settings", "Identity", "Contacts")),
    (notebook, ("connect", "invite", "disconnect")),
    (errors, ("HuddleError", "LocalError", "ProgramError", "PeerError", "RendezvousError", "NetworkError")),
    (base, ("Network", "PeerOffer")),
)


def reference() -> str:
    """The whole document."""
    lines = [HEAD]
    for module, names in PARTS:
        lines += [f"## `{module.__name__}`", "", _text(module), ""]
        for name in names:
            lines += _entry(name, getattr(module, name))
    return "\n".join(lines).rstrip() + "\n"


def _entry(name: str, what: Any) -> Iterator[str]:
    yield from (f"### `{name}`", "")
    if not inspect.isclass(what):
        yield from ("```python", _definition(name, what), "```", "")
    yield from (_text(what), "")
    if inspect.isclass(what):
        for member, function in inspect.getmembers_static(what):
            shown = function.fget if isinstance(function, property) else function
            if member.startswith("_") or not inspect.isfunction(shown) or not shown.__doc__:
                continue
            title = member if isinstance(function, property) else f"{member}{_signature(shown)}"
            yield f"- `{title}`: {_text(shown).replace(chr(10), chr(10) + '  ')}"
        yield ""


def _definition(name: str, function: Any) -> str:
    """It as ruff would write it, one argument a line where they are many."""
    kind = "async def" if inspect.iscoroutinefunction(function) else "def"
    line = f"{kind} {name}{_signature(function)}: ..."
    if len(line) <= 110:
        return line
    whole = inspect.signature(function)
    arguments = [f"    {_plain(str(one))}," for one in whole.parameters.values()]
    result = _plain(inspect.formatannotation(whole.return_annotation))
    return "\n".join([f"{kind} {name}(", *arguments, f") -> {result}: ..."])


def _signature(function: Any) -> str:
    """Its arguments with their types; neither `self` nor the names of modules tell a reader anything."""
    whole = inspect.signature(function)
    kept = [one for one in whole.parameters.values() if one.name not in ("self", "cls")]
    return _plain(str(whole.replace(parameters=kept)))


def _plain(text: str) -> str:
    """Without the modules of types: they tell a reader nothing, and differ from one Python to the next."""
    return re.sub(r"\b[a-z_.]+\.(?=[A-Z])", "", text).replace("'", '"')


def _text(what: Any) -> str:
    """A docstring, with its indented examples as blocks."""
    lines, block = [], False
    for line in (inspect.getdoc(what) or "").splitlines():
        indented = line.startswith("    ")
        if indented and not block:
            lines += ["```"]
        elif block and not indented and line:
            while not lines[-1]:
                lines.pop()
            lines += ["```", ""]
        block = indented or (block and not line)
        lines.append(line[4:] if indented else line)
    return "\n".join([*lines, "```"] if block else lines)


if __name__ == "__main__":
    DOCUMENT.write_text(reference(), encoding="utf-8")
