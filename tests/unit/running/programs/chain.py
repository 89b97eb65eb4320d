"""A chain of products. In each step every party (of three) sends one message to every other."""

import sys

from mpyc.runtime import mpc


async def main(length):
    field = mpc.SecFld(2**61 - 1)
    async with mpc:
        x, _, _ = mpc.input(field(mpc.pid + 2))
        y = x
        for _ in range(length):
            y = y * x
        print("result", await mpc.output(y, threshold=2))


mpc.run(main(int(sys.argv[1])))
