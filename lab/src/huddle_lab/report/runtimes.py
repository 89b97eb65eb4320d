"""The table of Python runtimes beside the thesis's, as HTML and as Markdown. Made from rows alone."""

import json
from collections.abc import Sequence
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

from huddle.errors import LocalError
from huddle_lab.markdown import line, rule
from huddle_lab.runs.runtimes import BENCHMARKS, DATA, NAMES, Result
from huddle_lab.study import parsing

_KEYS = frozenset({"runtime", "when", "mpyc"})


@cache
def thesis() -> tuple[str, dict[str, dict[str, float]], dict[str, str]]:
    """Its source, its operations a second by runtime and benchmark, and its words on start-up."""
    table = parsing.load(DATA / "thesis.toml")
    source, columns = table.text("source"), table.texts("columns")
    rates, startup = table.table("rates"), table.table("startup")
    found = {}
    for name in rates.keys():
        found[name] = dict(zip(columns, rates.numbers(name), strict=True))
    return source, found, {name: startup.text(name) for name in startup.keys()}


def read(path: Path) -> list[Result]:
    """The rows of a file: of each runtime the last. LocalError where it holds something else."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        found = {row["runtime"]: row for row in map(json.loads, lines) if _KEYS <= row.keys()}
    except OSError as exc:
        raise LocalError(f"{path} can't be read: {exc.strerror}") from exc
    except (ValueError, AttributeError, TypeError) as exc:
        raise LocalError(f"{path} has no rows of runtimes") from exc
    return [found[name] for name in NAMES if name in found]


def table(rows: Sequence[Result]) -> tuple[list[str], list[list[str]]]:
    """Head and lines: operations a second (in parentheses the thesis's), and what else counts."""
    _, rates, startup = thesis()
    head = ["runtime", *BENCHMARKS, "integers", "start-up, CPU s", "MB (gzipped)", "modules for MPyC"]
    lines = []
    for row in rows:
        name = row["runtime"]
        title = f"{name} {row.get('version', '')}".strip()
        if "error" in row:
            lines.append([title, f"not run: {row['error']}", *[""] * (len(head) - 2)])
            continue
        cells = []
        for benchmark in BENCHMARKS:
            rate = row["rates"][benchmark]
            then = rates.get(name, {}).get(benchmark)
            now = "wrong" if rate is None else f"{rate:,.3g}" if rate < 1000 else f"{rate:,.0f}"
            cells.append(f"{now} ({then:,g})" if then is not None else now)
        total = len(row["imports"]) + len(row["missing"])
        start = ""
        if "cold_s" in row:
            start = f"{row['cold_s']:.2f}, warm {row['warm_s']:.2f}"
            start += f" ({startup[name]})" if name in startup else ""
        size = f"{row['bytes'] / 1e6:.1f} ({row['compressed'] / 1e6:.1f})" if "bytes" in row else ""
        right = "right" if row["integers"] else "WRONG"
        lines.append([title, *cells, right, start, size, f"{len(row['imports'])} of {total}"])
    return head, lines


def notes(rows: Sequence[Result]) -> list[str]:
    """What is wrong and what is missing, by runtime."""
    found = []
    for row in rows:
        said: list[str] = [f"{name}: {text}" for name, text in row.get("wrong", {}).items()]
        missing: Any = row.get("missing")
        if missing:
            said.append(f"can't import {', '.join(missing)}")
        if row.get("integers") is False:
            said.append("its big integers differ from CPython's")
        if said:
            found.append(f"{row['runtime']}: {'; '.join(said)}")
    return found


def html(rows: Sequence[Result]) -> str:
    """A section of the report."""
    head, lines = table(rows)
    top = "".join(f"<th>{escape(one)}</th>" for one in head)
    body = "\n".join("<tr>" + "".join(f"<td>{escape(one)}</td>" for one in line) + "</tr>" for line in lines)
    said = "".join(f"<li>{escape(one)}</li>" for one in notes(rows))
    return (
        "<h2>Python runtimes for browsers</h2>"
        f'<div class="scroll"><table>\n<tr>{top}</tr>\n{body}\n</table></div>'
        f'<p class="small">{escape(explanation())}</p><ul class="small">{said}</ul>'
    )


def markdown(rows: Sequence[Result]) -> str:
    """The same for a document."""
    head, lines = table(rows)
    text = [line(*head), rule(len(head)), *(line(*cells) for cells in lines)]
    return "\n".join([*text, "", explanation(), "", *(f"- {one}" for one in notes(rows))])


def explanation() -> str:
    """How to read it."""
    return (
        "Operations a second of the page's thread (N = 100,000 steps each), in parentheses the figures of "
        f"{thesis()[0]}, which are of another machine. wrong: another result than CPython's, or none. "
        "Start-up: processor time until a first result, by all threads of the page."
    )
