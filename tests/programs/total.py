"""The sum of everybody's number; also shows what arguments and MPyC flags the program got."""

import argparse

from mpyc.runtime import mpc

parser = argparse.ArgumentParser()
parser.add_argument("--label", default="total")
parser.add_argument("--number", type=int, default=1)
args = parser.parse_args()


async def main():
    async with mpc:
        total = await mpc.output(mpc.sum(mpc.input(mpc.SecInt(32)(args.number))))
    print(f"{args.label}: {total}; mine was {args.number}")
    print(f"threshold {mpc.threshold}; prss {not mpc.options.no_prss}")


mpc.run(main())
