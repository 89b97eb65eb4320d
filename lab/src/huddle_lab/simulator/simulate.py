"""Replays a trace: parties that compute and wait, processors, a network's own cost, and wires between them.

    simulate(trace, Setting(scenario.shapes(3, regions), cost=COSTS["tls"])).seconds

A party's segment begins when all that it waits for is there and its processor is free. What it costs that
a message arrives is computed too. A party counts from when MPyC is connected at it: it connects to those
with higher numbers one after the other, and is connected to those with lower ones when their first bytes
arrive.

What it does not have: queues that several connections share, clock frequencies that change, how a browser
schedules.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from huddle_lab.simulator.clock import Clock
from huddle_lab.simulator.processors import Processors
from huddle_lab.simulator.waking import Waking
from huddle_lab.simulator.wire import Wire
from huddle_lab.study.shape import Shape
from huddle_lab.traces.trace import PartyTrace, Trace

NO_WAKING = Waking()
Shapes = Mapping[tuple[int, int], Shape]


@dataclass(frozen=True, slots=True)
class MessageCost:
    """What a network takes of its own at each end of a link: seconds for a message, and for a byte.

    `relayed`: all goes by way of the rendezvous.
    """

    message: float = 0.0
    byte: float = 0.0
    relayed: bool = False


@dataclass(frozen=True, slots=True)
class Setting:
    """Where a trace is replayed.

    `shapes` has the way between any two (a < b), there and back alike; number m is the rendezvous.
    `slower`: by what each party's processor is slower than the one on which the trace was recorded;
    `processors`: how many all share (None: one each); `added`: what each message needs beyond the
    shape's delay, in seconds; `waking`: what pauses cost. `session`: links are there before MPyC
    connects. Without `windows` TCP sends all at once. `out`: parties whose cable is pulled, from and until.
    """

    shapes: Shapes
    cost: MessageCost = MessageCost()
    slower: Sequence[float] = ()
    processors: int | None = None
    added: float = 0.0
    waking: Waking = NO_WAKING
    session: bool = False
    windows: bool = True
    out: Sequence[tuple[int, float, float]] = ()
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Simulated:
    """What came of it. Seconds from connected to stopped: of each party, and of the slowest."""

    parties: tuple[float, ...]
    sent: int = field(default=0)
    delivered: int = field(default=0)

    @property
    def seconds(self) -> float:
        """Of the slowest party."""
        return max(self.parties)


def simulate(trace: Trace, setting: Setting) -> Simulated:
    """Replay it there."""
    return _Simulation(trace, setting).run()


class _Engine:
    """What handles a party's messages besides its program, one after the other."""

    def __init__(self, clock: Clock, cost: MessageCost, slower: float) -> None:
        self._clock, self._cost, self._slower = clock, cost, slower
        self._free = 0.0

    def done(self, size: int) -> float:
        """When a message that comes now has been handled."""
        taken = (self._cost.message + size * self._cost.byte) * self._slower
        self._free = max(self._free, self._clock.now) + taken
        return self._free


class _Party:
    """What a party still waits for."""

    def __init__(self, trace: PartyTrace) -> None:
        self.trace = trace
        self.missing = [len(one.after) + len(one.messages) for one in trace.segments]
        self.by_segment: dict[int, list[int]] = {}
        self.by_message: dict[tuple[int, int], list[int]] = {}
        self.stopped: float | None = None
        for place, one in enumerate(trace.segments):
            for earlier in one.after:
                self.by_segment.setdefault(earlier, []).append(place)
            for message in one.messages:
                self.by_message.setdefault(message, []).append(place)


