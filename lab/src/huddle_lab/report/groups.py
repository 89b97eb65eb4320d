"""Rows put together for reading: all runs of one computation, over the same network, in the same place."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from huddle_lab.report.statistic import Estimate, estimate, ratio
from huddle_lab.runs import rows
from huddle_lab.runs.rows import Row


@dataclass(frozen=True, slots=True, order=True)
class GroupKey:
    """What the runs of a group have in common."""

    demo: str
    size: str
    parties: int
    scenario: str
    network: str

    @property
    def place(self) -> tuple[str, str, int, str]:
        """All but the network."""
        return self.demo, self.size, self.parties, self.scenario


@dataclass(frozen=True, slots=True)
class RowGroup:
    """The runs that count, those without a mark and the marked ones; `failed` never finished.

    `not_run` is why it was not even begun.
    """

    key: GroupKey
    title: str  # of the scenario
    rows: Sequence[Row] = field(repr=False)
    failed: int
    not_run: str = ""

    @property
    def label(self) -> str:
        """Its place in words: the scenario, and the size where there is one."""
        return f"{self.title}{f', {self.key.size}' if self.key.size else ''}"

    @property
    def marked(self) -> int:
        """How many of its runs bear a mark."""
        return sum(bool(row["marks"]) for row in self.rows)

    def values(self, pick: Callable[[Row], Any]) -> list[float]:
        """What is known of one figure."""
        return [float(value) for row in self.rows if (value := pick(row)) is not None]

    def of(self, pick: Callable[[Row], Any]) -> Estimate | None:
        """The median of one figure; None where it is not known."""
        values = self.values(pick)
        return estimate(values) if values else None


def beside(before: RowGroup, after: RowGroup) -> Estimate | None:
    """The time of `after` divided by that of `before`.

    Runs with the same seed send the same messages: where there are such, the ratio is that of each pair,
    those that ran right after each other.
    """

    def pair(row: Row) -> tuple[str, int]:
        return row["seed"], row["repetition"]

    first = {pair(row): row["seconds"] for row in before.rows if row["seconds"]}
    pairs = [row["seconds"] / first[pair(row)] for row in after.rows if pair(row) in first]
    if pairs:
        return estimate(pairs)
    one, other = before.values(seconds), after.values(seconds)
    return ratio(one, other) if one and other and all(one) else None


def seconds(row: Row) -> float | None:
    """How long the computation took."""
    taken: float | None = row["seconds"]
    return taken


def set_up(row: Row) -> float | None:
    """From the last join to connected."""
    found: float | None = (row["setup"] or {}).get("total")
    return found


def over_links(name: str) -> Callable[[Row], float | None]:
    """The median over a run's links of what its program measured: trip_ms or mbit."""

    def pick(row: Row) -> float | None:
        found = [link[name] for link in row["links"] or () if link.get(name) is not None]
        return median(found) if found else None

    return pick


def key(row: Row) -> GroupKey:
    """The group that a row belongs to."""
    return GroupKey(row["demo"], row["size"], row["parties"], row["scenario"]["name"], row["network"])


def group(all_rows: Iterable[Row]) -> list[RowGroup]:
    """The groups of a file in the order in which they were first run."""
    found: dict[GroupKey, list[Row]] = {}
    for row in rows.best(all_rows):
        found.setdefault(key(row), []).append(row)
    return [
        RowGroup(
            which,
            some[0]["scenario"].get("title", which.scenario),
            [row for row in some if row["outcome"] == "finished"],
            sum(row["outcome"] == "failed" for row in some),
            next((row["error"] for row in some if row["outcome"] == rows.NOT_RUN), ""),
        )
        for which, some in found.items()
    ]
