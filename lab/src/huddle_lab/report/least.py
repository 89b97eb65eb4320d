"""The least time that a run can take: its own trace, replayed where nothing but computing and distance costs.

That is the model beside which rows are put. It replaced T = compute + rounds x delay + bytes /
bandwidth, which counted rounds that do not wait for each other, and took the longest way for each of
them: where distances differ, runs took 0.83 of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from statistics import median

from huddle_lab.runs.rows import Row
from huddle_lab.simulator.simulate import MessageCost, Setting, simulate
from huddle_lab.study.scenarios import shipped
from huddle_lab.study.shape import Shape
from huddle_lab.study.variants import HUDDLE, PLAIN
from huddle_lab.traces import library


@dataclass(frozen=True, slots=True)
class Least:
    """In seconds: all of it; what of it is left where nobody is away from anybody; and with TCP's windows."""

    seconds: float
    computing: float
    windowed: float


def least(row: Row) -> Least | None:
    """Of the computation of that row, in its place; None where it was not traced."""
    name, network = row["scenario"]["name"], row["network"].partition("+")[0]
    if not row["seconds"] or name not in shipped()[1] or network not in (*PLAIN, *HUDDLE):
        return None  # a browser computes at another speed
    if list(shipped()[1][name].regions) != list(row["scenario"].get("regions") or ()):
        return None
    trace = library.trace_of(row, library.shipped())
    if trace is None:
        return None
    path = next(path for path, header in library.shipped().items() if header == trace.header)
    return _least(path, name, network == "relay", network not in PLAIN)


def least_of(rows: Sequence[Row]) -> Least | None:
    """The median of those that were traced; None where there are none."""
    found = [one for row in rows if (one := least(row))]
    if not found:
        return None
    return Least(
        median(one.seconds for one in found),
        median(one.computing for one in found),
        median(one.windowed for one in found),
    )


def by_model(row: Row) -> float | None:
    """The time that a run took, divided by the least; None where its computation was not traced."""
    found = least(row)
    return float(row["seconds"] / found.seconds) if found else None


@cache
def _least(path: Path, scenario: str, relayed: bool, session: bool) -> Least:
    trace = library.trace_at(path)
    shapes = shipped()[1][scenario].shapes(trace.header.parties, shipped()[0])
    there = Setting(shapes, MessageCost(relayed=relayed), session=session, windows=False)
    here = Setting(dict.fromkeys(shapes, Shape()), session=True, windows=False)
    settings = (there, here, replace(there, windows=True))
    return Least(*(simulate(trace, setting).seconds for setting in settings))
