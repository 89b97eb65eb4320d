"""Who likes whom: two people learn of each other only if both named the other.

Everybody names any number of the others. What is revealed, to two parties alone: whether they named each
other. So who named somebody learns whether that one did too; who named nobody learns nothing.

    python matching.py -M3 -I0 --likes 1,2     three parties on this machine, one in each terminal
    python matching.py -M3 -I1 --likes 0
    python matching.py -M3 -I2 --likes 1
"""

# /// script
# [tool.huddle]
# title = "Matching"
# learns = "You learn who named you, of those whom you named. Nobody else learns it."
#
# [[tool.huddle.inputs]]
# option = "--likes"
# label = "The numbers of those whom you like, with commas between them"
# kind = "text"
# required = false
# help = "The host is number 0, the others follow in the order of the list."
# ///

import argparse

from mpyc.runtime import mpc

SecBit = mpc.SecFld(2**8)


def read_numbers(text):
    try:
        return {int(number) for number in text.split(",") if number.strip()}
    except ValueError:
        raise argparse.ArgumentTypeError("numbers of parties, as in 0,2") from None


def ask_numbers():
    while True:
        try:
            return read_numbers(input("Whom do you like? Numbers: "))
        except argparse.ArgumentTypeError as error:
            print(error)


async def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--likes", type=read_numbers, help="numbers of parties, seen by nobody else")
    args = parser.parse_args()
    parties = range(len(mpc.parties))
    likes = ask_numbers() if args.likes is None else args.likes
    if not likes <= set(parties):
        parser.error(f"the parties have the numbers 0 to {len(parties) - 1}")

    async with mpc:
        named = mpc.input([SecBit(other in likes) for other in parties])
        pairs = [(one, other) for other in parties for one in range(other)]
        both = [named[one][other] * named[other][one] for one, other in pairs]
        # To the two alone; None to everybody else.
        shown = await mpc.gather([mpc.output(bit, [*pair]) for bit, pair in zip(both, pairs, strict=True)])
    mine = [sum(pair) - mpc.pid for pair, match in zip(pairs, shown, strict=True) if match]
    for other in mine:
        print(f"You and party {other} like each other.")
    if not mine:
        print("Nobody whom you named has named you.")


if __name__ == "__main__":
    mpc.run(main())
