"""Secure arrays over numpy."""

import numpy as np
from mpyc.runtime import mpc


async def main():
    secint = mpc.SecInt(16)
    async with mpc:
        a = mpc.input(secint.array(np.arange(6) + mpc.pid), senders=0)
        print("result", int(await mpc.output(mpc.np_sum(a * a))))


mpc.run(main())
