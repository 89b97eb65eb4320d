"""What it costs a party to have been idle: it is woken late, and the caches are cold.

A computation whose messages are 100 ms apart takes several percent longer than distance and computing
explain.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Waking:
    """`points`: after so many seconds of idling, so many more; in order, straight lines between."""

    points: Sequence[tuple[float, float]] = ()

    def costs(self, idle: float) -> float:
        """Seconds that work takes more which begins after so long a pause."""
        place = bisect_right([when for when, _ in self.points], idle)
        if place == len(self.points):
            return self.points[-1][1] if self.points else 0.0
        before, low = self.points[place - 1] if place else (0.0, 0.0)
        after, high = self.points[place]
        return low + (high - low) * (idle - before) / (after - before)
