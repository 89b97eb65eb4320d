"""What one run gave, however it was run: the form that plain runs and sessions have in common.

Pure: turns what parties printed into figures. `entry.py` prints them.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from huddle_lab.runs.entry import MARK
from huddle_lab.sites.base import RunFailed

LINKS = "huddle-lab-links:"  # before what a program says of its links, as studies/links.py does


@dataclass(frozen=True, slots=True)
class Measured:
    """Figures of one run. Times in seconds; None is what is not known.

    `seconds` is from connected to stopped, of the party for which it was longest; `sent` (MPyC's count),
    `messages`, `memory_mb` and `queue_s` are those of the party that has most of it.
    """

    seconds: float
    wall_s: float
    cpu_s: float
    program_cpu_s: float | None
    sent: int
    memory_mb: float
    queue_s: float
    setup: Mapping[str, float]
    versions: Mapping[str, str]
    rounds: int | None = None
    messages: int | None = None
    rtt_ms: float | None = None
    paths: tuple[str, ...] = ()
    links: tuple[Mapping[str, Any], ...] = ()
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


def links(outputs: Sequence[str], known: Sequence[Mapping[str, Any]] = ()) -> tuple[dict[str, Any], ...]:
    """What is known of each link, by its session and by a program that measures it.

    A link is one of two parties, so that one of its ends tells of it: that with the lower number.
    """
    found = {(one["from"], one["to"]): dict(one) for one in known}
    for output in outputs:
        for line in output.splitlines():
            if line.startswith(LINKS):
                for one in _measured(line.removeprefix(LINKS)):
                    found.setdefault((one["from"], one["to"]), {}).update(one)
    return tuple(found[ends] for ends in sorted(found))


def _measured(text: str) -> list[dict[str, Any]]:
    """What is right of a line that a program printed."""
    try:
        said = json.loads(text)
    except ValueError:
        return []
    return (
        [
            {name: one[name] for name in ("from", "to", "trip_ms", "mbit")}
            for one in said
            if isinstance(one, dict)
            and all(type(one.get(name)) is int for name in ("from", "to"))
            and all(isinstance(one.get(name), int | float) for name in ("trip_ms", "mbit"))
        ]
        if isinstance(said, list)
        else []
    )


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


def program_cpu(parties: Sequence[Mapping[str, Any]]) -> float | None:
    """Processor time of all programs; None where one could not tell, as in a browser."""
    taken = [one["cpu"] for one in parties]
    return None if None in taken else float(sum(taken))


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
        "links": [dict(link) for link in m.links] if m else None,
        "memory_mb": rounded(m.memory_mb if m else None, 1),
        "queue_s": rounded(m.queue_s if m else None),
    }
