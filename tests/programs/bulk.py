"""Megabytes both ways after a stop: each party sends all others a block of its own and checks theirs."""

import argparse

from mpyc.runtime import mpc

parser = argparse.ArgumentParser()
parser.add_argument("--ask", action="store_true")
args = parser.parse_args()


def block(pid, size):
    return bytes([pid + 1]) * size


async def exchange(size):
    async with mpc:
        got = await mpc.transfer(block(mpc.pid, size))
    return sum(10 * part[0] for pid, part in enumerate(got) if part == block(pid, size))


print("first sum", mpc.run(exchange(1)), flush=True)
if args.ask:
    input()
print("second sum", mpc.run(exchange(2_000_000)), flush=True)
