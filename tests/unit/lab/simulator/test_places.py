"""Places are the lab's, or one's own; mistakes are said."""

import pytest

from huddle.errors import LocalError
from huddle_lab.simulator import places


def test_a_place_of_ones_own() -> None:
    (found,) = places.chosen([], ["rtt=80", "loss=1", "rate=20", "jitter=2"])
    assert (found.rtt_ms, found.loss, found.rate_mbit, found.jitter_ms) == (80, 0.01, 20, 2)


def test_the_labs_with_changes() -> None:
    (found,) = places.chosen(["two-distant"], ["loss=0.1"])
    assert found.regions == ("frankfurt", "tokyo") and found.loss == pytest.approx(0.001)
    assert len(places.chosen([])) > 5


@pytest.mark.parametrize("ways", [["rtt"], ["rtt=x"], ["rtt=-1"], ["loss=51"], ["speed=1"], ["rtt=nan"]])
def test_a_way_that_is_none_is_said(ways: list[str]) -> None:
    with pytest.raises(LocalError, match="--way"):
        places.chosen([], ways)


def test_a_scenario_that_is_none_is_said() -> None:
    with pytest.raises(LocalError, match="no scenario"):
        places.chosen(["moon"])
    with pytest.raises(LocalError, match="exclude"):
        places.chosen(["rtt-80"], ["rtt=80"])
