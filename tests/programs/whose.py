"""Says what of a list of files it can read, waits for a line, and adds the parties up."""

import sys

from mpyc.runtime import mpc

for path in sys.argv[1:]:
    try:
        with open(path) as file:
            print(f"{path}: got {file.read()!r}", flush=True)
    except OSError as error:
        print(f"{path}: refused, {type(error).__name__}", flush=True)

input("go on? ")


async def main():
    async with mpc:
        print("total:", await mpc.output(mpc.sum(mpc.input(mpc.SecInt(32)(mpc.pid)))), flush=True)


mpc.run(main())
