"""Ends in many ways. The argument says which; party 1 is often the first to be over, party 2 the slow one."""

import asyncio
import os
import subprocess
import sys
import threading
import time

from mpyc.runtime import mpc

how = sys.argv[1]
secint = mpc.SecInt(32)
LONG = 4


async def slow_in_a_thread():
    await asyncio.get_running_loop().run_in_executor(None, time.sleep, LONG)


async def slow_in_a_process():
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", f"import time; time.sleep({LONG})")
    await process.wait()


async def slow():
    """Party 2 works for itself while nothing moves."""
    if how == "thread":
        await slow_in_a_thread()
    elif how == "child":
        await slow_in_a_process()
    elif how == "wait":
        subprocess.run(["sleep", str(LONG)], check=True)  # noqa: ASYNC221 - it is to block the loop
    elif how == "timer":
        await asyncio.sleep(LONG)
    elif how == "queue":
        done = asyncio.Event()
        loop = asyncio.get_running_loop()
        threading.Thread(
            target=lambda: (time.sleep(LONG), loop.call_soon_threadsafe(done.set)), daemon=True
        ).start()
        await done.wait()


async def main():
    await mpc.start()
    total = mpc.sum(mpc.input(secint(mpc.pid + 1)))
    await mpc.gather(total)
    if how == "early" and mpc.pid == 1:
        return  # the others need it still
    if how == "code" and mpc.pid == 1:
        os._exit(3)
    if how == "exit" and mpc.pid == 1:
        sys.stdout.flush()
        os._exit(0)
    if how == "crash" and mpc.pid == 1:
        raise ValueError("something private")
    if how in ("late", "crash") and mpc.pid == 0:
        time.sleep(LONG)  # noqa: ASYNC251 - it is to block the loop
        print("total: kept", flush=True)
        return
    if how == "circle":
        await mpc.transfer("x", senders=[(mpc.pid + 1) % 3], receivers=[mpc.pid])
    if how == "barrier" and mpc.pid == 1:
        return
    if how in ("barrier", "early"):
        await mpc.output(total * total)
    if how == "lock":
        await mpc.output(total)
        await mpc.shutdown()
        if mpc.pid == 0:
            threading.Lock().acquire() and threading.Event().wait()
        return
    if mpc.pid == 2:
        await slow()
    print("total:", await mpc.output(total, receivers=[0]), flush=True)


if how == "never" and mpc.pid == 1:
    threading.Event().wait()
mpc.run(main())
if how in ("late", "crash") and mpc.pid != 0:
    sys.exit(0)
