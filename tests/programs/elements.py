"""Adds the elements of party 0's list: as one array where there is numpy, else one by one."""

from mpyc.numpy import np
from mpyc.runtime import mpc


async def main() -> None:
    secint = mpc.SecInt(32)
    async with mpc:
        if np:
            total = mpc.input(secint.array(np.array([1, 2, 3])), senders=0).sum()
        else:
            total = mpc.sum(mpc.input([secint(number) for number in (1, 2, 3)], senders=0))
        print(f"total: {await mpc.output(total)}, numpy: {np is not None}")


mpc.run(main())
