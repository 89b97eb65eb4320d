"""All wait for party 1, which says nothing: who loses it has nothing to send either, and so does not fail."""

import asyncio

from mpyc.runtime import mpc


async def main():
    await mpc.start()
    print("computing", flush=True)
    if mpc.pid == 1:
        await asyncio.sleep(600)
    await mpc.transfer(None, senders=1)


mpc.run(main())
