"""Processors of which parties take turns: one of their own each, or a few that all share.

The work of a party is done in the order in which it came up, one piece after the other; a piece that has
begun ends.
"""

from collections import deque
from collections.abc import Callable

from huddle_lab.simulator.clock import Clock
from huddle_lab.simulator.waking import Waking

Work = tuple[float, Callable[[float], None]]  # how long it takes, and what to do when it begins


class Processors:
    """`count` of them for all parties; None: one for each."""

    def __init__(self, clock: Clock, parties: int, count: int | None, waking: Waking) -> None:
        self._clock, self._waking = clock, waking
        self._free = parties if count is None else count
        self._work: list[deque[Work]] = [deque() for _ in range(parties)]
        self._busy = [False] * parties
        self._idle_since = [0.0] * parties
        self._waiting: deque[int] = deque()

    def do(self, party: int, seconds: float, begun: Callable[[float], None]) -> None:
        """This party has to compute for so long. `begun(when)` is called when it begins."""
        self._work[party].append((seconds, begun))
        if not self._busy[party]:
            self._busy[party] = True
            self._waiting.append(party)
            self._dispatch()

    def _dispatch(self) -> None:
        while self._free and self._waiting:
            self._free -= 1
            party = self._waiting.popleft()
            seconds, begun = self._work[party].popleft()
            now = self._clock.now
            when = now + self._waking.costs(now - self._idle_since[party])
            self._idle_since[party] = when + seconds
            begun(when)
            self._clock.at(when + seconds, self._ended, party)

    def _ended(self, party: int) -> None:
        self._free += 1
        if self._work[party]:
            self._waiting.append(party)
        else:
            self._busy[party] = False
        self._dispatch()
