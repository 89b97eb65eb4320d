"""`make bench`: one JSON line a figure, `{name, value, unit, reference, ratio}`.

With a bar it has `bar` and `met` as well (bench/figures.py). Each figure is the median of several runs,
and so is its reference, which is measured in turn with it: plain MPyC (TCP, not encrypted) with the same
program, interpreter and machine, or MPyC's own TLS where the name says "by --ssl". Only the ratio means
something on a machine that does other things as well.
"""

import argparse
import asyncio
import statistics
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench.figures import say
from bench.lobby import idle
from bench.parties import HERE, Outcome, plain, session
from bench.seeded import seeded

SANTA = Path(__file__).parents[1] / "programs" / "secret_santa.py"

REFERENCES: dict[str, Callable[..., Awaitable[Outcome]]] = {
    "": plain,
    ", by --ssl": partial(plain, encrypted=True),
}
"""What MPyC does by itself, and how a figure's name says so."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the parties of a figure run: how many, and whether each has a core of its own."""

    parties: int = 3
    pinned: bool = False

    def __str__(self) -> str:
        return ", two parties with a core each" if self.pinned else ""


SHARED = Place()
OWN_CORE = Place(2, pinned=True)  # as persons have a computer each


def compare(name: str, ours: list[float], unit: str, references: dict[str, list[float]]) -> None:
    """Say the median of ours beside that of each reference."""
    for by, theirs in references.items():
        say(f"{name}{by}", statistics.median(ours), unit, statistics.median(theirs))


async def in_turn(
    times: int,
    program: Path,
    figures: Mapping[str, tuple[str, str]],
    place: Place = SHARED,
    networks: Sequence[str] = ("tls",),
) -> None:
    """Compare what a program prints of itself; `figures` gives the key there, and the unit, by name."""
    ours: dict[str, list[dict[str, float]]] = {network: [] for network in networks}
    theirs: dict[str, list[dict[str, float]]] = {by: [] for by in REFERENCES}
    for _ in range(times):
        for by, run in REFERENCES.items():
            theirs[by].append((await run(program, (), place.parties, pinned=place.pinned)).json())
        for network, found in ours.items():
            outcome = await session(program, (), place.parties, network=network, pinned=place.pinned)
            found.append(outcome.json())
    for name, (key, unit) in figures.items():
        references = {by: [one[key] for one in found] for by, found in theirs.items()}
        for network, found in ours.items():
            compare(f"{name}, {network}{place}", [one[key] for one in found], unit, references)


async def rounds(times: int) -> None:
    """Median times of an output and of a multiplication."""
    figures = {
        "output round p50": ("output_ms", "ms"),
        "multiplication round p50": ("multiplication_ms", "ms"),
    }
    await in_turn(times, HERE / "rounds.py", figures, networks=("tls", "relay"))


async def exchange(times: int) -> None:
    """Two parties tell each other something; they multiply and open without any message."""
    await in_turn(times, HERE / "exchange.py", {"exchange p50": ("exchange_ms", "ms")}, OWN_CORE)


async def throughput(times: int, place: Place, networks: Sequence[str]) -> None:
    """10 MB from one party to another."""
    await in_turn(times, HERE / "throughput.py", {"10 MB one way": ("mb_per_s", "MB/s")}, place, networks)


async def secret_santa(times: int) -> None:
    """Seven kinds of numbers, 8 people; with the same seed, and so the same messages, on all sides."""
    args = ("--size", "8", "--fields")
    ours: list[float] = []
    theirs: dict[str, list[float]] = {by: [] for by in REFERENCES}
    with tempfile.TemporaryDirectory(prefix="huddle-bench-") as folder:
        for number in range(times):
            program = seeded(SANTA, Path(folder), str(number))
            taken, sent = (await session(program, args, 3)).elapsed()
            ours.append(taken / sent * 1e6)
            for by, run in REFERENCES.items():
                taken, also = (await run(program, args, 3)).elapsed()
                if sent != also:
                    raise RuntimeError(f"runs with the same seed sent {sent} and {also} bytes")
                theirs[by].append(taken / sent * 1e6)
    compare("Secret Santa, 7 kinds of numbers, N=8, tls, time by bytes sent", ours, "us/B", theirs)


async def set_up(times: int, parties: int) -> None:
    """From the last `join` typed to MPyC connected everywhere; memory of a supervisor."""
    options = ("--no-prss",) if parties > 10 else ()
    taken = []
    for _ in range(times):
        outcome = await session(HERE / "first_byte.py", (), parties, options=options)
        connected = max(outcome.json(pid)["connected"] for pid in range(parties))
        taken.append(connected - outcome.joined)
    say(
        f"set-up of {parties} parties on one machine, last join to MPyC connected",
        statistics.median(taken),
        "s",
    )
    memory = [
        e["memory_mb"] for one in outcome.events for e in one if e["event"] == "stats" and "memory_mb" in e
    ]
    if memory:
        say(f"memory of a supervisor, {parties} parties", max(memory), "MB")


async def lobby(times: int) -> None:
    """Once is enough: it is an average over time."""
    await idle()


FIGURES: dict[str, Callable[[int], Awaitable[None]]] = {
    "rounds": rounds,
    "exchange": exchange,
    "throughput": partial(throughput, place=SHARED, networks=("tls", "relay")),
    "throughput-pinned": partial(throughput, place=OWN_CORE, networks=("tls",)),
    "secret-santa": secret_santa,
    "set-up": partial(set_up, parties=3),
    "set-up-10": partial(set_up, parties=10),
    "set-up-20": partial(set_up, parties=20),
    "lobby": lobby,
}


async def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument(
        "figures", nargs="*", choices=[[], *FIGURES], help=f"of {', '.join(FIGURES)}; default: all"
    )
    parser.add_argument("--times", type=int, default=7, help="runs of each (default 7)")
    chosen = parser.parse_args()
    for name in chosen.figures or FIGURES:
        await FIGURES[name](chosen.times)


if __name__ == "__main__":
    asyncio.run(main())
