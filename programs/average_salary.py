"""The average of the parties' salaries, computed without anybody's salary being shown.

What is revealed, to all: the average, and thereby the total. Of a single salary it says no more than what
follows from these and one's own: two parties can work out each other's, and all but one together that of
the last. Each party's salary is its private input: everybody gives their own, with --salary or when asked.

    python average_salary.py -M3 -I0 --salary 3100     three parties on this machine, one in each terminal
    python average_salary.py -M3 -I1 --salary 2850.50
    python average_salary.py -M3 -I2                   asks for the salary
"""

# /// script
# [tool.huddle]
# title = "Average salary"
# learns = "The average of your salaries. Nobody's salary, if you are three or more."
#
# [[tool.huddle.inputs]]
# option = "--salary"
# label = "Your salary a month"
# kind = "decimal"
# minimum = 0
# maximum = 1000000000
# help = "In the currency that you agreed on."
# ///

import argparse
from decimal import Decimal, InvalidOperation

from mpyc.runtime import mpc

LIMIT = 10**9
SecCents = mpc.SecInt(64)


def read_salary(text):
    try:
        salary = Decimal(text)
        possible = 0 <= salary <= LIMIT
    except InvalidOperation:
        possible = False
    if not possible:
        raise argparse.ArgumentTypeError(f"a salary is an amount from 0 to {LIMIT}")
    return salary


def ask_salary():
    while True:
        try:
            return read_salary(input("Your salary: "))
        except argparse.ArgumentTypeError as error:
            print(error)


async def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--salary", type=read_salary, help="this party's salary, seen by nobody else")
    args = parser.parse_args()
    salary = ask_salary() if args.salary is None else args.salary
    if len(mpc.parties) < 3:
        print("Beware: with fewer than three parties the average gives away the other's salary.")

    async with mpc:
        # Whole cents, because sums of secret integers are exact.
        salaries = mpc.input(SecCents(round(salary * 100)))
        total = await mpc.output(mpc.sum(salaries))
    average = Decimal(total) / 100 / len(salaries)
    print(f"The average salary is {average:.2f}.")


if __name__ == "__main__":
    mpc.run(main())
