"""Treats its event loop in its own way; the argument says in which."""

import asyncio
import os
import sys
import threading

how = sys.argv[1]
AGAIN = [sys.executable, *sys.argv]  # MPyC takes its own options away when it is imported

if how == "exec" and "HUDDLE_TEST_AGAIN" not in os.environ:
    os.environ["HUDDLE_TEST_AGAIN"] = "1"
    os.execv(sys.executable, AGAIN)  # noqa: S606 - to hash as it wants, say
if how == "execve" and "HUDDLE_TEST_AGAIN" not in os.environ:
    os.execve(  # noqa: S606
        sys.executable, AGAIN, {**os.environ, "HUDDLE_TEST_AGAIN": "1"}
    )
if how == "direct":
    asyncio.set_event_loop(asyncio.SelectorEventLoop())
if how == "policy":
    asyncio.set_event_loop_policy(asyncio.DefaultEventLoopPolicy())
if how == "new":
    asyncio.set_event_loop(asyncio.new_event_loop())
if how == "uvloop":
    import uvloop

    uvloop.install()
if how == "class":

    class Mine(asyncio.SelectorEventLoop):
        """A loop of one's own."""

    asyncio.set_event_loop(Mine())
if how == "nest":
    import nest_asyncio

    asyncio.set_event_loop(asyncio.SelectorEventLoop())
    nest_asyncio.apply()


def compute():
    from mpyc.runtime import mpc

    async def main():
        async with mpc:
            print("sum:", await mpc.output(mpc.sum(mpc.input(mpc.SecInt(32)(mpc.pid + 1)))), flush=True)

    return mpc, main


if how in ("run", "runner"):

    async def outer():
        _, main = compute()
        await main()
        await main()

    if how == "run":
        asyncio.run(outer())
    else:
        import uvloop

        uvloop.run(outer())
elif how == "thread":

    def work():
        asyncio.set_event_loop(asyncio.new_event_loop())
        mpc, main = compute()
        mpc.run(main())
        mpc.run(main())

    worker = threading.Thread(target=work)
    worker.start()
    worker.join()
else:
    mpc, main = compute()
    mpc.run(main())
    if how == "between" and "HUDDLE_TEST_AGAIN" not in os.environ:
        os.environ["HUDDLE_TEST_AGAIN"] = "1"
        os.execv(sys.executable, AGAIN)  # noqa: S606
    mpc.run(main())
