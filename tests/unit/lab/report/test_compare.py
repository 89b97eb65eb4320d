"""What changed between two files, and what did not."""

from typing import Any

from huddle_lab.report.compare import compare
from tests.unit.lab.support import row


def file(*seconds: float, **changes: Any) -> list[dict[str, Any]]:
    """One group with these times; the seeds are 0, 1, …"""
    return [
        row(id=f"{changes}{number}", seed=str(number), seconds=taken, **changes)
        for number, taken in enumerate(seconds)
    ]


def test_slower_faster_and_no_difference() -> None:
    base = (1.0, 2.0, 3.0, 4.0, 5.0, 6.0)
    for factor, verdict in ((1.3, "slower"), (0.7, "faster"), (1.0, "no difference seen")):
        (change,) = compare(file(*base), file(*(one * factor for one in base))).changes
        assert change.verdict == verdict
        assert round(change.ratio.value, 6) == factor


def test_runs_with_the_same_seed_are_compared_with_each_other() -> None:
    # The medians are further apart from run to run than from file to file.
    before = tuple(10.0**power for power in range(6))
    (change,) = compare(file(*before), file(*(1.1 * one for one in before))).changes
    assert change.verdict == "slower" and round(change.ratio.value, 6) == 1.1


def test_other_seeds_are_compared_as_a_whole() -> None:
    after = [one | {"seed": f"other {one['seed']}"} for one in file(2.0, 2.1, 1.9, 2.0, 2.2, 1.8)]
    (change,) = compare(file(1.0, 1.1, 0.9, 1.0, 1.2, 0.8), after).changes
    assert change.verdict == "slower"


def test_five_runs_are_too_few() -> None:
    (change,) = compare(file(*[1.0] * 5), file(*[2.0] * 5)).changes
    assert change.verdict == "too few runs"


def test_what_only_one_file_has_is_said() -> None:
    found = compare(file(1.0, 1.0) + file(1.0, network="relay"), file(1.0, 1.0) + file(1.0, network="plain"))
    assert [key.network for key in found.only_before] == ["relay"]
    assert [key.network for key in found.only_after] == ["plain"]
    assert not found.machines_differ
    assert compare(file(1.0), file(1.0, machine={"cpu": "another"})).machines_differ


def test_runs_that_failed_are_no_figures() -> None:
    failed = file(1.0, outcome="failed")
    assert compare(failed, file(1.0)).changes == ()
