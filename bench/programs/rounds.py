"""How long one round takes: the median time of an output and of a multiplication, printed as JSON.

Every party prints its own medians, in milliseconds; the benchmark reads those of party 0.
"""

import argparse
import json
import statistics
import time

from mpyc.runtime import mpc


async def medians(repetitions: int) -> dict[str, float]:
    """The medians in milliseconds of `mpc.output` and of a multiplication of 64-bit secure integers."""
    secint = mpc.SecInt(64)
    x, y = mpc.input(secint(3 + mpc.pid), senders=[0, 1])
    outputs, products = [], []
    for _ in range(repetitions):
        start = time.perf_counter()
        await mpc.output(x)
        outputs.append(time.perf_counter() - start)
    for _ in range(repetitions):
        start = time.perf_counter()
        await mpc.gather(x * y)
        products.append(time.perf_counter() - start)
    return {
        "output_ms": statistics.median(outputs) * 1000,
        "multiplication_ms": statistics.median(products) * 1000,
    }


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--repetitions", type=int, default=500)
    args = parser.parse_args()
    async with mpc:
        result = await medians(args.repetitions)
    print(json.dumps(result))


mpc.run(main())
