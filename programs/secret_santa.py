"""Secret Santa: draws who gives a present to whom, so that nobody draws their own name.

The lots are drawn inside the multiparty computation: a random permutation without fixed points, which no
party sees. Each person is looked after by one party (person i by party i modulo the number of parties), and
only that party learns to whom the person gives. Unless --size says otherwise there are as many people as
parties, at least 3.

What is revealed: to each party the lots of its own people, and to all how often a drawing had to be
repeated because somebody had drawn their own name.

    python secret_santa.py -M3                    three parties on this machine
    python secret_santa.py -M3 --size 8           eight people
    python secret_santa.py -M3 --size 8 --fields  the same drawing over seven kinds of secret numbers
"""

# /// script
# [tool.huddle]
# title = "Secret Santa"
# learns = "To whom you give a present. Not who gives one to whom else."
# ///

import argparse

from mpyc.random import random_derangement
from mpyc.runtime import mpc


def kinds_of_numbers(size):
    """Seven secure types, small and large, in which the numbers of all people can be told apart."""
    enough = max(size, len(mpc.parties) + 1)
    return {
        "32-bit integers": mpc.SecInt(32),
        "64-bit integers": mpc.SecInt(64),
        "the smallest prime field": mpc.SecFld(min_order=enough, ext_deg=1),
        "a 61-bit prime field": mpc.SecFld(2**61 - 1),
        "a 127-bit prime field": mpc.SecFld(2**127 - 1),
        "a binary field": mpc.SecFld(char=2, min_order=max(enough, 256)),
        "a field of characteristic 3": mpc.SecFld(char=3, min_order=enough),
    }


async def draw(sectype, size):
    """Return the lots of this party's people, as a dictionary from giver to receiver."""
    parties = len(mpc.parties)
    lots = random_derangement(sectype, [sectype(person) for person in range(size)])
    opened = await mpc.gather([mpc.output(lot, receivers=giver % parties) for giver, lot in enumerate(lots)])
    return {giver: int(lot) for giver, lot in enumerate(opened) if lot is not None}


async def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, metavar="N", help="people in the drawing (default: one a party)")
    parser.add_argument("--fields", action="store_true", help="draw over seven kinds of secret numbers")
    args = parser.parse_args()
    size = max(len(mpc.parties), 3) if args.size is None else args.size
    if size < 2:
        parser.error("a drawing needs at least 2 people")

    kinds = kinds_of_numbers(size) if args.fields else {"": mpc.SecInt(32)}
    async with mpc:
        for kind, sectype in kinds.items():
            lots = await draw(sectype, size)
            if kind:
                print(f"Over {kind}:")
            for giver, receiver in lots.items():
                print(f"Person {giver} gives a present to person {receiver}.")


if __name__ == "__main__":
    mpc.run(main())
