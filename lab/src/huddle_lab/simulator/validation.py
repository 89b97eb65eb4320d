"""Simulated times beside emulated ones: how far a simulation can be believed."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

from huddle_lab.markdown import line, rule
from huddle_lab.simulator import places
from huddle_lab.simulator.costs import Costs
from huddle_lab.simulator.simulate import simulate
from huddle_lab.study.scenarios import REFERENCE, shipped
from huddle_lab.traces.library import trace_of
from huddle_lab.traces.trace import TraceHeader

MEDIAN_BAR, MOST_BAR = 0.05, 0.12
SHORTEST = 0.2  # seconds: of a shorter run, how processes start decides, and a share of it says little
CROWDED, UNCROWDED = "more parties than processors at work", "a processor for whoever had to compute"
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Compared:
    """One run: where, and its time emulated and simulated, in seconds."""

    row: Row
    emulated: float
    simulated: float

    @property
    def error(self) -> float:
        """How far the simulated time is off, as a share of the emulated one; negative: it is too short."""
        return self.simulated / self.emulated - 1


def compare(
    rows: Iterable[Row], headers: Mapping[Path, TraceHeader], costs: Costs, processors: int | None = None
) -> list[Compared]:
    """All rows that finished undisturbed, in a place with distances, over a network that can be simulated."""
    known, found = shipped()[1], []
    for row in rows:
        name, network = row["scenario"]["name"], row["network"]
        disturbed = any(mark.startswith(("busy", "late")) for mark in row["marks"])
        if row["outcome"] != "finished" or disturbed or name == REFERENCE or row["parties"] == 1:
            continue
        if name not in known or network not in costs.networks:
            continue
        trace = trace_of(row, headers)
        if trace is None:
            continue
        there = places.setting(trace, known[name], costs, network)
        cores = processors or row["machine"].get("cores")
        taken = simulate(trace, replace(there, processors=cores)).seconds
        found.append(Compared(row, row["seconds"], taken))
    return found


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest value below which that share of them lies, itself included."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def lines(compared: Sequence[Compared]) -> list[tuple[str, str, str, str, str]]:
    """All together, and by parties, place, demo and network: n, median and 95% error, its direction.

    Those that took less than `SHORTEST` are apart, in milliseconds.
    """
    long = [one for one in compared if one.emulated >= SHORTEST]
    found = [_line("all", long)] if long else []
    ways: Sequence[Callable[[Row], str]] = (
        lambda row: CROWDED if _crowded(row) else UNCROWDED,
        lambda row: f"{row['parties']} parties",
        lambda row: str(row["scenario"]["title"]),
        lambda row: str(row["demo"]),
        lambda row: f"`{row['network']}`",
    )
    for way in ways:
        for name in sorted({way(one.row) for one in long}):
            found.append(_line(name, [one for one in long if way(one.row) == name]))
    short = [1000 * (one.simulated - one.emulated) for one in compared if one.emulated < SHORTEST]
    if short:
        middle, most = median(map(abs, short)), quantile([abs(one) for one in short], 0.95)
        name, lean = f"runs of less than {SHORTEST:g} s", median(short)
        found.append((name, str(len(short)), f"{middle:.0f} ms", f"{most:.0f} ms", f"{lean:+.0f} ms"))
    return found


def _crowded(row: Row) -> bool:
    return any(mark.startswith("crowded") for mark in row["marks"])


def bars(compared: Sequence[Compared]) -> list[str]:
    """Whether the bar is met: over all runs that are long enough, and where processors sufficed."""
    long = [one for one in compared if one.emulated >= SHORTEST]
    found = []
    for name, some in (("all", long), (UNCROWDED, [one for one in long if not _crowded(one.row)])):
        errors = [abs(one.error) for one in some] or [math.inf]
        good = median(errors) < MEDIAN_BAR and quantile(errors, 0.95) < MOST_BAR
        found.append(f"{name}: {'met' if good else 'NOT met'}")
    return found


def _line(name: str, some: Sequence[Compared]) -> tuple[str, str, str, str, str]:
    errors = [abs(one.error) for one in some]
    lean = median(one.error for one in some)
    return name, str(len(some)), f"{median(errors):.1%}", f"{quantile(errors, 0.95):.1%}", f"{lean:+.1%}"


HEAD = ("", "n", "median error", "95% error", "leans")


def markdown(compared: Sequence[Compared]) -> str:
    """Tables for a document: by group, and each run."""
    text = [line(*HEAD), rule(len(HEAD)), *(line(*cells) for cells in lines(compared))]
    said = f"a median error under {MEDIAN_BAR:.0%} and 95% under {MOST_BAR:.0%}"
    bar = f"The bar, {said}: {'; '.join(bars(compared))}."
    return "\n".join([*text, "", bar])


def text(compared: Sequence[Compared]) -> str:
    """For a terminal: each run, then by group."""
    each = [
        f"{one.row['demo']:<13}{one.row['size']:<8}{one.row['parties']:>3}  {one.row['scenario']['name']:<14}"
        f"{one.row['network']:<11}{one.emulated:>9.3f} emulated{one.simulated:>9.3f} simulated"
        f"{one.error:>+8.1%}"
        for one in compared
    ]
    groups = [
        f"{name:<28}{n:>4}  median {middle:>6}  95% {most:>6}  {lean:>6}"
        for name, n, middle, most, lean in lines(compared)
    ]
    bar = f"bar: median under {MEDIAN_BAR:.0%}, 95% under {MOST_BAR:.0%}"
    return "\n".join([*each, "", *groups, bar, *bars(compared)])
