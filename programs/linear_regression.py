"""Linear regression over tables that nobody shows: each party has rows of its own.

Each party has a CSV file with the same columns; the last one is explained by the others. What is computed is
exact: ordinary least squares over all rows together.

What is revealed, to all: the coefficients, and nothing of the tables but what follows from them. They are
opened exactly, as fractions; with very few rows that says much about these.

    python linear_regression.py -M3 -I0 --table ada.csv    three parties on this machine, one in each terminal
    python linear_regression.py -M3 -I1 --table bob.csv
    python linear_regression.py -M3 -I2 --table cyd.csv
"""

# /// script
# [tool.huddle]
# title = "Linear regression over split tables"
# learns = "The coefficients over all rows together. Nobody's rows."
#
# [[tool.huddle.inputs]]
# option = "--table"
# label = "Your table"
# kind = "table"
# help = "CSV: names, then numbers with at most 3 decimals. The last column is explained by the others."
# ///

import argparse
import csv
import math
import secrets
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from pathlib import Path

from mpyc.runtime import mpc

SCALE = 1000
BOUND = 10**6
MOST_COLUMNS = 7
# The coefficients are fractions of determinants of sums over up to a million rows: small beside it.
PRIME = 2**1279 - 1
SecNumber = mpc.SecFld(PRIME)


def read_table(text):
    """Return the names of the columns and the rows, each number in whole thousandths."""
    try:
        with Path(text).open(encoding="utf-8", newline="") as file:
            names, *rows = csv.reader(file)
        table = [[Decimal(value) * SCALE for value in row] for row in rows if row]
    except (OSError, ValueError, InvalidOperation) as error:
        raise argparse.ArgumentTypeError(f"{text} is no table of numbers: {error}") from None
    if not 2 <= len(names) <= MOST_COLUMNS:
        raise argparse.ArgumentTypeError(f"a table has from 2 to {MOST_COLUMNS} columns")
    for row in table:
        if len(row) != len(names) or any(value % 1 or abs(value) > BOUND * SCALE for value in row):
            raise argparse.ArgumentTypeError(f"each row has {len(names)} numbers with at most 3 decimals")
    return names, [[int(value) for value in row] for row in table]


def moments(rows, width):
    """The matrix and the right side of the normal equations, of one party's rows."""
    full = [[SCALE, *row] for row in rows]
    products = [[sum(row[i] * row[j] for row in full) for j in range(width + 1)] for i in range(width)]
    return [row[:width] for row in products], [row[width] for row in products]


def fraction(number):
    """The fraction of small numbers that this number of the field stands for (Wang's method)."""
    bound = math.isqrt(PRIME // 2)
    above, here, factor_above, factor = PRIME, number % PRIME, 0, 1
    while here > bound:
        above, (quotient, here) = here, divmod(above, here)
        factor_above, factor = factor, factor_above - quotient * factor
    return Fraction(here, factor)


async def solve(matrix, side):
    """Return the solution of secret linear equations, or None where there is none or more than one."""
    size = len(matrix)
    drawn = mpc.input([SecNumber(secrets.randbelow(PRIME)) for _ in range(size * size)])
    numbers = [mpc.sum(list(column)) for column in zip(*drawn, strict=True)]
    mask = [numbers[i * size : (i + 1) * size] for i in range(size)]
    # Of the matrix times a random one nothing can be seen but whether it can be inverted.
    masked = [await mpc.output(row) for row in mpc.matrix_prod(mask, matrix)]
    inverse = inverted([[int(value) for value in row] for row in masked])
    if inverse is None:
        return None
    right = mpc.matrix_prod(mask, [[value] for value in side])
    terms = ([value[0] * factor for value, factor in zip(right, row, strict=True)] for row in inverse)
    solution = [mpc.sum(row) for row in terms]
    return [fraction(int(value)) for value in await mpc.output(solution)]


def inverted(matrix):
    """The inverse modulo the prime, by elimination; None where there is none."""
    size = len(matrix)
    rows = [[*row, *(int(i == j) for j in range(size))] for i, row in enumerate(matrix)]
    for i in range(size):
        pivot = next((row for row in rows[i:] if row[i] % PRIME), None)
        if pivot is None:
            return None
        rows.remove(pivot)
        scale = pow(pivot[i], -1, PRIME)
        pivot = [value * scale % PRIME for value in pivot]
        rows = [[(a - row[i] * b) % PRIME for a, b in zip(row, pivot, strict=True)] for row in rows]
        rows.insert(i, pivot)
    return [row[size:] for row in rows]


async def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--table", type=read_table, required=True, help="a CSV file, seen by nobody else")
    names, rows = parser.parse_args().table

    width = len(names)
    matrix, side = moments(rows, width)
    async with mpc:
        shared = mpc.input([SecNumber(value) for row in [*matrix, side] for value in row])
        total = [mpc.sum(list(column)) for column in zip(*shared, strict=True)]
        secret = [total[i * width : (i + 1) * width] for i in range(width)]
        solution = await solve(secret, total[width * width :])
    if solution is None:
        print("The rows do not determine the coefficients: too few, or columns depend on each other.")
        return
    print(f"| {names[-1]} = | |\n| --- | --- |")
    for name, value in zip(["(constant)", *names[:-1]], solution, strict=True):
        print(f"| {name} | {float(value):.6g} |")


if __name__ == "__main__":
    mpc.run(main())
