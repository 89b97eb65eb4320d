"""`make bench-networks`: what each network costs, one JSON line a figure as in `make bench`.

    python -m bench.networks [NETWORK…] [--times N]

First whole sessions of three parties on this machine, over loopback; the reference is plain MPyC with the
same program, taken in turn. For each network that works there: rounds and a transfer as MPyC sees them, the
round trip that the link proof measured, and the time from the sealed roster until all control links of all
parties are up. Then, as root, a link of each network between two machines (`bench.between`).
"""

import argparse
import asyncio
import os
import statistics
import sys

from bench import between
from bench.figures import say
from bench.parties import HERE, Outcome, plain, session

_ROUNDS = HERE / "rounds.py"
_THROUGHPUT = HERE / "throughput.py"


def links_up(outcome: Outcome) -> float:
    """Seconds from the first party's sealed roster to the last party's last control link."""
    sealed = min(event["time"] for one in outcome.events for event in one if event["event"] == "sealed")
    first = [
        {event["peer"]: event["time"] for event in reversed(one) if _control(event)} for one in outcome.events
    ]
    return float(max(time for one in first for time in one.values()) - sealed)


def proof_rtt(outcome: Outcome) -> float:
    """The median round trip of the control links, as their proofs measured it, in milliseconds."""
    found = [event["rtt_ms"] for one in outcome.events for event in one if _control(event)]
    return float(statistics.median(rtt for rtt in found if rtt is not None))


def _control(event: dict[str, object]) -> bool:
    return event["event"] == "link" and event["run"] == 0


async def network(name: str, times: int) -> None:
    """All figures of one network."""
    runs, plain_runs, sent, plain_sent = [], [], [], []
    for _ in range(times):
        runs.append(await session(_ROUNDS, (), 3, network=name))
        plain_runs.append(await plain(_ROUNDS, (), 3))
        sent.append((await session(_THROUGHPUT, (), 3, network=name)).json()["mb_per_s"])
        plain_sent.append((await plain(_THROUGHPUT, (), 3)).json()["mb_per_s"])
    for figure in ("output_ms", "multiplication_ms"):
        value, reference = (
            statistics.median(run.json()[figure] for run in taken) for taken in (runs, plain_runs)
        )
        say(f"{name}, {figure.removesuffix('_ms')} round p50", value, "ms", reference)
    say(f"{name}, 10 MB one way", statistics.median(sent), "MB/s", statistics.median(plain_sent))
    say(f"{name}, round trip of the link proof", statistics.median(map(proof_rtt, runs)), "ms")
    say(f"{name}, sealed roster to all links up", statistics.median(map(links_up, runs)), "s")


async def main() -> None:
    """Measure the networks that were asked for."""
    parser = argparse.ArgumentParser(prog="bench.networks", description=__doc__)
    parser.add_argument("networks", nargs="*", choices=[[], *between.NETWORKS], help="default: all")
    parser.add_argument("--times", type=int, default=3, help="runs of each (default 3)")
    chosen = parser.parse_args()
    names = chosen.networks or between.NETWORKS
    for name in names:
        if name not in between.TUNNELS:
            await network(name, chosen.times)
    if os.geteuid():
        print("links between two machines: not measured without root", file=sys.stderr)
        return
    for name in names:
        try:
            between.tell(name, await asyncio.to_thread(between.measure, name, chosen.times))
        except RuntimeError as error:  # some networks need what not every machine has
            print(f"{name}, link: not measured: {str(error)[:300]}", file=sys.stderr)


if __name__ == "__main__":
    asyncio.run(main())
