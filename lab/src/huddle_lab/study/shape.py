"""What a way from one machine to another does to packets, and when each packet gets out of it.

Pure: the time and the random source are arguments, so that tests need no network. Times are in seconds,
rates in bits a second, sizes in bytes.

Invariant: packets of one way keep their order, whatever the jitter and however the shape changes, but for
those that a shorter delay lets overtake what was sent before the change.
"""

import random
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

QUEUE_SECONDS = 0.1  # what a router of a rate keeps; beyond it packets are dropped, so that TCP notices
SEGMENTS_FROM_RATE = 1e9  # below, a segment of 64 KiB would occupy a way for over half a millisecond


@dataclass(frozen=True, slots=True)
class Shape:
    """One direction: delay and jitter (the standard deviation), rate (0: unlimited), loss (0 to 1)."""

    delay: float = 0.0
    jitter: float = 0.0
    rate: float = 0.0
    loss: float = 0.0
    up: bool = True

    def __post_init__(self) -> None:
        if not (0 <= self.delay <= 60 and 0 <= self.jitter <= 60):
            raise ValueError("a delay or jitter is between 0 and 60 seconds")
        if not (self.rate == 0 or 1e3 <= self.rate <= 1e12):
            raise ValueError("a rate is 0 (unlimited) or between 1e3 and 1e12 bits a second")
        if not 0 <= self.loss <= 1:
            raise ValueError("a loss is between 0 and 1")

    @property
    def bears_segments(self) -> bool:
        """Whether many packets may travel as one (TSO) without being dropped or held up as one."""
        return not self.loss and (not self.rate or self.rate >= SEGMENTS_FROM_RATE)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Self:
        """From JSON; ValueError where that is no shape."""
        known = {field.name for field in fields(cls)}
        if not value.keys() <= known:
            raise ValueError(f"a shape has no {', '.join(sorted(value.keys() - known))}")
        for name, content in value.items():
            wanted = bool if name == "up" else (int, float)
            if not isinstance(content, wanted) or (name != "up" and isinstance(content, bool)):
                raise ValueError(f"{name} of a shape can't be {content!r}")
        return cls(**value)


class ShapedPath:
    """The packets from one machine to another. Its shape may change at any time."""

    __slots__ = ("_busy", "_delay", "_jitter", "_last", "_loss", "_random", "_second_per_byte", "shape")

    def __init__(self, shape: Shape, source: random.Random) -> None:
        self._random = source
        self._busy = self._last = 0.0
        self.set(shape)

    def set(self, shape: Shape) -> None:
        """Treat what comes from now on by another shape."""
        self.shape = shape
        self._delay, self._jitter = shape.delay, shape.jitter
        self._loss = shape.loss if shape.up else 1.0
        self._second_per_byte = 8 / shape.rate if shape.rate else 0.0

    def due(self, now: float, size: int) -> float | None:
        """When a packet of `size` bytes that enters now comes out: `now` is at once, None is never."""
        if self._loss and (self._loss >= 1 or self._random.random() < self._loss):
            return None
        at = now
        if self._second_per_byte:
            if self._busy > now:
                if self._busy - now > QUEUE_SECONDS:
                    return None
                at = self._busy
            self._busy = at = at + size * self._second_per_byte
        at += self._delay
        if self._jitter:
            at += self._random.gauss(0, self._jitter)
            at = max(at, self._last, now)
            self._last = at
        return at
