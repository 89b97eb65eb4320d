"""The model is the sum that it says it is, from runs that have the same computation."""

import pytest

from huddle_lab.study.model import References, added_ms
from tests.unit.lab.support import NO_DELAY, row

CALIBRATION = row()["calibration"]


def reference(**changes):  # type: ignore[no-untyped-def]
    return row(**{"scenario": NO_DELAY, "network": "plain", "rounds": None, "seconds": 0.5, **changes})


def test_it_is_compute_and_rounds_and_bytes() -> None:
    model = References([reference()]).model(row(rounds=100, bytes=2000), 40.0, CALIBRATION, 8.0)
    assert model is not None
    assert model.one_way_s == pytest.approx(0.0402)  # with what the emulator adds
    assert model.seconds == pytest.approx(0.5 + 100 * 0.0402 + 1000 / 1e6)  # to each of two peers
    assert model.as_dict()["seconds"] == pytest.approx(4.521, abs=1e-3)


def test_without_a_rate_the_emulators_own_throughput_is_the_limit() -> None:
    model = References([reference()]).model(row(bytes=2_000_000), 0.0, CALIBRATION, 0.0)
    assert model is not None and model.one_way_s == 0
    assert model.seconds == pytest.approx(0.5 + 1e6 / 500e6)


def test_a_plain_run_takes_the_rounds_of_a_session_in_the_same_place() -> None:
    elsewhere = row(scenario=NO_DELAY, rounds=170)
    plain = row(network="plain", rounds=None)
    assert References([reference(), elsewhere]).model(plain, 40.0, CALIBRATION, 0) is None
    found = References([reference(), elsewhere, row(rounds=90)]).model(plain, 40.0, CALIBRATION, 0)
    assert found is not None and found.rounds == 90


def test_the_same_seed_is_preferred_and_another_will_do() -> None:
    references = References([reference(seed="1/0", seconds=0.5), reference(seed="1/1", seconds=0.7)])
    for seed, compute in (("1/0", 0.5), ("1/1", 0.7), ("1/9", 0.6)):
        model = references.model(row(seed=seed), 40.0, CALIBRATION, 0)
        assert model is not None and model.compute_s == pytest.approx(compute)


def test_a_disturbed_reference_counts_only_where_there_is_no_other() -> None:
    busy = reference(seconds=3.0, marks=["busy: others"])
    assert References([busy]).model(row(), 40.0, CALIBRATION, 0).compute_s == 3.0  # type: ignore[union-attr]
    both = References([busy, reference()])
    assert both.model(row(), 40.0, CALIBRATION, 0).compute_s == 0.5  # type: ignore[union-attr]


def test_without_a_reference_there_is_no_model() -> None:
    assert References().model(row(), 40.0, CALIBRATION, 0) is None
    failed = reference(outcome="failed", seconds=None)
    assert References([failed, reference(size="High")]).model(row(), 40.0, CALIBRATION, 0) is None


def test_a_party_alone_has_no_rounds() -> None:
    alone = row(parties=1, rounds=None)
    model = References([reference(parties=1)]).model(alone, 0.0, CALIBRATION, 0)
    assert model is not None and model.rounds == 0


def test_what_the_emulator_adds_is_that_of_the_nearest_delay() -> None:
    delays = [{"delay_ms": 5.0, "p50_ms": 0.1}, {"delay_ms": 125.0, "p50_ms": 0.3}]
    assert added_ms({"delays": delays}, 10) == 0.1
    assert added_ms({"delays": delays}, 100) == 0.3
    assert added_ms(None, 100) == 0
