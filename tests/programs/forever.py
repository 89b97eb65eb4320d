"""Computes together until somebody ends it; with --ask, waits for a person instead."""

import sys

from mpyc.runtime import mpc

if "--ask" in sys.argv:
    input("Anything? ")


async def main():
    await mpc.start()
    print("computing", flush=True)
    number = mpc.SecInt(32)(1)
    while True:
        number *= await mpc.output(number)


mpc.run(main())
