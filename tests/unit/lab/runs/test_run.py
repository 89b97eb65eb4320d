"""What speaks against a run's figures, and what the calibration makes of its probes."""

import pytest

from huddle_lab.runs.rows import again
from huddle_lab.runs.run import marks
from huddle_lab.sites.calibrate import Calibration, summary
from huddle_lab.sites.host_info import Load, machine
from tests.unit.lab.support import row


@pytest.mark.parametrize(
    ("changes", "kind", "repeat"),
    [
        ({}, "", False),
        ({"foreign": 0.6}, "", False),  # others were there, but nobody waited for them
        ({"foreign": 0.6, "queue_s": 0.5}, "busy", True),
        ({"queue_s": 0.5}, "", False),
        ({"queue_s": 2.0}, "crowded", False),
        ({"late": {"late_p99_ms": 1.5}}, "late", True),
        ({"late": {}, "foreign": None}, "", False),
        ({"seconds": 0.01, "queue_s": 0.03, "foreign": 0.6}, "", False),  # too little to hold against it
    ],
)
def test_a_run_is_marked_by_what_disturbed_it(changes: dict[str, object], kind: str, repeat: bool) -> None:
    found = row(**changes)
    found["marks"] = marks(found)
    assert "".join(mark.partition(":")[0] for mark in found["marks"]) == kind
    assert again(found) is repeat


def test_the_added_delay_is_what_a_packet_took_beyond_its_delay() -> None:
    taken = [0.0401] * 98 + [0.0402, 0.045]
    found = summary(0.04, 101, taken)
    assert (found.delay_ms, found.probes, found.lost) == (40, 101, 1)
    assert found.p50_ms == pytest.approx(0.1) and found.p99_ms == pytest.approx(5.0)
    good = summary(0.04, 3, [0.0401] * 3)
    assert Calibration("emulator", True, (good,), 3000).good
    assert not Calibration("emulator", True, (good,), 1000).good
    assert not Calibration("emulator", True, (found,), 3000).good
    assert not Calibration("emulator", True, (summary(0.04, 3, []),), 3000).good


def test_the_machine_is_described_and_its_load_measured() -> None:
    found = machine()
    assert found["cpu"] and found["cores"] >= 1 and found["memory_mb"] > 100
    load = Load()
    sum(range(3_000_000))
    assert (load.foreign(1e9) or 0.0) == 0.0
    share = load.foreign(0.0)
    assert share is None or 0 <= share <= 1
