"""`make bench`: one JSON line a figure, `{name, value, unit, reference, ratio}`.

Each figure is the median of several runs, and so is its reference, which is measured in turn with it:
plain MPyC (TCP, not encrypted) with the same program, interpreter and machine, unless the name says
otherwise. Only the ratio means something on a machine that does other things as well.
"""

import argparse
import asyncio
import statistics
import tempfile
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

from bench.figures import say
from bench.parties import HERE, Outcome, plain, session
from bench.seeded import seeded

SANTA = Path(__file__).parents[1] / "programs" / "secret_santa.py"

Measure = Callable[[], Awaitable[float]]


async def in_turn(times: int, first: Measure, second: Measure) -> tuple[float, float]:
    """The medians of two measures that are taken in turn."""
    pairs = [(await first(), await second()) for _ in range(times)]
    return statistics.median(one for one, _ in pairs), statistics.median(two for _, two in pairs)


async def rounds(times: int) -> None:
    """Median times of an output and of a multiplication; three parties."""
    found: dict[str, list[dict[str, float]]] = {"tls": [], "relay": [], "plain": []}
    for _ in range(times):
        found["plain"].append((await plain(HERE / "rounds.py", (), 3)).json())
        for network in ("tls", "relay"):
            found[network].append((await session(HERE / "rounds.py", (), 3, network=network)).json())
    for figure in ("output_ms", "multiplication_ms"):
        reference = statistics.median(one[figure] for one in found["plain"])
        for network in ("tls", "relay"):
            value = statistics.median(one[figure] for one in found[network])
            say(f"{figure.removesuffix('_ms')} round p50, {network}", value, "ms", reference)


async def throughput(times: int) -> None:
    """10 MB from one party to another."""

    async def rate(outcome: Awaitable[Outcome]) -> float:
        return (await outcome).json()["mb_per_s"]

    program = HERE / "throughput.py"
    for network in ("tls", "relay"):
        value, reference = await in_turn(
            times,
            lambda network=network: rate(session(program, (), 3, network=network)),
            lambda: rate(plain(program, (), 3)),
        )
        say(f"10 MB one way, {network}", value, "MB/s", reference)


async def secret_santa(times: int) -> None:
    """Seven kinds of numbers, 8 people; with the same seed, and so the same messages, on both sides."""
    args = ("--size", "8", "--fields")
    found: list[tuple[float, float]] = []
    with tempfile.TemporaryDirectory(prefix="huddle-bench-") as folder:
        for number in range(times):
            program = seeded(SANTA, Path(folder), str(number))
            (ours, sent), (reference, also) = [
                outcome.elapsed()
                for outcome in (await session(program, args, 3), await plain(program, args, 3))
            ]
            if sent != also:
                raise RuntimeError(f"runs with the same seed sent {sent} and {also} bytes")
            found.append((ours / sent * 1e6, reference / sent * 1e6))
    value, reference = (statistics.median(one) for one in zip(*found, strict=True))
    say("Secret Santa, 7 kinds of numbers, N=8, tls, time by bytes sent", value, "us/B", reference)


async def set_up(times: int, parties: int, name: str = "") -> None:
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


FIGURES: dict[str, Callable[[int], Awaitable[None]]] = {
    "rounds": rounds,
    "throughput": throughput,
    "secret-santa": secret_santa,
    "set-up": partial(set_up, parties=3),
    "set-up-5": partial(set_up, parties=5),
    "set-up-10": partial(set_up, parties=10),
    "set-up-20": partial(set_up, parties=20),
}


async def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument(
        "figures", nargs="*", choices=[[], *FIGURES], help=f"of {', '.join(FIGURES)}; default: all"
    )
    parser.add_argument("--times", type=int, default=3, help="runs of each (default 3)")
    chosen = parser.parse_args()
    for name in chosen.figures or FIGURES:
        await FIGURES[name](chosen.times)


asyncio.run(main())
