"""The tables of docs/performance.md, from the lines of `bench/*.jsonl`: `python -m bench.table`.

Figures in the document are never typed by hand; a test compares the two.
"""

import json
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
DOCUMENT = HERE.parent / "docs" / "performance.md"
# The lines of each table, and what its reference is called.
TABLES = {"results": "plain MPyC, or its TLS", "browser": "reference", "networks": "beside"}


def table(lines: str, reference: str = "plain MPyC, or its TLS") -> str:
    """The lines of a benchmark as a Markdown table."""
    figures = [json.loads(line) for line in lines.splitlines()]
    heads = ["figure", "Huddle", reference, "ratio"]
    if any("bar" in figure for figure in figures):
        heads.append("bar")
    rows = [heads, ["---"] * len(heads), *(_cells(figure)[: len(heads)] for figure in figures)]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in rows)


def _cells(figure: dict[str, Any]) -> list[str]:
    """What a figure's row says; its bar comes last."""
    known = "" if figure["reference"] is None else f"{figure['reference']:,} {figure['unit']}"
    ratio = "" if figure["ratio"] is None else f"{figure['ratio']:.2f}"
    bar = f"{figure['bar']}: {'met' if figure['met'] else 'not met'}" if "bar" in figure else ""
    return [figure["name"], f"{figure['value']:,} {figure['unit']}", known, ratio, bar]


def with_tables(document: str) -> str:
    """The document with the tables of the lines that are kept between its marks."""
    for name, reference in TABLES.items():
        begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->\n"
        before, rest = document.split(begin)
        _, after = rest.split(end)
        made = table((HERE / f"{name}.jsonl").read_text(), reference)
        document = f"{before}{begin}\n{made}\n{end}{after}"
    return document


if __name__ == "__main__":
    DOCUMENT.write_text(with_tables(DOCUMENT.read_text()))