class _Simulation:
    def __init__(self, trace: Trace, setting: Setting) -> None:
        self._setting, self._clock = setting, Clock()
        count = len(trace.parties)
        self._slower = [*setting.slower, *[1.0] * (count - len(setting.slower))]
        self._processors = Processors(self._clock, count, setting.processors, setting.waking)
        self._parties = [_Party(one) for one in trace.parties]
        self._engines = [_Engine(self._clock, setting.cost, one) for one in self._slower]
        self._sizes: dict[tuple[int, int, int], int] = {}
        self._wires = {(a, b): self._wire(a, b, count) for a in range(count) for b in range(count) if a != b}
        self._sent = self._delivered = 0

    def _shape(self, a: int, b: int) -> Shape:
        return self._setting.shapes[min(a, b), max(a, b)]

    def _way(self, a: int, b: int) -> tuple[Shape, float]:
        """From one party to another, and the round-trip time by which windows open."""
        if not self._setting.cost.relayed:
            shape = replace(self._shape(a, b), delay=self._shape(a, b).delay + self._setting.added)
            return shape, 2 * shape.delay
        relay = len(self._parties)
        legs = [self._shape(a, relay), self._shape(b, relay)]
        rates = [leg.rate for leg in legs if leg.rate]
        shape = Shape(
            sum(leg.delay for leg in legs) + 2 * self._setting.added,
            max(leg.jitter for leg in legs),
            min(rates, default=0.0),
            1 - (1 - legs[0].loss) * (1 - legs[1].loss),
        )
        return shape, 2 * max(leg.delay for leg in legs)

    def _wire(self, a: int, b: int, count: int) -> Wire:
        shape, trip = self._way(a, b)
        source = random.Random(f"{self._setting.seed}/{a}/{b}/{count}")  # noqa: S311 - repeatable
        trip = max(trip, shape.delay)

        def deliver(number: int) -> None:
            at = self._engines[b].done(self._sizes.pop((a, b, number)))
            self._clock.at(at, self._receive, a, b, number)

        out = [(begin, end) for party, begin, end in self._setting.out if party in (a, b)]
        return Wire(self._clock, shape, shape.delay, source, deliver, trip, self._setting.windows, out)

    def _connected(self) -> list[float]:
        """When each party is, by the delays."""
        count = len(self._parties)
        found = [0.0] * count
        for a in range(count):
            at = 0.0
            for b in range(a + 1, count):
                delay = self._way(a, b)[0].delay
                at += 0.0 if self._setting.session else 2 * delay
                found[a] = max(found[a], at)
                found[b] = max(found[b], at + delay)
        return found

    def run(self) -> Simulated:
        connected = self._connected()
        for pid, party in enumerate(self._parties):
            for place, missing in enumerate(party.missing):
                if not missing:
                    self._clock.at(connected[pid], self._ready, pid, place)
        self._clock.run()
        stopped = [party.stopped for party in self._parties]
        if None in stopped:
            raise ValueError("a party waits for what never comes")
        times = tuple(end - begin for end, begin in zip(stopped, connected, strict=True) if end is not None)
        return Simulated(times, self._sent, self._delivered)

    def _ready(self, pid: int, place: int) -> None:
        segment = self._parties[pid].trace.segments[place]
        slower = self._slower[pid]

        def begun(now: float) -> None:
            for one in segment.sends:
                at = now + one.at * slower
                self._clock.at(at, self._send, pid, one.to, one.number, one.size)
            self._clock.at(now + segment.cpu * slower, self._ended, pid, place)
            party = self._parties[pid].trace
            if place == party.end:
                self._parties[pid].stopped = now + party.end_at * slower

        self._processors.do(pid, segment.cpu * slower, begun)

    def _ended(self, pid: int, place: int) -> None:
        self._satisfied(pid, self._parties[pid].by_segment.get(place, ()))

    def _satisfied(self, pid: int, places: Sequence[int]) -> None:
        missing = self._parties[pid].missing
        for place in places:
            missing[place] -= 1
            if not missing[place]:
                self._ready(pid, place)

    def _send(self, pid: int, to: int, number: int, size: int) -> None:
        self._sent += 1
        self._sizes[pid, to, number] = size
        at = self._engines[pid].done(size)
        self._clock.at(at, self._wires[pid, to].write, number, size)

    def _receive(self, sender: int, pid: int, number: int) -> None:
        self._delivered += 1
        waiting = self._parties[pid].by_message.get((sender, number), ())
        seconds = self._parties[pid].trace.receive * self._slower[pid]

        def begun(now: float) -> None:
            self._clock.at(now + seconds, self._satisfied, pid, waiting)

        self._processors.do(pid, seconds, begun)
