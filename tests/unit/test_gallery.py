"""The programs of the gallery against plain Python, on random inputs, under plain MPyC."""

import random
import re
import statistics
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path

import pytest

from tests.unit.plain_mpyc import PARTIES, run

SEEDS = range(3)


def everybody(outputs: list[str]) -> str:
    """What all printed, which is the same."""
    assert len(set(outputs)) == 1, outputs
    return outputs[0]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_vote_is_counted(seed: int) -> None:
    votes = random.Random(seed).choices(["yes", "no"], k=PARTIES)
    said = everybody(run("vote", "--question", "Tea?", private=[["--vote", vote] for vote in votes]))
    assert said == f"Tea? {votes.count('yes')} of {PARTIES} voted yes.\n"


def test_a_vote_is_asked_for_until_it_is_one() -> None:
    outputs = run("vote", typed="perhaps\nYES\n")
    assert [output.count("Please answer yes or no.") for output in outputs] == [1, 1, 1]
    assert all("3 of 3 voted yes." in output for output in outputs)


@pytest.mark.parametrize("seed", SEEDS)
def test_points_are_those_of_all_rankings(seed: int) -> None:
    options = ["Pizza", "Sushi", "Curry", "Soup"]
    rankings = [random.Random(seed * PARTIES + pid).sample(options, len(options)) for pid in range(PARTIES)]
    said = everybody(
        run(
            "ranked_vote",
            "--options",
            ",".join(options),
            private=[["--ranking", ",".join(ranking)] for ranking in rankings],
        )
    )
    points = {option: sum(3 - ranking.index(option) for ranking in rankings) for option in options}
    assert {name: int(count) for name, count in re.findall(r"\| (\w+) \| (\d+) \|", said)} == points


@pytest.mark.parametrize("seed", SEEDS)
def test_a_survey_shows_groups_that_are_large_enough(seed: int) -> None:
    chance = random.Random(seed)
    given = [(chance.choice(["a", "b"]), chance.randint(1, 5)) for _ in range(PARTIES)]
    said = everybody(
        run(
            "survey",
            *("--groups", "a,b", "--least", "2"),
            private=[["--group", group, "--answer", str(answer)] for group, answer in given],
        )
    )
    for name in "ab":
        answers = [answer for group, answer in given if group == name]
        row = (
            f"| {name} | {len(answers)} | {statistics.mean(answers):.2f} |"
            if len(answers) >= 2
            else f"| {name} | fewer than 2 | not shown |"
        )
        assert row in said


@pytest.mark.parametrize("seed", SEEDS)
def test_salaries_are_compared(seed: int) -> None:
    salaries = random.Random(seed).choices(range(1, 5), k=PARTIES)
    outputs = run("compare_salaries", private=[["--salary", str(salary)] for salary in salaries])
    for own, output in zip(salaries, outputs, strict=True):
        below = sum(salary < own for salary in salaries)
        assert output == (
            f"The median salary is {sorted(salaries)[1]}.\n{below} of 2 others earn less than you.\n"
        )


@pytest.mark.parametrize("seed", SEEDS)
def test_the_date_suits_most(seed: int) -> None:
    chance = random.Random(seed)
    dates = [date(2026, 12, 28) + timedelta(days) for days in range(6)]
    free = [chance.sample(dates, chance.randint(0, 4)) for _ in range(PARTIES)]
    said = everybody(
        run(
            "find_date",
            "--dates",
            ",".join(map(str, dates)),
            private=[[f"--free={','.join(map(str, days))}"] for days in free],
        )
    )
    numbers = [sum(day in days for days in free) for day in dates]
    best = dates[numbers.index(max(numbers))]
    suits = f"{best} suits {max(numbers)} of {PARTIES}.\n"
    assert said.endswith(suits if max(numbers) else "No date suits anybody.\n")


def test_a_date_that_suits_nobody_is_not_invented() -> None:
    said = everybody(run("find_date", private=[["--free="]] * PARTIES))
    assert said.endswith("No date suits anybody.\n")


@pytest.mark.parametrize("seed", SEEDS)
def test_only_two_who_like_each_other_learn_it(seed: int) -> None:
    chance = random.Random(seed)
    likes = [set(chance.sample(range(PARTIES), chance.randint(0, 2))) - {pid} for pid in range(PARTIES)]
    outputs = run("matching", private=[[f"--likes={','.join(map(str, one))}"] for one in likes])
    for pid, output in enumerate(outputs):
        found = {int(other) for other in re.findall(r"You and party (\d)", output)}
        assert found == {other for other in likes[pid] if pid in likes[other]}


@pytest.mark.parametrize("seed", SEEDS)
def test_common_items_are_those_on_all_lists(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    lists = [chance.sample("pear plum fig lime kiwi date nut rice".split(), 6) for _ in range(PARTIES)]
    for pid, items in enumerate(lists):
        (tmp_path / f"{pid}.txt").write_text("\n".join([*items[:5], items[5].upper()]) + "\n\n")
    outputs = run(
        "common_items",
        "--size",
        "7",
        private=[["--list", str(tmp_path / f"{pid}.txt")] for pid in range(PARTIES)],
    )
    common = set(lists[0]) & set(lists[1]) & set(lists[2])
    for output in outputs:
        assert {item.lower() for item in re.findall(r"- (\w+)", output)} == common
        assert f"On all lists: {len(common)}." in output


def least_squares(rows: list[list[Fraction]]) -> list[Fraction]:
    """The coefficients by Cramer's rule, for one column that explains another."""
    n, xs, ys = Fraction(len(rows)), [x for x, _ in rows], [y for _, y in rows]
    slope = (n * sum(x * y for x, y in rows) - sum(xs) * sum(ys)) / (
        n * sum(x * x for x in xs) - sum(xs) ** 2
    )
    return [(sum(ys) - slope * sum(xs)) / n, slope]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_regression_is_that_over_all_rows(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    tables = [[[chance.randint(-(10**6), 10**6) for _ in "xy"] for _ in range(4)] for _ in range(PARTIES)]
    for pid, table in enumerate(tables):
        lines = [",".join(f"{value / 1000:.3f}" for value in row) for row in table]
        (tmp_path / f"{pid}.csv").write_text("\n".join(["size,price", *lines]))
    said = everybody(
        run(
            "linear_regression", private=[["--table", str(tmp_path / f"{pid}.csv")] for pid in range(PARTIES)]
        )
    )
    constant, slope = least_squares([[Fraction(v, 1000) for v in row] for table in tables for row in table])
    assert said.splitlines()[2:] == [
        f"| (constant) | {float(constant):.6g} |",
        f"| size | {float(slope):.6g} |",
    ]


def test_a_regression_that_has_no_single_answer_says_so(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("x,twice,y\n1,2,3\n2,4,1\n5,10,7\n")
    said = everybody(run("linear_regression", private=[["--table", str(tmp_path / "t.csv")]] * PARTIES))
    assert "do not determine the coefficients" in said


@pytest.mark.parametrize("seed", SEEDS)
def test_the_value_at_a_place_is_shown(seed: int) -> None:
    chance = random.Random(seed)
    given = [[chance.randint(-50, 50) for _ in range(chance.randint(0, 3))] for _ in range(PARTIES)]
    given[0].append(0)
    ordered = sorted((value for values in given for value in values), reverse=True)
    rank = chance.randint(1, len(ordered))
    said = everybody(
        run(
            "ranked_value",
            "--rank",
            str(rank),
            private=[[f"--values={','.join(map(str, values))}"] for values in given],
        )
    )
    assert said == f"Place {rank} of {len(ordered)}: {ordered[rank - 1]}\n"
