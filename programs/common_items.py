"""What is on everybody's list, without showing the lists (private set intersection).

Each party has a file with one item a line: customers, addresses, titles. Upper and lower case and spaces
around an item make no difference.

What is revealed, to all: the items that stand on all lists, and that no list has more than --size items.
Nothing else: an item of yours that somebody lacks is known to nobody.

    python common_items.py -M3 -I0 --list ada.txt     three parties on this machine, one in each terminal
    python common_items.py -M3 -I1 --list bob.txt
    python common_items.py -M3 -I2 --list cyd.txt
"""

# /// script
# [tool.huddle]
# title = "What we have in common"
# learns = "The items that stand on everybody's list, and nothing about the others."
#
# [[tool.huddle.inputs]]
# option = "--size"
# label = "Room for so many items a list"
# kind = "integer"
# minimum = 1
# maximum = 1000
# shared = true
# default = "20"
#
# [[tool.huddle.inputs]]
# option = "--list"
# label = "Your list"
# kind = "file"
# help = "A text file with one item a line."
# ///

import argparse
import hashlib
import secrets
from pathlib import Path

from mpyc.runtime import mpc

# Items become numbers of 120 bits; two different ones will not become the same.
SecNumber = mpc.SecFld(2**127 - 1)
PRIME = 2**127 - 1


def number_of(item):
    return int.from_bytes(hashlib.sha256(item.encode()).digest()[:15], "big")


def random_numbers(count):
    """Secret random numbers, as long as one party's are random."""
    drawn = mpc.input([SecNumber(secrets.randbelow(PRIME)) for _ in range(count)])
    return [mpc.sum(list(column)) for column in zip(*drawn, strict=True)]


async def common(own):
    """Return which of the first party's numbers all others have too. All lists have the same length."""
    first, *others = mpc.input([SecNumber(number) for number in own])
    masks = random_numbers(len(first) * len(others))
    tests = []
    for number in first:
        # Zero where it is on that list; the random factors leave nothing else to see.
        missing = [mpc.prod([number - theirs for theirs in their_list]) for their_list in others]
        tests.append(mpc.in_prod(missing, [masks.pop() for _ in others]))
    hits = [number for number, test in zip(first, await mpc.output(tests), strict=True) if test == 0]
    return {int(number) for number in await mpc.output(hits)} if hits else set()


async def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=20, help="room for so many items (default 20)")
    parser.add_argument("--list", type=Path, required=True, help="a file with one item a line")
    args = parser.parse_args()
    lines = (line.strip() for line in args.list.read_text(encoding="utf-8").splitlines())
    items = {number_of(line.casefold()): line for line in lines if line}
    if len(items) > args.size:
        parser.error(f"{args.list} has {len(items)} items, and there is room for {args.size}")

    # Every list gets as long as the others, in an order that says nothing.
    padding = [PRIME - 1 - secrets.randbelow(2**125) for _ in range(args.size - len(items))]
    async with mpc:
        found = await common(sorted([*items, *padding]))
    # A number that only fills a list is on no other one.
    for line in sorted(items[number] for number in found if number in items):
        print(f"- {line}")
    print(f"On all lists: {len(found)}.")


if __name__ == "__main__":
    mpc.run(main())
