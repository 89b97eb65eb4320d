"""How a figure is said: one JSON line; what it has to reach, and whether it does, is a part of it."""

import json
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bar:
    """At least, or at most, so much: of the ratio to the reference where there is one, else of the value."""

    limit: float
    least: bool = False

    def __str__(self) -> str:
        return f"{'>=' if self.least else '<='} {self.limit:g}"

    def met(self, number: float) -> bool:
        """Whether this number is good enough."""
        return number >= self.limit if self.least else number <= self.limit


BARS = {
    "Secret Santa, 7 kinds of numbers, N=8, tls, time by bytes sent, by --ssl": Bar(1.15),
    "multiplication round p50, tls, by --ssl": Bar(1.4),
    "10 MB one way, tls, by --ssl": Bar(1.5, least=True),
    "set-up of 3 parties on one machine, last join to MPyC connected": Bar(1.2),
    "set-up of 10 parties on one machine, last join to MPyC connected": Bar(4.0),
    "set-up of 20 parties on one machine, last join to MPyC connected": Bar(8.0),
    "processor time of a host, idle in a lobby": Bar(0.5),
    "processor time of a guest, idle in a lobby": Bar(0.5),
}
"""By the name of the figure."""


def line(name: str, value: float, unit: str, reference: float | None = None) -> dict[str, object]:
    """One figure, with its bar where it has one."""
    ratio = None if not reference else round(value / reference, 3)
    shown = None if reference is None else float(f"{reference:.4g}")
    found: dict[str, object] = {
        "name": name, "value": float(f"{value:.4g}"), "unit": unit, "reference": shown, "ratio": ratio,
    }  # fmt: skip
    if bar := BARS.get(name):
        found |= {"bar": str(bar), "met": bar.met(value if ratio is None else ratio)}
    return found


def say(name: str, value: float, unit: str, reference: float | None = None) -> None:
    """Print one figure."""
    print(json.dumps(line(name, value, unit, reference)), flush=True)
