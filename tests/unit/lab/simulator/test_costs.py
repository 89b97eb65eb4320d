"""What networks cost is what rows of Links say, and what comes with the lab is of the rows in docs."""

from pathlib import Path

import pytest

from huddle_lab.report import kept
from huddle_lab.runs import rows
from huddle_lab.simulator import costs
from huddle_lab.simulator.simulate import MessageCost
from tests.unit.lab.support import row

ROOT = Path(__file__).parents[4]


def links(network: str, scenario: str, trip: float, mbit: float):  # type: ignore[no-untyped-def]
    link = {"from": 0, "to": 1, "trip_ms": trip, "mbit": mbit}
    place = {"name": scenario, "title": scenario, "source": ""}
    calibration = {"delays": [{"delay_ms": 5.0, "p50_ms": 0.1}], "mbit_per_s": 1000}
    return row(demo="Links", network=network, scenario=place, links=[link], calibration=calibration)


def test_a_message_costs_a_quarter_of_what_there_and_back_takes_longer_and_a_byte_a_half() -> None:
    found = costs.derive([links("plain", "one-region", 3.0, 800), links("tls", "one-region", 3.4, 400)])
    assert found.networks["tls"].message == pytest.approx(1e-4)
    assert found.networks["tls"].byte == pytest.approx((8e-6 / 400 - 8e-6 / 800) / 2)
    assert found.networks["plain"] == MessageCost()


def test_a_pause_costs_what_a_way_takes_beyond_its_delay() -> None:
    found = costs.derive(
        [
            links("plain", "no-delay", 0.2, 900),
            links("plain", "one-region", 2.6, 800),
            links("plain", "rtt-80", 81.2, 80),
        ]
    )
    assert dict(found.waking.points) == pytest.approx({0.002: 1e-4, 0.08: 4e-4})
    assert found.waking.costs(0.041) == pytest.approx(2.5e-4)
    assert found.waking.costs(9.0) == pytest.approx(4e-4) and found.waking.costs(0.0) == 0


def test_those_that_come_with_the_lab_are_of_the_rows_in_the_repository(tmp_path: Path) -> None:
    found = [one for path in kept.of_costs(ROOT / "docs" / "results") for one in rows.read(path)]
    costs.save(costs.derive(found), tmp_path / "costs.json")
    assert (tmp_path / "costs.json").read_text() == costs.SHIPPED.read_text()
