"""The k-th largest of everybody's values, such as the median or the second best, and no other one.

What is revealed, to all: the value at that place. Each party gives any number of values; how many each
gave is known to all.

    python ranked_value.py -M3 -I0 --rank 2 --values 7,12    three parties on this machine
    python ranked_value.py -M3 -I1 --rank 2 --values 9
    python ranked_value.py -M3 -I2 --rank 2 --values 3,10,4
"""

# /// script
# [tool.huddle]
# title = "The k-th largest value"
# learns = "The value at that place, and how many values each of you gave."
#
# [[tool.huddle.inputs]]
# option = "--rank"
# label = "Which place, 1 for the largest"
# kind = "integer"
# minimum = 1
# shared = true
# default = "1"
#
# [[tool.huddle.inputs]]
# option = "--values"
# label = "Your values, whole numbers with commas between them"
# kind = "text"
# ///

import argparse

from mpyc.runtime import mpc

LIMIT = 10**9
SecValue = mpc.SecInt(32)


def read_values(text):
    try:
        values = [int(value) for value in text.split(",") if value.strip()]
    except ValueError:
        values = [LIMIT + 1]
    if any(abs(value) > LIMIT for value in values):
        raise argparse.ArgumentTypeError(f"values are whole numbers from -{LIMIT} to {LIMIT}, as in 7,12")
    return values


async def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rank", type=int, default=1, help="1 for the largest, the same for all (default 1)")
    parser.add_argument("--values", type=read_values, required=True, help="this party's, seen by nobody else")
    args = parser.parse_args()

    async with mpc:
        counts = await mpc.transfer(len(args.values))
        if not 1 <= args.rank <= sum(counts):
            print(f"There are {sum(counts)} values, so there is no place {args.rank}.")
            return
        values = []
        for pid, count in enumerate(counts):
            mine = args.values if pid == mpc.pid else [0] * count
            values += mpc.input([SecValue(value) for value in mine], senders=pid) if count else []
        found = await mpc.output(mpc.sorted(values)[-args.rank])
    print(f"Place {args.rank} of {len(values)}: {int(found)}")


if __name__ == "__main__":
    mpc.run(main())
