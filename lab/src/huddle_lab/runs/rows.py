"""Results: one JSON object a line for each run, with all that is needed to repeat and to judge it.

`FIELDS` is the schema, which docs/lab.md shows. A line is written as a whole and at once; what a killed
process left of a line is no line. Rows are plain dictionaries, so that a report needs nothing else.
"""

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from huddle.errors import LocalError

VERSION = 2
NOT_RUN = "not run"
OUTCOMES = ("finished", "failed", NOT_RUN)
Row = dict[str, Any]

_TEXT, _COUNT, _NUMBER, _TABLE, _LIST = (str,), (int,), (int, float), (dict,), (list,)
_NONE = type(None)

FIELDS: dict[str, tuple[tuple[type, ...], str]] = {
    "version": (_COUNT, "of this schema: 2"),
    "id": (_TEXT, "the cell: the digest of all that decides what is run"),
    "when": (_TEXT, "when the run ended, UTC"),
    "attempt": (_COUNT, "1, or more where the runs before were marked or failed"),
    "outcome": (_TEXT, "finished, failed, or not run: the machines have not what the network needs"),
    "error": (_TEXT, "why it failed or was not run"),
    "marks": (_LIST, "what speaks against its figures: busy, crowded or late, each with its reason"),
    "study": (_TABLE, "name and digest of the study's file"),
    "provider": (_TEXT, "where the machines come from"),
    "backend": (_TEXT, "emulator, netem or hosts"),
    "scenario": (_TABLE, "all of the scenario, and source, where its figures are from"),
    "network": (
        _TEXT,
        "plain, plain-dns, plain-ssl, one of Huddle's, or the study's own",
    ),
    "demo": (_TEXT, "its name"),
    "program": (_TEXT, "the digest of its files"),
    "size": (_TEXT, "the name of its size"),
    "args": (_LIST, "its arguments"),
    "parties": (_COUNT, "how many"),
    "repetition": (_COUNT, "from 0"),
    "seed": (_TEXT, "of the parties' random sources"),
    "versions": (_TABLE, "huddle, python, mpyc and what else matters"),
    "commit": (_TEXT, "of Huddle's source, with + where it was changed; empty where unknown"),
    "machine": (_TABLE, "cpu, cores, memory_mb, kernel; of hosts, the first party's"),
    "hosts": (_LIST, "the hosts of the parties: name, region and what they are; empty for netns"),
    "calibration": (
        (dict, _NONE),
        "of the emulator, just before the study went on; of hosts, the round-trip times between them",
    ),
    "one_way_ms": (
        (int, float, _NONE),
        "the longest way of a message between two parties: by the scenario; of hosts, as measured",
    ),
    "seconds": ((int, float, _NONE), "from MPyC connected to MPyC stopped, at the slowest party"),
    "wall_s": ((int, float, _NONE), "from the first process's start to the last one's end"),
    "cpu_s": ((int, float, _NONE), "processor time of all processes of all parties"),
    "program_cpu_s": ((int, float, _NONE), "of these, of the programs alone"),
    "rounds": ((int, _NONE), "one-way trips that must follow each other; null where not counted"),
    "bytes": ((int, _NONE), "by MPyC's count, sent by the party that sent most"),
    "messages": ((int, _NONE), "sent by the party that sent most; null where not counted"),
    "setup": (
        (dict, _NONE),
        "seconds by phase; total: from the last join to connected",
    ),
    "rtt_ms": ((int, float, _NONE), "the largest round-trip time that a link measured"),
    "paths": ((list, _NONE), "networks and paths that links took"),
    "links": (
        (list, _NONE),
        "each link: from, to, its network, path and rtt_ms; trip_ms and mbit where the program measured them",
    ),
    "memory_mb": ((int, float, _NONE), "the most that one party held, supervisor and program"),
    "queue_s": ((int, float, _NONE), "how long a party's processes waited for a processor meanwhile"),
    "foreign": ((int, float, _NONE), "the share of the processors that others used meanwhile, 0 to 1"),
    "late": (
        _TABLE,
        "the emulator's counters: packets, dropped, its lateness, cpu_s",
    ),
}


def check(row: Any, place: str) -> Row:
    """The row, if it is one; LocalError where it is not."""
    if not isinstance(row, dict):
        raise LocalError(f"{place}: this is no row of results")
    if row.get("version") != VERSION:
        raise LocalError(
            f"{place}: a row of version {row.get('version')!r}, not {VERSION}",
            hint="It was written by another version of Huddle.",
        )
    for name, (kinds, _) in FIELDS.items():
        if name not in row:
            raise LocalError(f"{place}: the row has no {name}")
        if name == "outcome" and row[name] not in OUTCOMES:
            raise LocalError(f"{place}: outcome can't be {row[name]!r}")
        if not isinstance(row[name], kinds) or (isinstance(row[name], bool) and bool not in kinds):
            raise LocalError(f"{place}: {name} can't be {row[name]!r}")
    return row


def read(path: Path) -> list[Row]:
    """All rows of a file; one that does not exist has none. LocalError where it holds something else."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return []
    except OSError as exc:
        raise LocalError(f"{path} can't be read: {exc.strerror}") from exc
    rows = []
    for number, line in enumerate(data[: data.rfind(b"\n") + 1].splitlines(), start=1):
        place = f"{path.name}, line {number}"
        try:
            rows.append(check(json.loads(line), place))
        except ValueError as exc:
            raise LocalError(f"{place}: this is no JSON") from exc
    return rows


def append(path: Path, row: Row) -> None:
    """Add a row, after what is whole of the file."""
    check(row, "the new row")
    line = json.dumps(row, ensure_ascii=False, allow_nan=False).encode() + b"\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a+b") as file:
        file.seek(0)
        data = file.read()
        if not data.endswith(b"\n"):
            file.truncate(data.rfind(b"\n") + 1)
        file.write(line)
        file.flush()
        os.fsync(file.fileno())


def best(rows: Iterable[Row]) -> list[Row]:
    """Of each cell the row that counts: one that finished without a mark, or else the one with the fewest."""
    found: dict[str, Row] = {}
    for row in rows:
        other = found.get(row["id"])
        if other is None or _badness(row) <= _badness(other):
            found[row["id"]] = row
    return list(found.values())


def _badness(row: Mapping[str, Any]) -> tuple[int, int]:
    return OUTCOMES.index(row["outcome"]), len(row["marks"])


def settled(rows: Iterable[Row], attempts: int) -> set[str]:
    """The cells that need not run again: done well, or tried as often as is allowed."""
    done: set[str] = set()
    tries: dict[str, int] = {}
    for row in rows:
        if row["outcome"] == NOT_RUN:
            continue
        tries[row["id"]] = tries.get(row["id"], 0) + 1
        if not again(row) or tries[row["id"]] >= attempts:
            done.add(row["id"])
    return done


def again(row: Mapping[str, Any]) -> bool:
    """Whether the run should be repeated: it failed, or something disturbed it that may be gone next time."""
    return row["outcome"] != "finished" or any(not mark.startswith("crowded") for mark in row["marks"])
