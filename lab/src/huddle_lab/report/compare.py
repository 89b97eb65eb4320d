"""What changed between two files of results: the same runs, before and after.

Runs with the same seed are compared with each other. A change counts only if the confidence interval of the
median of the ratios leaves out 1.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from huddle_lab.report.groups import GroupKey, RowGroup, beside, group, seconds
from huddle_lab.report.statistic import Estimate
from huddle_lab.runs.rows import Row


@dataclass(frozen=True, slots=True)
class Difference:
    """One group in both files; `ratio` is after divided by before."""

    key: GroupKey
    before: float
    after: float
    ratio: Estimate

    @property
    def verdict(self) -> str:
        """slower, faster, no difference seen, or too few runs."""
        if self.ratio.low is None or self.ratio.high is None:
            return "too few runs"
        if self.ratio.low > 1:
            return "slower"
        return "faster" if self.ratio.high < 1 else "no difference seen"


@dataclass(frozen=True, slots=True)
class Comparison:
    """All changes, and what only one of the files has."""

    changes: tuple[Difference, ...]
    only_before: tuple[GroupKey, ...]
    only_after: tuple[GroupKey, ...]
    machines_differ: bool


def compare(before: Iterable[Row], after: Iterable[Row]) -> Comparison:
    """Compare the times of two files."""
    first, second = list(before), list(after)
    one, other = _finished(first), _finished(second)
    changes = []
    for key in one.keys() & other.keys():
        then, now = one[key].of(seconds), other[key].of(seconds)
        found = beside(one[key], other[key])
        if then is not None and now is not None and found is not None:
            changes.append(Difference(key, then.value, now.value, found))
    return Comparison(
        tuple(sorted(changes, key=lambda change: change.key)),
        tuple(sorted(one.keys() - other.keys())),
        tuple(sorted(other.keys() - one.keys())),
        {str(row["machine"]) for row in first} != {str(row["machine"]) for row in second},
    )


def _finished(rows: Iterable[Row]) -> dict[GroupKey, RowGroup]:
    return {one.key: one for one in group(rows) if one.rows}
