"""Computes, does nothing for some seconds, and computes again."""

import asyncio

from mpyc.runtime import mpc


async def main():
    async with mpc:
        await mpc.output(mpc.sum(mpc.input(mpc.SecInt(32)(1))))
        await asyncio.sleep(8)
        print("total", await mpc.output(mpc.sum(mpc.input(mpc.SecInt(32)(1)))))


mpc.run(main())
