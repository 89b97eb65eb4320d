"""The time that distance and computation ask for: T = compute + rounds x one-way delay + bytes / bandwidth.

compute is what plain MPyC takes for the same computation where packets take no time, on the same machine;
rounds are the messages that followed each other (the largest Lamport depth, counted in a session with the
same seed and delays, because what waits for what depends on these: without delays there are more);
the delay is that of the longest way between two parties, with what the emulator adds of its own; bytes are
those that one party sends to one other. Nothing is fitted.

Where all are equally far apart it is the least time that a run can take. Where they are not, not every round
goes the longest way, so that a run may take less.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from huddle_lab.study.scenarios import REFERENCE

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Model:
    """Its parts and its sum, in seconds."""

    compute_s: float
    rounds: float
    one_way_s: float
    bytes: float
    bandwidth: float  # bytes a second; 0: not limited

    @property
    def seconds(self) -> float:
        """T."""
        sending = self.bytes / self.bandwidth if self.bandwidth else 0.0
        return self.compute_s + self.rounds * self.one_way_s + sending

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        parts = {name: round(value, 6) for name, value in asdict(self).items()}
        return {**parts, "seconds": round(self.seconds, 4)}


class References:
    """What other runs say of each computation: its time without delays, and its rounds."""

    def __init__(self, rows: Iterable[Row] = ()) -> None:
        self._compute: dict[tuple[Any, ...], list[tuple[int, float]]] = {}
        self._rounds: dict[tuple[Any, ...], list[tuple[int, float]]] = {}
        for row in rows:
            self.add(row)

    def add(self, row: Row) -> None:
        """Take a row into account, if it is a good reference."""
        if row["outcome"] != "finished":
            return
        if row["scenario"]["name"] == REFERENCE and row["network"] == "plain":
            for key in _keys(row):
                self._compute.setdefault(key, []).append((len(row["marks"]), row["seconds"]))
        if row["rounds"] is not None:
            for key in _keys(row):
                here = (row["scenario"]["name"], *key)
                self._rounds.setdefault(here, []).append((len(row["marks"]), row["rounds"]))

    def model(
        self, row: Row, one_way_ms: float, calibration: Mapping[str, Any] | None, rate_mbit: float
    ) -> Model | None:
        """The model of that run; None where there is no reference for it."""
        compute = _find(self._compute, _keys(row))
        rounds = 0.0 if row["parties"] == 1 else row["rounds"]
        if rounds is None:
            rounds = _find(self._rounds, [(row["scenario"]["name"], *key) for key in _keys(row)])
        if compute is None or rounds is None:
            return None
        bandwidth = rate_mbit or (calibration or {}).get("mbit_per_s", 0)
        added = added_ms(calibration, one_way_ms) if one_way_ms else 0.0
        per_peer = (row["bytes"] or 0) / max(1, row["parties"] - 1)
        return Model(compute, rounds, (one_way_ms + added) / 1000, per_peer, bandwidth * 1e6 / 8)


def _find(
    found: Mapping[tuple[Any, ...], Sequence[tuple[int, float]]], keys: Sequence[tuple[Any, ...]]
) -> float | None:
    """By the first key that is known, which is the same seed; only by what has the fewest marks."""
    for key in keys:
        if key in found:
            fewest = min(marks for marks, _ in found[key])
            return median(value for marks, value in found[key] if marks == fewest)
    return None


def _keys(row: Row) -> list[tuple[Any, ...]]:
    computation = (row["demo"], row["program"], row["size"], row["parties"])
    return [(*computation, row["seed"]), computation]


def added_ms(calibration: Mapping[str, Any] | None, one_way_ms: float) -> float:
    """The emulator's own part of a delay, by the nearest one that was calibrated."""
    delays = (calibration or {}).get("delays") or []
    nearest = min(delays, key=lambda one: abs(one["delay_ms"] - one_way_ms), default=None)
    return float(nearest["p50_ms"]) if nearest else 0.0
