"""The traces that come with the lab are whole and small."""

from huddle_lab.traces import library
from huddle_lab.traces.trace import fault
from tests.unit.lab.support import row


def test_they_are_whole_small_and_named_by_what_they_are_of() -> None:
    found = library.headers()
    assert {one.demo for one in found.values()} >= {"Secret Santa", "CNN"}
    for path, header in found.items():
        assert path.name == library.file_name(header)
        assert path.stat().st_size < 200_000
        if header.parties <= 3:
            assert not fault(library.trace_at(path))
    assert sum(path.stat().st_size for path in found) < 3_000_000


def test_a_row_has_the_trace_of_its_very_computation() -> None:
    path, header = next(
        (p, h) for p, h in library.headers().items() if h.demo == "Secret Santa" and h.parties == 3
    )
    trace = library.trace_at(path)
    this = row(demo=header.demo, parties=3, seed=header.seed, bytes=trace.sent)
    assert library.trace_of(this, library.headers()) is trace
    for change in ({"seed": "another"}, {"bytes": 2 * trace.sent}, {"bytes": None}, {"parties": 5}):
        assert library.trace_of({**this, **change}, library.headers()) is None
