"""Where machines are says how long packets take."""

import pytest

from huddle_lab.study.scenarios import Scenario, shipped

REGIONS, SHIPPED = shipped()


def test_each_region_has_a_time_to_every_other_and_the_source_is_named() -> None:
    assert REGIONS.source
    for one in REGIONS.names:
        for other in REGIONS.names:
            assert REGIONS.between(one, other) == REGIONS.between(other, one) > 0


def test_a_way_between_regions_is_never_shorter_than_one_within() -> None:
    assert min(REGIONS.rtt.values()) > REGIONS.within


def test_parties_are_spread_evenly() -> None:
    two = SHIPPED["two-nearby"]
    assert [two.region(party) for party in range(5)] == [
        "frankfurt", "london", "frankfurt", "london", "frankfurt",
    ]  # fmt: skip


def test_the_shapes_have_half_a_round_trip_each_way_and_the_rendezvous_with_the_host() -> None:
    shapes = SHIPPED["two-nearby"].shapes(3, REGIONS)
    assert set(shapes) == {(0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3)}
    assert shapes[0, 1].delay == pytest.approx(0.0065)
    assert shapes[0, 2].delay == shapes[0, 3].delay == pytest.approx(0.001)
    assert shapes[1, 3].delay == pytest.approx(0.0065)


def test_a_message_by_the_rendezvous_takes_both_ways() -> None:
    far = SHIPPED["rtt-80"]
    assert far.one_way_ms(3, REGIONS) == 40
    assert far.one_way_ms(3, REGIONS, relayed=True) == 80
    assert far.one_way_ms(1, REGIONS) == 0


def test_rate_jitter_and_loss_hold_for_all_ways() -> None:
    scenario = Scenario("x", "x", rtt_ms=10, jitter_ms=2, rate_mbit=5, loss=0.01)
    for shape in scenario.shapes(2, REGIONS).values():
        assert (shape.delay, shape.jitter, shape.rate, shape.loss) == (0.005, 0.002, 5e6, 0.01)
