"""A sealed-bid auction in which the highest bidder wins and pays the second highest price.

Paying the second price makes an honest bid the best bid: who names what the thing is worth to them never
pays more than that. Among equal highest bids the one of the party with the lowest number wins.

What is revealed, to all: the number of the winning party and the price that it pays. All other bids, the
winner's own too, stay secret. Each party's bid is its private input: everybody gives their own, with --bid
or when asked.

    python auction.py -M3 -I0 --bid 120     three parties on this machine, one in each terminal
    python auction.py -M3 -I1 --bid 95
    python auction.py -M3 -I2               asks for the bid
"""

# /// script
# [tool.huddle]
# title = "Second-price auction"
# learns = "Who wins, and the price: the second highest bid. No other bid, not even the winner's."
#
# [[tool.huddle.inputs]]
# option = "--bid"
# label = "Your bid"
# kind = "integer"
# minimum = 0
# maximum = 1000000000
# help = "What the thing is worth to you. If you win you pay less."
# ///

import argparse

from mpyc.runtime import mpc

LIMIT = 10**9
SecBid = mpc.SecInt(32)


def read_bid(text):
    if not text.strip().isdecimal() or int(text) > LIMIT:
        raise argparse.ArgumentTypeError(f"a bid is a whole number from 0 to {LIMIT}")
    return int(text)


def ask_bid():
    while True:
        try:
            return read_bid(input("Your bid: "))
        except argparse.ArgumentTypeError as error:
            print(error)


async def settle(bids):
    """Return the winner's number and the second highest of the secret bids."""
    winner, highest = mpc.argmax(bids)
    is_winner = mpc.unit_vector(winner, len(bids))
    # The winner's bid becomes 0, so that the highest of what is left is the second highest.
    others = mpc.vector_sub(bids, mpc.scalar_mul(highest, is_winner))
    return await mpc.output([winner, mpc.max(others)])


async def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bid", type=read_bid, help="this party's bid, seen by nobody else")
    args = parser.parse_args()
    bid = ask_bid() if args.bid is None else args.bid

    async with mpc:
        bids = mpc.input(SecBid(bid))
        winner, price = await settle(bids)
    print(f"Party {winner} wins and pays {price}.")
    if winner == mpc.pid:
        print("That is you.")


if __name__ == "__main__":
    mpc.run(main())
