"""What rows look like: the charts of the report and of the document, each made of groups of rows alone."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from huddle_lab.report import charts
from huddle_lab.report.charts import Figure, Line, Mark
from huddle_lab.report.groups import RowGroup, beside, seconds
from huddle_lab.report.least import least_of
from huddle_lab.report.runtimes import thesis
from huddle_lab.report.statistic import estimate
from huddle_lab.runs.rows import Row
from huddle_lab.runs.runtimes import BENCHMARKS
from huddle_lab.study.variants import Variant

PLAIN, LEAST = "plain", "least time"


def overview(groups: Sequence[RowGroup]) -> list[tuple[str, Figure]]:
    """The figures over all groups, each with its title; those for which there are no rows are left out."""
    found: list[tuple[str, Figure | None]] = []
    for demo in dict.fromkeys(one.key.demo for one in groups):
        some = [one for one in groups if one.key.demo == demo]
        found.append((f"{demo}: where the time goes", parts(some)))
        found.append((f"{demo}: by MPyC by itself", overhead(some)))
        found.append((f"{demo}: by the number of parties", by_parties(some)))
        found.append((f"{demo}: by distance", by_distance(some)))
    return [(title, one) for title, one in found if one]


def dots(
    groups: Sequence[RowGroup], axis: str, pick: Callable[[Row], float | None], *, model: bool = False
) -> Figure | None:
    """One figure of every group; `model`: with the least time beside it."""
    lines = []
    for here in _places(groups):
        marks = tuple(mark for one in here if (mark := _mark(one.key.network, one, pick)))
        if marks:
            lines.append(Line(here[0].label, marks, _least_direct(here) if model else None))
    return charts.dots(lines, _networks(groups), axis)


def overhead(groups: Sequence[RowGroup]) -> Figure | None:
    """The time of each network divided by that of MPyC by itself in the same place with the same seed."""
    lines = []
    several = len({one.key.demo for one in groups}) > 1
    for here in _places(groups):
        plain = next((one for one in here if one.key.network == PLAIN), None)
        ratios = [(one, beside(plain, one)) for one in here if plain and one is not plain]
        marks = tuple(Mark(one.key.network, r.value, r.low, r.high) for one, r in ratios if r and r.value > 0)
        if marks:
            demo = f"{here[0].key.demo}, " if several else ""
            lines.append(Line(f"{demo}{here[0].label}, {here[0].key.parties} parties", marks, 1.0))
    return charts.dots(lines, [name for name in _networks(groups) if name != PLAIN], "times MPyC by itself")


def parts(groups: Sequence[RowGroup]) -> Figure | None:
    """Shares of the time of each group, by its least time: the rest is network, Huddle and machine."""
    bars = {}
    for one in groups:
        known = [row for row in one.rows if least_of([row])]
        found = least_of(known)
        if found is None:
            continue
        taken = estimate([row["seconds"] for row in known]).value
        spent = {
            "computing": found.computing,
            "distance": max(0.0, found.seconds - found.computing),
            "TCP's windows": max(0.0, found.windowed - found.seconds),
            "network, Huddle, machine": max(0.0, taken - found.windowed),
        }
        whole = sum(spent.values())
        name = f"{one.label}, {one.key.parties} parties, {one.key.network}: {taken:.2g} s"
        bars[name] = {part: 100 * value / whole for part, value in spent.items()}
    return charts.stacks(bars, "% of the time")


def by_parties(groups: Sequence[RowGroup]) -> Figure | None:
    """Time by the number of parties, a curve for each network: in the place with the most numbers."""
    places = list(dict.fromkeys((one.key.size, one.title) for one in groups))
    best: list[RowGroup] = []
    for size, title in places:
        some = [one for one in groups if (one.key.size, one.title) == (size, title)]
        if len({one.key.parties for one in some}) > len({one.key.parties for one in best}):
            best = some
    return _curves(best, lambda one: float(one.key.parties), f"parties, {best[0].label}" if best else "")


def simulated_by_parties(
    cells: Iterable[Mapping[str, Any]], demo: str, size: str, scenario: str
) -> Figure | None:
    """The same of simulated cells, in which each party has a processor of its own: of one computation."""
    points: dict[str, list[Mark]] = {}
    for one in sorted(cells, key=lambda one: int(one["parties"])):
        if (one["demo"], one["size"], one["scenario"]) == (demo, size, scenario) and one["seconds"] > 0:
            points.setdefault(one["network"], []).append(Mark(str(one["parties"]), one["seconds"]))
    return charts.curves(points, f"parties, {demo} {size}, simulated", "seconds")


def by_distance(groups: Sequence[RowGroup]) -> Figure | None:
    """Time by the longest one-way delay, a curve for each network: of the computation in the most places."""
    sizes = list(dict.fromkeys((one.key.size, one.key.parties) for one in groups))
    best: list[RowGroup] = []
    for size, parties in sizes:
        some = [one for one in groups if (one.key.size, one.key.parties) == (size, parties)]
        if len({one.key.scenario for one in some}) > len({one.key.scenario for one in best}):
            best = some

    def distance(one: RowGroup) -> float | None:
        found = one.of(lambda row: row["one_way_ms"])
        return found.value if found else None

    said = f"{best[0].key.size}, {best[0].key.parties} parties" if best else ""
    across = f"one-way delay in ms, {said.removeprefix(', ')}"
    places = {
        at: known for here in _places(best) if (known := _least_direct(here)) and (at := distance(here[0]))
    }
    return _curves(best, distance, across, {LEAST: [Mark(f"{at:g}", value) for at, value in places.items()]})


def runtimes(rows: Iterable[dict[str, Any]]) -> Figure | None:
    """Operations a second of each runtime that was measured, beside the thesis's where it has them."""
    _, then, _ = thesis()
    bars: dict[str, dict[str, float]] = {}
    for row in rows:
        name = row["runtime"]
        if "error" in row:
            continue
        for benchmark in BENCHMARKS:
            bar = {"here": row["rates"][benchmark], "thesis": then.get(name, {}).get(benchmark)}
            if bar["here"] is not None and bar["thesis"] is not None:
                bars[f"{benchmark}, {name}"] = bar
    return charts.stacks(dict(sorted(bars.items())), "operations a second", beside=True)


