"""How fast a large message goes one way, from party 0 to party 1, printed as JSON in MB/s.

The receiver answers with one byte, so that the time ends when it has everything.
"""

import argparse
import json
import statistics
import time

from mpyc.runtime import mpc


async def rates(size: int, repetitions: int) -> list[float]:
    """Megabytes (10^6) a second, once for each repetition."""
    block = b"\x5a" * size
    found = []
    for _ in range(repetitions):
        await mpc.transfer(b"", senders=[0, 1], receivers=[0, 1])
        start = time.perf_counter()
        await mpc.transfer(block if mpc.pid == 0 else None, senders=[0], receivers=[1])
        await mpc.transfer(b"1", senders=[1], receivers=[0])
        found.append(size / (time.perf_counter() - start) / 1e6)
    return found


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", type=int, default=10_000_000)
    parser.add_argument("--repetitions", type=int, default=7)
    args = parser.parse_args()
    async with mpc:
        found = await rates(args.size, args.repetitions)
    print(json.dumps({"mb_per_s": statistics.median(found)}))


mpc.run(main())
