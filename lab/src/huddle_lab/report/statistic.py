"""Medians and how sure they are: confidence intervals by the bootstrap, repeatable because seeded."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

RESAMPLES = 2000
ENOUGH = 6  # values for an interval: of fewer the bootstrap's is too narrow
LEVEL = 0.95
_SEED = 1


@dataclass(frozen=True, slots=True)
class Estimate:
    """A median of `n` values with its confidence interval; None where they are fewer than ENOUGH."""

    value: float
    n: int
    low: float | None = None
    high: float | None = None


def estimate(values: Sequence[float]) -> Estimate:
    """The median of these; at least one."""
    if len(values) < ENOUGH:
        return Estimate(median(values), len(values))
    source = random.Random(_SEED)  # noqa: S311 - so that the same rows give the same report
    low, high = _interval([median(_again(values, source)) for _ in range(RESAMPLES)])
    return Estimate(median(values), len(values), low, high)


def ratio(before: Sequence[float], after: Sequence[float]) -> Estimate:
    """The median of `after` divided by that of `before`; n is the smaller number."""
    value, n = median(after) / median(before), min(len(before), len(after))
    if n < ENOUGH:
        return Estimate(value, n)
    source = random.Random(_SEED)  # noqa: S311 - so that the same rows give the same report
    ratios = [median(_again(after, source)) / median(_again(before, source)) for _ in range(RESAMPLES)]
    low, high = _interval(ratios)
    return Estimate(value, n, low, high)


def _again(values: Sequence[float], source: random.Random) -> list[float]:
    return source.choices(values, k=len(values))


def _interval(found: list[float]) -> tuple[float, float]:
    found.sort()
    beyond = int(len(found) * (1 - LEVEL) / 2)
    return found[beyond], found[-1 - beyond]
