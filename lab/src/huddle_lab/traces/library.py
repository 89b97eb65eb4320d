"""The traces that come with the lab, and how they are recorded: one for each computation of a study.

Of a computation that draws again by chance, that of several seeds is recorded which sends the median
number of bytes: so a larger size is not faster by luck.
"""

import hashlib
import re
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from huddle_lab.study.study import Demo, Size, Study
from huddle_lab.traces import recording
from huddle_lab.traces.trace import Trace, TraceHeader, header_of, load, save

FOLDER = Path(__file__).with_name("recorded")
SAME_BYTES = 0.001
SUFFIX = ".trace.xz"
Row = Mapping[str, Any]


def seed_of(study: Study, demo: Demo, size: Size, parties: int, repetition: int) -> str:
    """As the cells of a study have it."""
    return f"{study.seed}/{demo.name}/{size.name}/{parties}/{repetition}"


def file_name(header: TraceHeader) -> str:
    """By which a trace is kept."""
    slug = re.sub(r"[^a-z0-9]+", "-", f"{header.demo} {header.size}".lower()).strip("-")
    return f"{slug}-{header.parties}-{hashlib.sha256(header.seed.encode()).hexdigest()[:6]}{SUFFIX}"


def record_demo(demo: Demo, size: Size, parties: int, seeds: Sequence[str], folder: Path) -> Path:
    """Record it with the seed among these that sends the median number of bytes."""
    with tempfile.TemporaryDirectory(prefix="huddle-trace-") as place:
        for name, content in demo.files.items():
            path = Path(place) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        program = Path(place) / demo.entry
        seed = recording.median_seed(program, size.args, parties, seeds)
        trace = recording.record(
            program, size.args, parties, seed, demo=demo.name, size=size.name, digest=demo.digest
        )
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / file_name(trace.header)
    save(trace, target)
    return target


def record_study(
    study: Study, parties: Iterable[int], folder: Path, told: Callable[[str], None], each: bool
) -> None:
    """Record what `folder` has not yet: a trace for each computation, or with `each` one for each seed."""
    known = headers(folder)
    for count in parties:
        for demo in study.demos:
            for size in demo.sizes:
                repetitions = min(study.repetitions, demo.repetitions)
                seeds = [seed_of(study, demo, size, count, n) for n in range(repetitions)]
                for group in [[seed] for seed in seeds] if each else [seeds]:
                    if any(
                        one.seed in group and one.parties == count and one.program == demo.digest
                        for one in known.values()
                    ):
                        continue
                    path = record_demo(demo, size, count, group, folder)
                    told(f"{path.name}, {path.stat().st_size:,} bytes")


def headers(folder: Path = FOLDER) -> dict[Path, TraceHeader]:
    """Of all traces there, in the order of their names."""
    return {path: header_of(path) for path in sorted(folder.glob(f"*{SUFFIX}"))}


@cache
def shipped() -> dict[Path, TraceHeader]:
    """Of those that come with the lab, read once."""
    return headers()


@cache
def trace_at(path: Path) -> Trace:
    """That trace, read once."""
    return load(path)


def trace_of(row: Row, found: Mapping[Path, TraceHeader]) -> Trace | None:
    """The trace of the very computation of a row; None where there is none.

    That is: the same seed, and as many bytes. A program of which only a comment changed has another digest.
    """
    for path, header in found.items():
        if (header.seed, header.demo, header.parties) == (row["seed"], row["demo"], row["parties"]):
            trace = trace_at(path)
            if abs(trace.sent - (row["bytes"] or 0)) <= SAME_BYTES * trace.sent:
                return trace
    return None
