"""Uses numpy and gmpy2, as MPyC does where the interpreter has them."""

import gmpy2
import numpy as np
from mpyc.runtime import mpc

secint = mpc.SecInt(32)


async def main():
    async with mpc:
        mine = secint.array(np.arange(4) + mpc.pid)
        total = await mpc.output(mpc.np_sum(mpc.np_vstack(mpc.input(mine)), axis=0))
    print("columns:", [int(number) for number in total], "power:", int(gmpy2.powmod(3, 100, 101)))


mpc.run(main())
