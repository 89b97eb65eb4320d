"""A clock that is only thought of: what is to happen, in the order of its time."""

import heapq
from collections.abc import Callable
from itertools import count
from typing import Any


class Clock:
    """Discrete events. Those of the same time happen in the order in which they were scheduled."""

    def __init__(self) -> None:
        self.now = 0.0
        self._events: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._numbers = count()

    def at(self, when: float, do: Callable[..., None], *args: Any) -> None:
        """Let this happen then; at once, where that is over."""
        heapq.heappush(self._events, (max(when, self.now), next(self._numbers), do, args))

    def run(self) -> None:
        """Until nothing is left to happen."""
        while self._events:
            self.now, _, do, args = heapq.heappop(self._events)
            do(*args)
