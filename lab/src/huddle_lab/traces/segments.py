"""What a party's program does after what, in segments, while it is recorded.

A segment is work that goes on without waiting. It needs other segments and messages of peers; where a step
needs one segment alone, it belongs to that. So the order in which messages happened to arrive leaves no
trace. Times are seconds of processor time of the process with all its threads, as MPyC multiplies large
arrays in several.
"""

import time
from collections.abc import Callable
from typing import Any

Token = int | tuple[int, int]  # a segment, or sender and number of a message
Needs = frozenset[Token]
NOTHING: Needs = frozenset()


class RecordedSegment:
    """One of them. `ancestors` is a bit set of segments."""

    __slots__ = ("ancestors", "cpu", "needs", "sends")

    def __init__(self, needs: Needs, ancestors: int) -> None:
        self.needs, self.ancestors = needs, ancestors
        self.cpu = 0.0
        self.sends: list[list[Any]] = []


class Recorder:
    """The segments so far, and which of them goes on: None while the event loop is at work."""

    def __init__(self) -> None:
        self.segments: list[RecordedSegment] = []
        self.current: int | None = None
        self.arriving: tuple[int, int] | None = None
        self.recording = False
        self.generation = 0
        self.sent: dict[int, int] = {}
        self.received = 0
        self.end: tuple[int, float] | None = None
        self.total, self.bytes = 0.0, 0
        self._last = self._began = 0.0
        self._unflushed: list[tuple[RecordedSegment, list[Any]]] = []

    def begin(self) -> None:
        """MPyC is connected, or the program begins where there is only one party."""
        self.segments = [RecordedSegment(NOTHING, 0)]
        self.current, self.recording = 0, True
        self._last = self._began = time.process_time()

    def since(self, began: float) -> None:
        """All since that processor time is the first segment's; for a party that is alone."""
        self.segments[0].cpu += self._last - began
        self._began = began

    def stop(self) -> None:
        """MPyC stops."""
        self.switch(self.current)
        self.total = self._last - self._began
        self._flush()
        if self.current is None:
            self.current = self.segment(NOTHING)
        self.end = (self.current, self.segments[self.current].cpu)
        self.recording = False

    def switch(self, segment: int | None) -> None:
        """What the processor does from now on is of that segment."""
        now = time.process_time()
        if self.current is not None and self.recording:
            self.segments[self.current].cpu += now - self._last
        self._last = now
        self.current = segment

    def here(self) -> Needs:
        """What something that is made now needs."""
        if self.arriving is not None:
            return frozenset((self.arriving,))
        return NOTHING if self.current is None else frozenset((self.current,))

    def segment(self, needs: Needs) -> int:
        """The segment of a step that needs this: an old one where it needs only that, or a new one."""
        covered, kept = 0, []
        for one in sorted((one for one in needs if isinstance(one, int)), reverse=True):
            if not covered >> one & 1:
                kept.append(one)
                covered |= self.segments[one].ancestors
        messages = [one for one in needs if not isinstance(one, int)]
        if len(kept) == 1 and not messages:
            return kept[0]
        for one in kept:
            covered |= 1 << one
        self.segments.append(RecordedSegment(frozenset((*kept, *messages)), covered))
        return len(self.segments) - 1

    def need(self, more: Needs) -> None:
        """What goes on now needs this as well."""
        if self.current is None or not self.recording:
            return
        has = self.segments[self.current].ancestors | 1 << self.current
        if all(isinstance(one, int) and has >> one & 1 for one in more):
            return
        self.switch(self.segment(more | {self.current}))

    def step(self, segment: int | None, generation: int, callback: Callable[..., Any], args: Any) -> None:
        """One handle of the event loop."""
        if generation > self.generation:
            self.generation = generation
            self._flush()
        self.switch(segment)
        try:
            callback(*args)
        finally:
            self.switch(None)

    def send(self, to: int, size: int) -> None:
        """A message is written; uvloop sends it at the end of its iteration."""
        number = self.sent[to] = self.sent.get(to, -1) + 1
        if self.current is None or not self.recording:
            return
        self.switch(self.current)
        segment = self.segments[self.current]
        one = [segment.cpu, to, size, number]
        segment.sends.append(one)
        self._unflushed.append((segment, one))

    def _flush(self) -> None:
        for segment, one in self._unflushed:
            one[0] = segment.cpu
        self._unflushed.clear()

    def as_dict(self) -> dict[str, Any]:
        """For the process that puts the parties' records together."""
        computing = sum(one.cpu for one in self.segments)
        return {
            "total": self.total,
            "bytes": self.bytes,
            "receive": max(0.0, self.total - computing) / max(1, self.received),
            "end": self.end,
            "segments": [[one.cpu, sorted(one.needs, key=str), one.sends] for one in self.segments],
        }
