"""What one run gave, however it was run: the form that plain runs and sessions have in common.

Pure: turns what parties printed into figures. `entry.py` prints them.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from huddle.lab.entry import MARK


class RunFailed(Exception):
    """A run did not come to its end; the text says why."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Figures of one run. Times in seconds; None is what is not known.

    `seconds` is from connected to stopped, of the party for which it was longest; `sent` (MPyC's count),
    `messages`, `memory_mb` and `queue_s` are those of the party that has most of it.
    """

    seconds: float
    wall_s: float
    cpu_s: float
    program_cpu_s: float
    sent: int
    memory_mb: float
    queue_s: float
    setup: Mapping[str, float]
    versions: Mapping[str, str]
    rounds: int | None = None
    messages: int | None = None
    rtt_ms: float | None = None
    paths: tuple[str, ...] = ()
    output: tuple[str, ...] = field(default=(), repr=False)


def figures(output: str) -> tuple[dict[str, Any], str]:
    """The figures in what a program printed, and the rest; RunFailed where there are none."""
    lines = output.splitlines()
    for number in range(len(lines) - 1, -1, -1):
        if lines[number].startswith(MARK):
            try:
                found = json.loads(lines[number][len(MARK) :])
            except ValueError:
                break
            rest = "\n".join(lines[:number] + lines[number + 1 :]).rstrip()
            return found, rest
    raise RunFailed(f"the program printed no figures: {output[-500:]!r}")


def took(parties: Sequence[Mapping[str, Any]]) -> float:
    """From connected to stopped, over all starts, of the slowest party."""
    taken = []
    for one in parties:
        if not one["stopped"] or len(one["stopped"]) != len(one["connected"]):
            raise RunFailed("the program never started MPyC, or did not stop it")
        taken.append(float(sum(one["stopped"]) - sum(one["connected"])))
    return max(taken)


def by_our_clock(found: Mapping[str, Any], ahead: float) -> dict[str, Any]:
    """The figures of a party whose clock is ahead by so many seconds, as if it had ours."""
    moved = {name: [when - ahead for when in found[name]] for name in ("connected", "stopped")}
    return {**found, **moved, "began": found["began"] - ahead}


def connected(parties: Sequence[Mapping[str, Any]]) -> float:
    """When MPyC was connected everywhere for the first time."""
    return max(float(one["connected"][0]) for one in parties)


def versions(parties: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """What the programs ran on."""
    return {"python": parties[0]["python"], **parties[0]["modules"]}


def columns(found: Measured | None) -> dict[str, Any]:
    """The columns of a row that a run fills; all are null where it failed."""

    def rounded(value: float | None, digits: int = 4) -> float | None:
        return None if value is None else round(value, digits)

    m = found
    return {
        "seconds": rounded(m.seconds if m else None),
        "wall_s": rounded(m.wall_s if m else None),
        "cpu_s": rounded(m.cpu_s if m else None),
        "program_cpu_s": rounded(m.program_cpu_s if m else None),
        "rounds": m.rounds if m else None,
        "bytes": m.sent if m else None,
        "messages": m.messages if m else None,
        "setup": {phase: round(taken, 4) for phase, taken in m.setup.items()} if m else None,
        "rtt_ms": m.rtt_ms if m else None,
        "paths": list(m.paths) if m else None,
        "memory_mb": rounded(m.memory_mb if m else None, 1),
        "queue_s": rounded(m.queue_s if m else None),
    }
