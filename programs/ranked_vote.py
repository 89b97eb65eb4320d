"""A vote in which everybody ranks the options, from the best to the least good.

An option gets no points for a last place, one for the last but one, and so on (Borda's count).

What is revealed, to all: the points of every option. Nobody's ranking is shown; with two parties each works
out the other's.

    python ranked_vote.py -M3 -I0 --options Pizza,Sushi,Curry --ranking Sushi,Pizza,Curry
    python ranked_vote.py -M3 -I1 --options Pizza,Sushi,Curry --ranking Curry,Sushi,Pizza
    python ranked_vote.py -M3 -I2 --options Pizza,Sushi,Curry      asks for the ranking
"""

# /// script
# [tool.huddle]
# title = "Ranked vote"
# learns = "How many points each option got from all together. Nobody's ranking."
#
# [[tool.huddle.inputs]]
# option = "--options"
# label = "The options, with commas between them"
# kind = "text"
# shared = true
# default = "Pizza,Sushi,Curry"
#
# [[tool.huddle.inputs]]
# option = "--ranking"
# label = "All options, the best first, with commas between them"
# kind = "text"
# ///

import argparse

from mpyc.runtime import mpc

SecPoints = mpc.SecInt(32)


def names(text):
    return [name.strip() for name in text.split(",") if name.strip()]


def problem(ranking, options):
    """What is wrong with a ranking; empty where nothing is."""
    if sorted(ranking) == sorted(options):
        return ""
    return f"a ranking has each of these once: {', '.join(options)}"


def ask_ranking(options):
    while reason := problem(ranking := names(input(f"Rank {', '.join(options)}, the best first: ")), options):
        print(reason)
    return ranking


async def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--options", type=names, default="Pizza,Sushi,Curry", help="the same for all")
    parser.add_argument("--ranking", type=names, help="this party's, seen by nobody else")
    args = parser.parse_args()
    if len(set(args.options)) < max(2, len(args.options)):
        parser.error("a vote needs two options or more, all of them different")
    if args.ranking is not None and (reason := problem(args.ranking, args.options)):
        parser.error(reason)
    ranking = ask_ranking(args.options) if args.ranking is None else args.ranking

    last = len(args.options) - 1
    async with mpc:
        points = mpc.input([SecPoints(last - ranking.index(option)) for option in args.options])
        totals = await mpc.output([mpc.sum(list(column)) for column in zip(*points, strict=True)])
    print("| option | points |\n| --- | --- |")
    for total, option in sorted(zip(map(int, totals), args.options, strict=True), reverse=True):
        print(f"| {option} | {total} |")


if __name__ == "__main__":
    mpc.run(main())
