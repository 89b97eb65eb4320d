"""Needs a module, a package and a table that lie beside it."""

from pathlib import Path

import module
from mpyc.runtime import mpc
from package.inner import three

table = [int(number) for number in (Path(__file__).parent / "table.txt").read_text().split()]


async def main():
    async with mpc:
        numbers = mpc.input(mpc.SecInt(32)(module.double(three()) + sum(table)))
        print("beside:", await mpc.output(mpc.sum(numbers)))


mpc.run(main())
