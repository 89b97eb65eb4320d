"""Processors of which parties take turns: one of their own each, or a few that all share.

The work of a party is done in the order in which it came up, one piece after the other; a piece that
has begun ends. Shared processors are given out as Linux does it: a party that wakes goes to one that is
idle, or else to the one with the shortest queue, and stays there until it has nothing left to do. So
three parties that wake at once on two processors take the time of two, not of one and a half.
"""

from collections import deque
from collections.abc import Callable

from huddle_lab.simulator.clock import Clock
from huddle_lab.simulator.waking import Waking

Work = tuple[float, Callable[[float], None]]  # how long it takes, and what to do when it begins


class _Processor:
    """Its parties that have work, the first of which it works for."""

    __slots__ = ("queue",)

    def __init__(self) -> None:
        self.queue: deque[int] = deque()


class Processors:
    """`count` of them for all parties; None: one for each."""

    def __init__(self, clock: Clock, parties: int, count: int | None, waking: Waking) -> None:
        self._clock, self._waking = clock, waking
        self._processors = [_Processor() for _ in range(count or parties)]
        self._work: list[deque[Work]] = [deque() for _ in range(parties)]
        self._idle_since: list[float | None] = [0.0] * parties  # None: it is somewhere

    def do(self, party: int, seconds: float, begun: Callable[[float], None]) -> None:
        """This party has to compute for so long. `begun(when)` is called when it begins."""
        self._work[party].append((seconds, begun))
        since = self._idle_since[party]
        if since is None:
            return
        chosen = min(self._processors, key=lambda one: len(one.queue))
        late = self._waking.costs(self._clock.now - since)
        self._idle_since[party] = None
        chosen.queue.append(party)
        if len(chosen.queue) == 1:
            self._begin(chosen, late)

    def _begin(self, processor: _Processor, late: float = 0.0) -> None:
        party = processor.queue[0]
        seconds, begun = self._work[party].popleft()
        when = self._clock.now + late
        begun(when)
        self._clock.at(when + seconds, self._ended, processor)

    def _ended(self, processor: _Processor) -> None:
        # What the piece brought about, such as a segment that waited for it, has been asked for before this.
        party = processor.queue.popleft()
        if self._work[party]:
            processor.queue.append(party)
        else:
            self._idle_since[party] = self._clock.now
        if processor.queue:
            self._begin(processor)
