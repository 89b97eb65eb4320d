"""Errors are shares of the emulated time, of runs that nothing disturbed."""

import pytest

from huddle_lab.simulator import costs, validation
from huddle_lab.simulator.validation import Compared, quantile
from huddle_lab.traces import library
from tests.unit.lab.support import row


def test_rows_are_compared_with_the_trace_of_their_seed() -> None:
    headers = library.headers()
    path, header = next((p, h) for p, h in headers.items() if h.demo == "Secret Santa" and h.parties == 3)
    this = row(
        demo=header.demo, parties=3, seed=header.seed, bytes=library.trace_at(path).sent, network="plain",
        seconds=1.0, scenario={"name": "rtt-80", "title": "80 ms between any two", "source": ""},
    )  # fmt: skip
    others = [{**this, "marks": ["busy: others"]}, {**this, "seed": "x"}, {**this, "outcome": "failed"}]
    (found,) = validation.compare([this, *others], headers, costs.load())
    assert found.emulated == 1.0 and found.simulated > 0.3


def test_the_bar_is_met_or_not_and_short_runs_are_apart() -> None:
    def of(*errors: float, seconds: float = 1.0) -> list[Compared]:
        return [Compared(row(), seconds, seconds * (1 + error)) for error in errors]

    def bar(found: list[Compared]) -> list[bool]:
        return ["NOT" not in one for one in validation.bars(found)]

    assert bar(of(*[0.04] * 19, -0.11)) == [True, True]
    assert bar(of(*[0.04] * 17, *[-0.13] * 3)) == [False, False]
    assert bar(of(*[0.06] * 20)) == [False, False]
    crowded = Compared(row(marks=["crowded: parties waited"]), 1.0, 0.5)
    assert bar([*of(*[0.04] * 9), crowded]) == [False, True]
    assert "NOT met" in validation.markdown([crowded]) and validation.CROWDED in validation.text([crowded])
    assert "less than 0.2 s" in validation.text([*of(0.01), *of(2.0, seconds=0.05)])
    assert validation.lines(of(-0.1))[0][2:] == ("10.0%", "10.0%", "-10.0%")


def test_the_quantile_is_one_of_the_values() -> None:
    assert quantile([1, 2, 3, 4], 0.5) == 3 and quantile([5.0], 0.95) == pytest.approx(5.0)
