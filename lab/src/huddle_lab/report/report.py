"""The report of a file of results: one HTML page that needs nothing else, and a table for other programs.

Made from rows alone; no figure in it comes from anywhere else.
"""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from huddle_lab.report import charts, figures
from huddle_lab.report import runtimes as runtimes_report
from huddle_lab.report.groups import RowGroup, beside, group, over_links, seconds, set_up
from huddle_lab.report.least import by_model
from huddle_lab.report.statistic import LEVEL, Estimate
from huddle_lab.runs.rows import FIELDS, Row
from huddle_lab.runs.runtimes import Result
from huddle_lab.sites.calibrate import ASKED_MBIT, ASKED_P50_MS, ASKED_P99_MS

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 74rem; padding: 0 1rem; }
table { border-collapse: collapse; margin: 1rem 0; font-variant-numeric: tabular-nums; font-size: 13px; }
th, td { border-bottom: 1px solid #ddd; padding: .2rem .6rem; text-align: right; vertical-align: top; }
th { text-align: right; white-space: nowrap; background: #f5f5f5; } td { white-space: nowrap; }
td:first-child, th:first-child { text-align: left; } .text td { text-align: left; white-space: normal; }
.small { color: #666; font-size: 12px; } .scroll { overflow-x: auto; } svg { max-width: 100%; height: auto; }
"""

Cells = Sequence[str]


def html(rows: Sequence[Row], name: str, runtimes: Sequence[Result] = ()) -> str:
    """The page for these rows, and those of Python runtimes where there are some."""
    groups = group(rows)
    shown = [one for one in groups if one.rows]
    parts = [
        f"<h1>{escape(name)}</h1>",
        _summary(rows),
        "<h2>How right the emulator is</h2>",
        _calibrations(rows),
        *(f"<h2>{escape(title)}</h2>{charts.embedded(found)}" for title, found in figures.overview(shown)),
    ]
    for demo, parties in dict.fromkeys((one.key.demo, one.key.parties) for one in shown):
        some = [one for one in shown if (one.key.demo, one.key.parties) == (demo, parties)]
        parts.append(f"<h2>{escape(demo)}, {parties} {'party' if parties == 1 else 'parties'}</h2>")
        parts.append(_figure(figures.dots(some, "seconds", seconds, model=True)))
        parts.append(_times(some))
        if parties > 1:
            parts.append("<h3>Set-up</h3>")
            parts.append(_figure(figures.dots(some, "seconds from the last join to connected", set_up)))
            parts.append(_setups(some))
            parts.append(_links(some))
    parts += [_trouble(rows, groups), _notes()]
    if runtimes:
        parts += [runtimes_report.html(runtimes), _figure(figures.runtimes(runtimes))]
    parts.append(charts.script())
    body = "\n".join(parts)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(name)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head>'
        f"<body>\n{body}\n</body></html>\n"
    )


def table(rows: Iterable[Row]) -> str:
    """All rows as CSV; what is a table or a list in a row has a column for each of its entries."""
    flat = [_flat(row) for row in rows]
    names = list(dict.fromkeys(name for row in flat for name in row))
    out = io.StringIO()
    writer = csv.DictWriter(out, names, restval="")
    writer.writeheader()
    writer.writerows(flat)
    return out.getvalue()


def _flat(row: Row) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in FIELDS:
        value = row[name]
        if name == "calibration":
            value = {"mbit_per_s": value["mbit_per_s"]} if value and "mbit_per_s" in value else None
        if name == "links":
            found[name] = json.dumps(value) if value else ""
        elif isinstance(value, dict):
            found |= {f"{name}.{key}": _text(one) for key, one in value.items()}
        else:
            found[name] = _text(value)
    return found


def _text(value: Any) -> Any:
    return " ".join(map(str, value)) if isinstance(value, list) else value


def _summary(rows: Sequence[Row]) -> str:
    times = [row["when"] for row in rows]

    def all_of(*path: str) -> str:
        found = set()
        for row in rows:
            value: Any = row
            for name in path:
                value = (value or {}).get(name)
            if value not in (None, ""):
                found.add(str(value))
        return escape(", ".join(sorted(found)) or "unknown")

    return _table(
        ("", ""),
        [
            ("Runs", f"{len(rows)} of {all_of('study', 'name')}, {all_of('provider')}, {all_of('backend')}"),
            ("When", escape(f"{min(times)} to {max(times)}" if times else "")),
            ("Machine", f"{all_of('machine', 'cpu')}, {all_of('machine', 'cores')} cores, "
                        f"{all_of('machine', 'memory_mb')} MB, {all_of('machine', 'kernel')}"),
            ("Versions", f"Huddle {all_of('versions', 'huddle')} ({all_of('commit')}), "
                         f"MPyC {all_of('versions', 'mpyc')}, Python {all_of('versions', 'python')}, "
                         f"uvloop {all_of('versions', 'uvloop')}"),
            ("Delays", all_of("scenario", "source")),
        ],
        kind="text",
    )  # fmt: skip


def _calibrations(rows: Sequence[Row]) -> str:
    found = {str(row["calibration"]): row["calibration"] for row in rows if row["calibration"]}
    lines = []
    for one in found.values():
        for delay in one["delays"]:
            lines.append(
                (
                    f"{one['backend']}{', first of all processes' if one['fifo'] else ''}",
                    f"{delay['delay_ms']:g}",
                    f"{delay['p50_ms']:.3f}",
                    f"{delay['p99_ms']:.3f}",
                    f"{delay['probes'] - delay['lost']}",
                    f"{one['mbit_per_s']:,}",
                )
            )
    aims = (
        f"Asked of a quiet machine: within {ASKED_P50_MS} ms (p50) and {ASKED_P99_MS:g} ms (p99), "
        f"over {ASKED_MBIT:,.0f} Mbit/s with no delay."
    )
    head = ("backend", "delay, ms", "added, p50, ms", "added, p99, ms", "probes", "Mbit/s, no delay")
    return _table(head, lines) + f'<p class="small">{aims}</p>'


def _figure(found: charts.Figure | None) -> str:
    return charts.embedded(found) if found else ""


def _times(groups: Sequence[RowGroup]) -> str:
    lines = []
    for one in groups:
        if not one.rows:
            continue
        plain = next((g for g in groups if g.key.place == one.key.place and g.key.network == "plain"), None)
        compared = beside(plain, one) if plain and plain.rows else None
        lines.append(
            (
                escape(one.label),
                escape(one.key.network),
                _shown(one.of(seconds), ".3f"),
                "" if one is plain else _shown(compared, ".2f"),
                _shown(one.of(by_model), ".2f"),
                _value(one.of(lambda row: row["rounds"]), ",.0f"),
                _value(one.of(lambda row: row["messages"]), ",.0f"),
                _value(one.of(lambda row: row["bytes"]), ",.0f"),
                _value(one.of(lambda row: row["cpu_s"]), ".2f"),
                _value(one.of(lambda row: row["memory_mb"]), ".0f"),
                f"{len(one.rows)}{f' ({one.marked} marked)' if one.marked else ''}",
            )
        )
    head = (
        "",
        "network",
        "seconds",
        "by plain",
        "by model",
        "rounds",
        "messages",
        "bytes",
        "CPU, s",
        "MB",
        "n",
    )
    return _table(head, lines)


def _setups(groups: Sequence[RowGroup]) -> str:
    phases = ("total", "page", "invite", "meet", "link", "connect", "end")
    lines = []
    for one in groups:
        if one.rows:
            found = [one.of(lambda row, phase=phase: (row["setup"] or {}).get(phase)) for phase in phases]  # type: ignore[misc]
            rtt = one.of(lambda row: row["rtt_ms"])
            paths = sorted({path for row in one.rows for path in row["paths"] or ()})
            lines.append(
                (
                    escape(one.label),
                    escape(one.key.network),
                    _shown(found[0], ".2f"),
                    *(_value(part, ".2f") for part in found[1:]),
                    _value(rtt, ".1f"),
                    escape(", ".join(paths)),
                )
            )
    return _table(("", "network", "total, s", *phases[1:], "RTT, ms", "path"), lines)


def _links(groups: Sequence[RowGroup]) -> str:
    """What a program measured of the links, where there is one that did."""
    trip, rate = over_links("trip_ms"), over_links("mbit")
    lines = [
        (
            escape(one.label),
            escape(one.key.network),
            _shown(one.of(trip), ".1f"),
            _shown(one.of(rate), ",.0f"),
            str(len(one.values(rate))),
        )
        for one in groups
        if one.of(rate) is not None
    ]
    if not lines:
        return ""
    head = ("", "network", "there and back, ms", "one large message, Mbit/s", "n")
    return (
        "<h3>Links</h3>"
        + _figure(figures.dots(groups, "Mbit/s of one large message", rate))
        + _table(head, lines)
    )


def _trouble(rows: Sequence[Row], groups: Sequence[RowGroup]) -> str:
    marks: dict[str, int] = {}
    for row in rows:
        for mark in row["marks"]:
            marks[mark.partition(":")[0]] = marks.get(mark.partition(":")[0], 0) + 1
    failed = [one for one in groups if one.failed]
    absent = {one.key.network: one.not_run for one in groups if one.not_run and not one.rows}
    lines = [(escape(kind), str(count)) for kind, count in sorted(marks.items())]
    lines += [
        (escape(f"failed: {one.label}, {one.key.parties} over {one.key.network}"), str(one.failed))
        for one in failed
    ]
    lines += [(escape(f"not run: {network}, because {why}"), "") for network, why in absent.items()]
    if not lines:
        return "<h2>What speaks against these figures</h2><p>No run failed, none bears a mark.</p>"
    return "<h2>What speaks against these figures</h2>" + _table(("", "runs"), lines)


def _notes() -> str:
    text = f"""
        Seconds are from MPyC connected to MPyC stopped, at the slowest party. Figures are medians, with
        {LEVEL:.0%} confidence intervals by the bootstrap in parentheses. <em>By plain</em>: divided by what
        MPyC by itself takes over TCP in the same place with the same seed; <em>by model</em>: by
        the least time, a simulation of the same computation where only computing and distance take time.
        Of runs that were repeated the best counts. Bytes and messages are those of the party that
        sent most. A run is marked <em>busy</em> where others used the machine while parties waited for it,
        <em>crowded</em> where the parties alone are too many for it, <em>late</em> where the emulator was.
    """
    return f'<h2>How to read this</h2><p class="small">{text}</p>'


def _shown(found: Estimate | None, form: str) -> str:
    if found is None:
        return ""
    if found.low is None or found.high is None:
        return f"{found.value:{form}}"
    return f"{found.value:{form}} ({found.low:{form}}–{found.high:{form}})"


def _value(found: Estimate | None, form: str) -> str:
    return "" if found is None else f"{found.value:{form}}"


def _table(head: Cells, lines: Sequence[Cells], kind: str = "scroll") -> str:
    """A table; columns in which nothing stands are left out."""
    used = [n for n in range(len(head)) if not lines or any(line[n] for line in lines)]
    cells = "".join(f"<th>{head[n]}</th>" for n in used)
    top = f"<tr>{cells}</tr>\n" if any(head) else ""
    body = "\n".join("<tr>" + "".join(f"<td>{line[n]}</td>" for n in used) + "</tr>" for line in lines)
    return f'<div class="{kind}"><table>\n{top}{body}\n</table></div>'
