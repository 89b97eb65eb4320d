"""What loss costs a wire is what it cost TCP in the emulator: `scripts/loss.py` measured it."""

import json
import random
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import pytest

from huddle_lab.simulator import wire
from huddle_lab.simulator.clock import Clock
from huddle_lab.simulator.wire import Wire
from huddle_lab.study.shape import Shape

TABLE: dict[str, Any] = json.loads(Path(wire.__file__).with_name("loss.json").read_text())
MEASURED = {
    (one["what"], one["rtt_ms"], one["loss"]): one for one in TABLE["measured"] if one["what"] != "out"
}
TIMES = {"small": 150, "large": 6}
CHAINS = 60
LARGE, LARGE_AT_3 = 0.1, 0.25  # by what large messages are off: at 3% they are a quarter too fast


def times(
    delay: float, loss: float, size: int, count: int, seed: int, out: Sequence[tuple[float, float]] = ()
) -> list[float]:
    """Of messages there, each with its small answer, one after the other."""
    clock, taken = Clock(), [0.0]

    def ask() -> None:
        taken.append(clock.now)
        if len(taken) <= count:
            there.write(len(taken), size)

    shape, source = Shape(delay=delay, loss=loss), random.Random(seed)
    there = Wire(clock, shape, delay, source, lambda number: back.write(number, TABLE["small"]), out=out)
    back = Wire(clock, shape, delay, source, lambda number: ask(), out=out)
    there.write(0, size)
    clock.run()
    return [later - earlier for earlier, later in pairwise(taken)]


def mean_ms(what: str, rtt: float, loss: float) -> tuple[float, float]:
    """Of a message, and its standard error."""
    found = [1000 * mean(times(rtt / 2000, loss, TABLE[what], TIMES[what], seed)) for seed in range(CHAINS)]
    return mean(found), stdev(found) / CHAINS**0.5


@pytest.mark.parametrize(("what", "rtt", "loss"), MEASURED)
def test_loss_costs_what_it_cost_in_the_emulator(what: str, rtt: float, loss: float) -> None:
    """Small messages: what they take longer than without. Large ones: all of it, as windows matter too."""
    measured, unlost = MEASURED[what, rtt, loss], MEASURED[what, rtt, 0.0]
    found, error = mean_ms(what, rtt, loss)
    chance = 3 * (error**2 + measured["error_ms"] ** 2) ** 0.5
    if what == "small":
        more = measured["mean_ms"] - unlost["mean_ms"]
        assert found - rtt == pytest.approx(more, abs=chance + 0.1 * more)
    else:
        share = LARGE_AT_3 if loss > 0.02 else LARGE
        assert found == pytest.approx(measured["mean_ms"], abs=chance + share * measured["mean_ms"])


@pytest.mark.parametrize("measured", [one for one in TABLE["measured"] if one["what"] == "out"])
def test_a_pulled_cable_costs_what_it_cost_in_the_emulator(measured: dict[str, Any]) -> None:
    """What waits is sent again after pauses that double: some seconds later than the cable is back."""
    delay, began = measured["rtt_ms"] / 2000, 1.5
    some = [began + phase * delay / 4 for phase in range(8)]
    found = [1000 * max(times(delay, 0.0, TABLE["small"], 60, 0, [(at, at + TABLE["out_s"])])) for at in some]
    assert mean(found) == pytest.approx(measured["mean_ms"], rel=0.08)
