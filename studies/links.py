"""Measures the links between parties: the round trip of a small message, and how fast a large one gets there.

One pair after the other, so that none disturbs another. Of each pair the party with the lower number prints
what it found, as the lab reads it (`huddle_lab.runs.measured`):

    huddle-lab-links: [{"from": 0, "to": 1, "trip_ms": 80.4, "mbit": 410.0}, ...]

`trip_ms` is the median over several messages there and back through MPyC; `mbit` is the size of the large
message by the time until its answer came, less one such trip.
"""

import argparse
import json
import statistics
import time

from mpyc.runtime import mpc

TRIPS = 9


async def pair(one, other, size):
    """The figures of the two, as the first of them sees them; all parties call it, together."""
    await mpc.transfer(b".")
    taken = []
    for message in [b"."] * TRIPS + [bytes(size)]:
        began = time.perf_counter()
        await mpc.transfer(message if mpc.pid == one else None, senders=[one], receivers=[other])
        await mpc.transfer(b"." if mpc.pid == other else None, senders=[other], receivers=[one])
        taken.append(time.perf_counter() - began)
    trip, large = statistics.median(taken[:-1]), taken[-1]
    mbit = 8e-6 * size / max(large - trip, 1e-4)
    return {"from": one, "to": other, "trip_ms": round(trip * 1000, 3), "mbit": round(mbit, 1)}


async def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mb", type=float, default=8, help="size of the large message (default 8)")
    args = parser.parse_args()
    async with mpc:
        pairs = [(one, other) for other in range(len(mpc.parties)) for one in range(other)]
        found = [await pair(one, other, int(args.mb * 1e6)) for one, other in pairs]
    print("huddle-lab-links:", json.dumps([link for link in found if link["from"] == mpc.pid]))


if __name__ == "__main__":
    mpc.run(main())
