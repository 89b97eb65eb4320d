"""Two computations with a stop between them, which each party spends in its own way.

Each party gives its own number and prints the sum of all, twice. Its private arguments say what it does in
the meantime: nothing, wait for a line, block its event loop in mid-computation, or loop for ever if the
line says so.
"""

import argparse
import time

from mpyc.runtime import mpc

secint = mpc.SecInt(32)


async def add(number, seconds):
    async with mpc:
        numbers = mpc.input(secint(number))
        time.sleep(seconds)  # noqa: ASYNC251 - it is to block the loop
        return int(await mpc.output(mpc.sum(numbers)))


parser = argparse.ArgumentParser()
parser.add_argument("--ask", action="store_true")
parser.add_argument("--block", type=float, default=0)
args = parser.parse_args()

print("first sum", mpc.run(add(mpc.pid + 1, 0)), flush=True)
if args.ask:
    line = input()
    print("typed", line, flush=True)
    while line == "spin":
        pass
if args.block:
    print("blocking", flush=True)
print("second sum", mpc.run(add(10 * (mpc.pid + 1), args.block)), flush=True)
