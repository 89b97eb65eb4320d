"""Everybody learns the median salary, and each alone how many of the others earn less.

What is revealed: to all the median (the lower of the two in the middle, where the number of parties is even);
to each party alone the number of those who earn less than itself. Each salary is a private input.

    python compare_salaries.py -M3 -I0 --salary 3100     three parties on this machine, one in each terminal
    python compare_salaries.py -M3 -I1 --salary 2850
    python compare_salaries.py -M3 -I2                   asks for the salary
"""

# /// script
# [tool.huddle]
# title = "Compare salaries"
# learns = "All: the median salary, which is somebody's. You alone: how many earn less than you."
#
# [[tool.huddle.inputs]]
# option = "--salary"
# label = "Your salary a month"
# kind = "integer"
# minimum = 0
# maximum = 1000000000
# help = "A whole number, in the currency that you agreed on."
# ///

import argparse

from mpyc.runtime import mpc

LIMIT = 10**9
SecSalary = mpc.SecInt(32)


def read_salary(text):
    if not text.strip().isdecimal() or int(text) > LIMIT:
        raise argparse.ArgumentTypeError(f"a salary is a whole number from 0 to {LIMIT}")
    return int(text)


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

    async with mpc:
        salaries = mpc.input(SecSalary(salary))
        median = mpc.sorted(salaries)[(len(salaries) - 1) // 2]
        below = [mpc.sum([other < own for other in salaries]) for own in salaries]
        shown = await mpc.output(median)
        # To each party its own number, and None of the others'.
        numbers = await mpc.gather([mpc.output(number, receivers=pid) for pid, number in enumerate(below)])
    print(f"The median salary is {int(shown)}.")
    print(f"{int(numbers[mpc.pid])} of {len(salaries) - 1} others earn less than you.")


if __name__ == "__main__":
    mpc.run(main())
