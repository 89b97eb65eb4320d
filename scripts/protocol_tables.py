#!/usr/bin/env python3
"""Writes the tables of docs/protocol.md and all of docs/states.md from the code that obeys them.

    .venv/bin/python scripts/protocol_tables.py

What stands between a pair of marks is replaced; the rest of protocol.md is written by hand.
"""

import inspect
import re
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import ModuleType, NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from huddle import codec
from huddle.ceremony import admissions, files, log, manifest, messages, notices, silence
from huddle.ceremony import guest as ceremony_guest
from huddle.ceremony import host as ceremony_host
from huddle.ceremony.states import MEANING, RULES, TIMELESS, TRANSITIONS, CeremonyState
from huddle.record import signed as record

DOCS = Path(__file__).resolve().parents[1] / "docs"
PROTOCOL, STATES = DOCS / "protocol.md", DOCS / "states.md"

_CONSTANT = re.compile(r"^([A-Z][A-Z_]+)(?:: \w+)? = (.+?)  # (.+)$", re.MULTILINE)
_MODULES: tuple[ModuleType, ...] = (
    messages,
    log,
    files,
    manifest,
    record,
    silence,
    notices,
    ceremony_guest,
    ceremony_host,
    admissions,
)


def wire_type(hint: Any) -> str:
    """How a field is written, in the words of the document's conventions."""
    if get_origin(hint) is Annotated:
        base, rule = get_args(hint)[:2]
        if isinstance(rule, codec.Width):
            return f"U{8 * rule.size}"
        if isinstance(rule, codec.Fixed):
            return f"{rule.size} bytes"
        if get_origin(base) is tuple:
            return f"list of at most {rule.most:,}: {wire_type(get_args(base)[0])}"
        return f"{'text' if base is str else 'bytes'}, at most {rule.most:,}"
    if get_origin(hint) in (Union, UnionType):
        return "optional " + wire_type(next(part for part in get_args(hint) if part is not NoneType))
    if is_dataclass(hint):
        return f"`{getattr(hint, '__name__', '')}`"
    return "flag"


def struct(cls: type[Any]) -> list[str]:
    """One table for one dataclass."""
    hints = get_type_hints(cls, include_extras=True)
    rows = [f"| `{field.name}` | {wire_type(hints[field.name])} |" for field in fields(cls)]
    return [inspect.cleandoc(cls.__doc__ or ""), "", "| field | bytes |", "| --- | --- |", *rows, ""]


def message_tables() -> str:
    """All messages of a room, and the structures in them."""
    parts = []
    for number, cls in messages.KINDS.items():
        parts += [f"#### {number} {cls.label}", "", *struct(cls)]
    for part in (messages.Software, messages.Options, messages.ForPeer, messages.Offers, messages.Offer):
        parts += [f"#### `{part.__name__}`", "", *struct(part)]
    return "\n".join(parts)


def structure_tables() -> str:
    """The manifest and the session record."""
    parts = []
    for cls in (
        manifest.Manifest,
        manifest.File,
        manifest.Flags,
        record.SignedRecord,
        record.SessionRecord,
        record.RunRecord,
        record.PathRecord,
    ):
        parts += [f"#### `{cls.__name__}`", "", *struct(cls)]
    return "\n".join(parts)


def limit_table() -> str:
    """Every limit and its reason, from the comments beside them."""
    rows = ["| limit | value | why |", "| --- | --- | --- |"]
    for module in _MODULES:
        for name, _, why in _CONSTANT.findall(inspect.getsource(module)):
            value = getattr(module, name)
            rows.append(f"| `{name}` | {value:,} | {why} |")
    return "\n".join(rows) + "\n"


def states() -> str:
    """The whole of docs/states.md."""
    parts = [
        "# States of the ceremony",
        "",
        "Made by `scripts/protocol_tables.py` from `huddle/ceremony/states.py`; do not edit.",
        "",
        "| state | meaning |",
        "| --- | --- |",
        *(f"| {state} | {MEANING[state]} |" for state in CeremonyState),
        "",
        "```mermaid",
        "stateDiagram-v2",
        "    [*] --> gathering",
        *(f"    {old} --> {new}: {why}" for (old, new), why in TRANSITIONS.items()),
        "    ended --> [*]",
        "```",
        "",
        "## What is done with a message",
        "",
        "In each cell: from the host, from another member, from a stranger; one word for all alike.",
        "*take*: it is acted on; *ignore*: it may be on its way for good reasons; *notice*: it is ignored",
        "and told; *fault*: it ends the sender's part, by name.",
        "",
        f"Of any epoch: {', '.join(sorted(cls.label for cls in TIMELESS))}. Else an earlier epoch's message",
        "is ignored, and a later one's is a fault of members and a notice of strangers.",
        "",
        "| message | " + " | ".join(RULES) + " |",
        "| --- |" + " --- |" * len(RULES),
    ]
    for cls in messages.KINDS.values():
        cells = [" ".join(_short(rules[cls])) for rules in RULES.values()]
        parts.append(f"| {cls.label} | " + " | ".join(cells) + " |")
    return "\n".join(parts) + "\n"


def _short(verdicts: tuple[str, ...]) -> list[str]:
    return [str(verdicts[0])] if len(set(verdicts)) == 1 else [str(one) for one in verdicts]


def renewed(text: str) -> str:
    """The text of protocol.md with its tables as the code has them now."""
    for name, table in (
        ("messages", message_tables()),
        ("structures", structure_tables()),
        ("limits", limit_table()),
    ):
        begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->\n"
        before, _, rest = text.partition(begin)
        _, _, after = rest.partition(end)
        text = f"{before}{begin}\n{table}\n{end}{after}"
    return text


if __name__ == "__main__":
    PROTOCOL.write_text(renewed(PROTOCOL.read_text(encoding="utf-8")), encoding="utf-8")
    STATES.write_text(states(), encoding="utf-8")
