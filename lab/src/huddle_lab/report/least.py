"""The least time that a run can take: its own trace, replayed where nothing but computing and distance costs.

That is the model beside which rows are put. It replaces T = compute + rounds x delay + bytes /
bandwidth, which counted rounds that do not wait for each other, and took the longest way for each of
them: where distances differ, runs took 0.83 of it.
"""

from functools import cache
from pathlib import Path

from huddle_lab.runs.rows import Row
from huddle_lab.simulator.simulate import MessageCost, Setting, simulate
from huddle_lab.study.scenarios import shipped
from huddle_lab.study.variants import HUDDLE, PLAIN
from huddle_lab.traces import library
from huddle_lab.traces.trace import TraceHeader


def by_model(row: Row) -> float | None:
    """The time that a run took, divided by the least; None where its computation was not traced."""
    name, network = row["scenario"]["name"], row["network"].partition("+")[0]
    if not row["seconds"] or name not in shipped()[1] or network not in (*PLAIN, *HUDDLE):
        return None  # a browser computes at another speed
    if list(shipped()[1][name].regions) != list(row["scenario"].get("regions") or ()):
        return None
    trace = library.trace_of(row, _headers())
    if trace is None:
        return None
    path = next(path for path, header in _headers().items() if header == trace.header)
    return float(row["seconds"] / _least(path, name, network == "relay", network not in PLAIN))


@cache
def _headers() -> dict[Path, TraceHeader]:
    return library.headers()


@cache
def _least(path: Path, scenario: str, relayed: bool, session: bool) -> float:
    trace = library.trace_at(path)
    shapes = shipped()[1][scenario].shapes(trace.header.parties, shipped()[0])
    setting = Setting(shapes, MessageCost(relayed=relayed), session=session, windows=False)
    return simulate(trace, setting).seconds
