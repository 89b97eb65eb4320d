"""Sums the numbers in a private file that each party has for itself."""

import os
from pathlib import Path

from mpyc.runtime import mpc

mine = sum(int(line) for line in Path("private.txt").read_text().split())
print("files here:", sorted(os.listdir()))


async def main():
    async with mpc:
        print("all files:", await mpc.output(mpc.sum(mpc.input(mpc.SecInt(32)(mine)))))


mpc.run(main())
