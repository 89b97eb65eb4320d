"""A survey: the average answer of each group, where the group is large enough to hide its members.

Everybody says to which group they belong and gives an answer from 1 to 5. Neither is shown to anybody.

What is revealed, to all: which groups have at least three members (--least), and of these the number of
members and the average answer. Of a smaller group not even its size is told.

    python survey.py -M7 -I0 --groups students,staff --group staff --answer 4      and so on
"""

# /// script
# [tool.huddle]
# title = "Survey, by groups"
# learns = "Size and average answer of each group of three or more. Nobody's group, nobody's answer."
#
# [[tool.huddle.inputs]]
# option = "--groups"
# label = "The groups, with commas between them"
# kind = "text"
# shared = true
# default = "students,staff"
#
# [[tool.huddle.inputs]]
# option = "--group"
# label = "Your group"
# kind = "text"
#
# [[tool.huddle.inputs]]
# option = "--answer"
# label = "Your answer"
# kind = "integer"
# minimum = 1
# maximum = 5
# help = "1: not at all, 5: very much"
# ///

import argparse

from mpyc.runtime import mpc

SecInt = mpc.SecInt(32)
WORST, BEST = 1, 5


def names(text):
    return [name.strip() for name in text.split(",") if name.strip()]


async def summarize(members, answers, least):
    """Return (number, sum of answers) of a group, or None where it has too few members.

    `members` are secret zeros and ones, `answers` secret answers, zero for who is not a member.
    """
    number = mpc.sum(members)
    if not await mpc.output(number >= least):
        return None
    return [int(value) for value in await mpc.output([number, mpc.sum(answers)])]


async def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--groups", type=names, default="students,staff", help="the same for all")
    parser.add_argument("--least", type=int, default=3, help="members that a group must have (default 3)")
    parser.add_argument("--group", required=True, help="this party's group, seen by nobody else")
    parser.add_argument("--answer", type=int, required=True, help="from 1 to 5, seen by nobody else")
    args = parser.parse_args()
    if args.group not in args.groups:
        parser.error(f"there is no group {args.group}, there are {', '.join(args.groups)}")
    if not WORST <= args.answer <= BEST:
        parser.error(f"an answer is a number from {WORST} to {BEST}")

    print("| group | members | average |\n| --- | --- | --- |")
    async with mpc:
        for group in args.groups:
            mine = group == args.group
            given = mpc.input([SecInt(mine), SecInt(args.answer if mine else 0)])
            members, answers = zip(*given, strict=True)
            found = await summarize(list(members), list(answers), args.least)
            if found is None:
                print(f"| {group} | fewer than {args.least} | not shown |")
            else:
                print(f"| {group} | {found[0]} | {found[1] / found[0]:.2f} |")


if __name__ == "__main__":
    mpc.run(main())
