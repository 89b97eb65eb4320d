#!/usr/bin/env python3
"""Writes the table of networks in docs/networks.md from the registry.

    .venv/bin/python scripts/networks_table.py

What stands between the marks is replaced; the rest is written by hand.
"""

from pathlib import Path

from huddle.networks import registry

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "networks.md"
BEGIN, END = "<!-- networks -->\n", "<!-- end of networks -->\n"


def table() -> str:
    """A row for each network that comes with Huddle, in the order of `auto`."""
    rows = [
        "| network | needs | encrypted and bound to the identities by | who sees what |",
        "| --- | --- | --- | --- |",
    ]
    rows += [
        f"| `{kind.name}` | {kind.needs} | {kind.secured_by} | {kind.seen_by} |" for kind in registry.OWN
    ]
    return "\n".join(rows) + "\n"


def renewed(text: str) -> str:
    """The document with the table as the code has it."""
    before, rest = text.split(BEGIN)
    return before + BEGIN + "\n" + table() + "\n" + END + rest.split(END)[1]


if __name__ == "__main__":
    DOCUMENT.write_text(renewed(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
