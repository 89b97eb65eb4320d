"""How long parties take to tell each other something: the median of `mpc.transfer`, as JSON, in milliseconds.

Two parties can have no threshold but 0, with which MPyC multiplies and opens without a message.
"""

import json
import statistics
import time

from mpyc.runtime import mpc


async def main() -> None:
    taken = []
    async with mpc:
        for _ in range(1000):
            start = time.perf_counter()
            await mpc.transfer(mpc.pid)
            taken.append(time.perf_counter() - start)
    print(json.dumps({"exchange_ms": statistics.median(taken) * 1000}))


mpc.run(main())
