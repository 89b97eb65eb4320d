"""The table of docs/performance.md, from the lines of `bench/results.jsonl`: `python -m bench.table`.

Figures in the document are never typed by hand; a test compares the two.
"""

import json
from pathlib import Path

RESULTS = Path(__file__).with_name("results.jsonl")
DOCUMENT = Path(__file__).parents[1] / "docs" / "performance.md"
BEGIN, END = "<!-- figures -->\n", "<!-- end of figures -->\n"


def table(lines: str) -> str:
    """The lines of a benchmark as a Markdown table."""
    rows = ["| figure | Huddle | plain MPyC | ratio |", "| --- | --- | --- | --- |"]
    for line in lines.splitlines():
        figure = json.loads(line)
        value = f"{figure['value']:,} {figure['unit']}"
        reference = "" if figure["reference"] is None else f"{figure['reference']:,} {figure['unit']}"
        ratio = "" if figure["ratio"] is None else f"{figure['ratio']:.2f}"
        rows.append(f"| {figure['name']} | {value} | {reference} | {ratio} |")
    return "\n".join(rows) + "\n"


def with_table(document: str, lines: str) -> str:
    """The document with the table of these lines between its marks."""
    before, rest = document.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n{table(lines)}\n{END}{after}"


if __name__ == "__main__":
    DOCUMENT.write_text(with_table(DOCUMENT.read_text(), RESULTS.read_text()))
