"""Party 1 leaves by sys.exit in the middle, with the code that it is given."""

import sys

from mpyc.runtime import mpc

code = int(sys.argv[1]) if sys.argv[1].isdigit() else sys.argv[1]


async def main():
    await mpc.start()
    print("total", await mpc.output(mpc.sum(mpc.input(mpc.SecInt(32)(1)))))
    if mpc.pid == 1:
        sys.exit(code)
    await mpc.output(mpc.sum(mpc.input(mpc.SecInt(32)(1))))
    await mpc.shutdown()


mpc.run(main())
