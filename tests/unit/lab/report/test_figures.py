"""Which groups a figure shows, and how it calls them."""

from huddle_lab.report.figures import overhead
from huddle_lab.report.groups import group
from tests.unit.lab.support import row


def test_the_same_place_of_two_demos_has_a_line_for_each() -> None:
    rows = [
        row(id=f"{demo}{network}", demo=demo, network=network, seconds=seconds)
        for demo in ("Santa", "CNN")
        for network, seconds in (("plain", 1.0), ("tls", 2.0))
    ]
    one, two = (overhead(group(some)) for some in (rows[:2], rows))
    assert one and two
    cases = [
        {line["case"] for some in found.spec["datasets"].values() for line in some} for found in (one, two)
    ]
    assert len(cases[0]) == 1 and len(cases[1]) == 2
    assert {case.partition(",")[0] for case in cases[1]} == {"Santa", "CNN"}
