"""Says which interpreter runs it."""

import sys

from mpyc.runtime import mpc


async def main():
    async with mpc:
        await mpc.barrier()
    print("prefix:", sys.prefix)
    print("argv0:", sys.argv[0], "name:", __name__)


mpc.run(main())
