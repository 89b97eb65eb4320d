"""Finds the date that suits most people, the earliest of several that suit as many.

What is revealed, to all: the date, and how many can come. Nobody's calendar is shown.

    python find_date.py -M3 -I0 --dates 2026-12-01,2026-12-02,2026-12-03 --free 2026-12-02,2026-12-03
    python find_date.py -M3 -I1 --dates 2026-12-01,2026-12-02,2026-12-03 --free 2026-12-03
    python find_date.py -M3 -I2 --dates 2026-12-01,2026-12-02,2026-12-03      asks for the days
"""

# /// script
# [tool.huddle]
# title = "Find a date"
# learns = "The date that suits most of you, and how many can come. Nobody's calendar."
#
# [[tool.huddle.inputs]]
# option = "--dates"
# label = "The dates to choose from, with commas between them"
# kind = "text"
# shared = true
# default = "2026-12-14,2026-12-15,2026-12-16"
#
# [[tool.huddle.inputs]]
# option = "--free"
# label = "The dates on which you can come, with commas between them"
# kind = "text"
# required = false
# help = "Leave it empty if you can come on none of them."
# ///

import argparse
from datetime import date

from mpyc.runtime import mpc

SecCount = mpc.SecInt(32)
DATES = "2026-12-14,2026-12-15,2026-12-16"


def read_dates(text):
    try:
        return sorted({date.fromisoformat(day.strip()) for day in text.split(",") if day.strip()})
    except ValueError:
        raise argparse.ArgumentTypeError("dates are written as in 2026-12-31,2027-01-07") from None


def ask_dates():
    while True:
        try:
            return read_dates(input("On which of them can you come? "))
        except argparse.ArgumentTypeError as error:
            print(error)


async def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dates", type=read_dates, default=DATES, help="the same for all")
    parser.add_argument("--free", type=read_dates, help="this party's free days, seen by nobody else")
    args = parser.parse_args()
    if not args.dates:
        parser.error("there are no dates to choose from")
    print("Dates:", ", ".join(map(str, args.dates)))
    free = ask_dates() if args.free is None else args.free

    async with mpc:
        calendars = mpc.input([SecCount(day in free) for day in args.dates])
        numbers = [mpc.sum(list(column)) for column in zip(*calendars, strict=True)]
        # The first of the largest.
        place, number = await mpc.output([*mpc.argmax(numbers)])
    if number:
        print(f"{args.dates[int(place)]} suits {int(number)} of {len(calendars)}.")
    else:
        print("No date suits anybody.")


if __name__ == "__main__":
    mpc.run(main())
