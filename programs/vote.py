"""A vote by yes or no, in which nobody learns how anybody voted.

What is revealed, to all: how many voted yes, out of how many. Where all voted the same, everybody knows how
all voted; with two parties each works out the other's vote.

    python vote.py -M3 -I0 --vote yes     three parties on this machine, one in each terminal
    python vote.py -M3 -I1 --vote no
    python vote.py -M3 -I2                asks for the vote
"""

# /// script
# [tool.huddle]
# title = "Vote: yes or no"
# learns = "How many voted yes. Not who."
#
# [[tool.huddle.inputs]]
# option = "--question"
# label = "The question"
# kind = "text"
# shared = true
# default = "Shall we?"
#
# [[tool.huddle.inputs]]
# option = "--vote"
# label = "Your vote"
# kind = "choice"
# choices = ["yes", "no"]
# ///

import argparse

from mpyc.runtime import mpc

SecCount = mpc.SecInt(32)


def ask_vote(question):
    while (vote := input(f"{question} yes or no: ").strip().lower()) not in ("yes", "no"):
        print("Please answer yes or no.")
    return vote


async def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--question", default="Shall we?", help="what the vote is about, the same for all")
    parser.add_argument("--vote", choices=("yes", "no"), help="this party's vote, seen by nobody else")
    args = parser.parse_args()
    vote = args.vote or ask_vote(args.question)

    async with mpc:
        votes = mpc.input(SecCount(vote == "yes"))
        yes = int(await mpc.output(mpc.sum(votes)))
    print(f"{args.question} {yes} of {len(votes)} voted yes.")


if __name__ == "__main__":
    mpc.run(main())
