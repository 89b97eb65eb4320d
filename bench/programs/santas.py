"""Secret Santa for 2 to 8 people, each time over seven kinds of secret numbers, in one computation."""

from mpyc.runtime import mpc
from secret_santa import draw, kinds_of_numbers


async def main() -> None:
    async with mpc:
        for size in range(2, 9):
            for sectype in kinds_of_numbers(size).values():
                await draw(sectype, size)


mpc.run(main())