def _curves(
    groups: Sequence[RowGroup],
    where: Callable[[RowGroup], float | None],
    across: str,
    more: Mapping[str, list[Mark]] = MappingProxyType({}),
) -> Figure | None:
    points: dict[str, list[Mark]] = {}
    for one in groups:
        at, found = where(one), one.of(seconds)
        if at is not None and found is not None and found.value > 0:
            points.setdefault(one.key.network, []).append(Mark(f"{at:g}", found.value, found.low, found.high))
    longer = {name: marks for name, marks in (points | dict(more)).items() if len(marks) > 1}
    return charts.curves(longer, across, "seconds") if longer else None


def _least_direct(groups: Sequence[RowGroup]) -> float | None:
    """Of all runs at one place; ways by the rendezvous are longer, and left out."""
    direct = [one for one in groups if not Variant(one.key.network, one.key.network).relayed]
    found = least_of([row for one in direct for row in one.rows])
    return found.seconds if found else None


def _mark(series: str, one: RowGroup, pick: Callable[[Row], float | None]) -> Mark | None:
    found = one.of(pick)
    return Mark(series, found.value, found.low, found.high) if found and found.value > 0 else None


def _networks(groups: Sequence[RowGroup]) -> list[str]:
    return list(dict.fromkeys(one.key.network for one in groups))


def _places(groups: Sequence[RowGroup]) -> list[list[RowGroup]]:
    """Those with rows, by place."""
    places = dict.fromkeys(one.key.place for one in groups)
    found = [[one for one in groups if one.key.place == place and one.rows] for place in places]
    return [here for here in found if here]
