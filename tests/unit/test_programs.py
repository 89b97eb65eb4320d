"""The programs in programs/ under plain MPyC: three processes on this machine, without Huddle."""

import re
import subprocess
import sys

import pytest

from tests.unit.plain_mpyc import PARTIES, PROGRAMS, SECONDS, free_base_port, run


def lots(output: str) -> dict[int, int]:
    found = re.findall(r"Person (\d+) gives a present to person (\d+)\.", output)
    return {int(giver): int(receiver) for giver, receiver in found}


def assert_drawing(drawn: dict[int, int], size: int) -> None:
    assert sorted(drawn) == sorted(drawn.values()) == list(range(size))
    assert all(giver != receiver for giver, receiver in drawn.items())


def test_secret_santa_is_a_permutation_without_fixed_points() -> None:
    outputs = [lots(output) for output in run("secret_santa", "--size", "7")]
    assert [sorted(drawn) for drawn in outputs] == [[0, 3, 6], [1, 4], [2, 5]]
    assert_drawing(outputs[0] | outputs[1] | outputs[2], 7)


def test_secret_santa_draws_over_seven_kinds_of_numbers() -> None:
    drawings = [output.split("Over ")[1:] for output in run("secret_santa", "--size", "8", "--fields")]
    assert [len(drawing) for drawing in drawings] == [7, 7, 7]
    for first, second, third in zip(*drawings, strict=True):
        assert_drawing(lots(first) | lots(second) | lots(third), 8)


def test_secret_santa_needs_two_people() -> None:
    args = [sys.executable, str(PROGRAMS / "secret_santa.py"), "--size", "1"]
    refused = subprocess.run(args, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert refused.returncode == 2
    assert "at least 2 people" in refused.stderr


@pytest.mark.parametrize(
    ("bids", "winner", "price"),
    [((120, 95, 119), 0, 119), ((0, 7, 1_000_000_000), 2, 7), ((5, 95, 95), 1, 95), ((0, 0, 0), 0, 0)],
    ids=["first wins", "last wins", "the lower number wins a tie", "nobody pays"],
)
def test_auction_reveals_winner_and_second_price(bids: tuple[int, ...], winner: int, price: int) -> None:
    outputs = run("auction", private=[["--bid", str(bid)] for bid in bids])
    for pid, output in enumerate(outputs):
        assert f"Party {winner} wins and pays {price}.\n" in output
        assert ("That is you." in output) == (pid == winner)


def test_auction_asks_again_after_a_bid_that_is_none() -> None:
    outputs = run("auction", typed="-1\nmuch\n30\n")
    assert outputs[0].count("a bid is a whole number") == 2
    assert "Party 0 wins and pays 30." in outputs[0]


def test_average_salary_of_options_and_of_what_is_typed() -> None:
    private = [["--salary", "3100"], ["--salary=2850.50"], []]
    outputs = run("average_salary", private=private, typed="nan\n1000\n")
    assert ["The average salary is 2316.83.\n" in output for output in outputs] == [True] * PARTIES
    assert "a salary is an amount" in outputs[2]


def test_the_network_sees_what_it_would_see_in_the_clear() -> None:
    for output in run("cnn_mnist", "--images", "2"):
        assert re.findall(r"sees a (\d), and it is a (\d)", output) == [("6", "6"), ("9", "9")]


@pytest.mark.parametrize(
    ("name", "options", "expected"),
    [
        ("secret_santa", [], "Person 0 gives a present to person "),
        ("auction", ["--bid", "7"], "Party 0 wins and pays 7."),
        ("average_salary", ["--salary", "7"], "The average salary is 7.00."),
    ],
)
def test_plain_m3_starts_the_other_parties_by_itself(name: str, options: list[str], expected: str) -> None:
    args = [
        sys.executable,
        str(PROGRAMS / f"{name}.py"),
        f"-M{PARTIES}",
        "-B",
        str(free_base_port()),
        *options,
    ]
    done = subprocess.run(args, capture_output=True, text=True, timeout=SECONDS, check=True)
    assert expected in done.stdout
