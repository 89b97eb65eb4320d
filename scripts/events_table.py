#!/usr/bin/env python3
"""Writes the reference part of docs/events.md from the classes in huddle/events.py.

    .venv/bin/python scripts/events_table.py

What stands between the two marks is replaced; the rest of the file is written by hand.
"""

import inspect
import types
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

from huddle import events

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "events.md"
BEGIN, END = "<!-- reference: begin -->\n", "<!-- reference: end -->\n"

_NAMES = {str: "string", bool: "boolean", int: "integer", float: "number", types.NoneType: "null"}


def kinds() -> list[type[events.Event]]:
    """All events, in the order of the module."""
    found = [value for value in vars(events).values() if inspect.isclass(value)]
    return [each for each in found if issubclass(each, events.Event) and each is not events.Event]


def json_type(hint: Any) -> str:
    """What a field is in JSON."""
    if get_origin(hint) in (Union, types.UnionType):
        return " or ".join(json_type(part) for part in get_args(hint))
    if get_origin(hint) is tuple:
        return f"list of {json_type(get_args(hint)[0])}s"
    return "object" if get_origin(hint) is dict else _NAMES[hint]


def default(field: Field[Any]) -> str:
    """What a field is where nothing else is known."""
    value = field.default_factory() if field.default_factory is not MISSING else field.default
    if value is MISSING:
        return "always given"
    return {"()": "empty", "''": "empty", "None": "null"}.get(repr(value), repr(value))


def reference() -> str:
    """The part between the marks."""
    parts = []
    for kind in kinds():
        hints = get_type_hints(kind)
        parts += [f"### `{kind.event}`", "", inspect.cleandoc(kind.__doc__ or ""), ""]
        parts += ["| field | type | default |", "| --- | --- | --- |"]
        parts += [
            f"| `{each.name}` | {json_type(hints[each.name])} | {default(each)} |" for each in fields(kind)
        ]
        parts.append("")
    return "\n".join(parts)


def renewed(text: str) -> str:
    """The document's text with its reference as the classes have it now."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{reference()}\n{END}{after}"


if __name__ == "__main__":
    DOCUMENT.write_text(renewed(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
