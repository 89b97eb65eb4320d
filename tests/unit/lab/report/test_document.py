"""The document's tables have only figures of enough undisturbed runs, and say what is not there."""

from pathlib import Path

import pytest

from huddle_lab.report import document, figures, groups, kept
from huddle_lab.runs import rows
from huddle_lab.traces import library
from tests.unit.lab.support import row

RESULTS = Path(__file__).parents[4] / "docs" / "results"
LOSSY = {"name": "loss-1", "title": "80 ms, 1% lost", "source": "the study", "loss": 0.01}


def runs(count: int, **changes):  # type: ignore[no-untyped-def]
    name = (
        changes.get("network", "tls")
        + str(changes.get("scenario", {}).get("name"))
        + str(changes.get("marks"))
    )
    return [row(id=f"{name}{n}", repetition=n, seed="same", **changes) for n in range(count)]


def test_a_figure_is_of_enough_runs_or_its_row_is_named_below() -> None:
    found = [*runs(7, network="plain", seconds=2.0), *runs(6, network="tls", seconds=3.0),
             *runs(2, network="tls", marks=["busy: others"], seconds=9.0)]  # fmt: skip
    text = document.performance(found, lambda one: True, 7)
    assert "| 80 ms between any two, Low | `plain` | 2.000 (2.000–2.000) |" in text
    assert (
        "| `tls` |" not in text
        and "Secret Santa Low, 3 parties over tls, 80 ms between any two: 6, left out 2" in text
    )
    assert "| `tls` | 3.000 (3.000–3.000) | 1.50 (1.50–1.50) |" in document.performance(
        found, lambda one: True, 6
    )


def test_loss_is_put_beside_the_same_network_without() -> None:
    found = [*runs(7, seconds=2.0), *runs(7, seconds=5.0, scenario=LOSSY)]
    text = document.disturbed(found, lambda one: one.key.scenario == "loss-1", 7)
    assert "| 80 ms, 1% lost | `tls` | 5.00 (5.00–5.00) | 5.00 | 2.50 (2.50–2.50) | 7 |" in text
    assert "huddle lab run disturbed" in document.disturbed(found[:7], lambda one: False, 7)


def test_set_up_is_shown_by_phase_and_empty_columns_are_not() -> None:
    text = document.setups(runs(7, setup={"total": 2.0, "meet": 1.0, "link": 0.25}), 7)
    assert "| network | set-up, s | meet | link | n |" in text and "| 1.00 | 0.25 | 7 |" in text
    assert document.table(("a", "b"), []) == ""


def test_bytes_on_the_wire_are_by_those_that_the_program_sent() -> None:
    path, header = next(
        (p, h) for p, h in library.shipped().items() if (h.demo, h.size, h.parties) == ("CNN", "Low", 3)
    )
    trace = library.trace_at(path)
    this = row(demo="CNN", parties=3, seed=header.seed, bytes=trace.sent, late={"bytes": 2 * trace.total})
    assert document.on_the_wire(this) == 2.0
    assert document.on_the_wire({**this, "seed": "another"}) is None


def test_the_document_says_no_more_than_its_rows(tmp_path: Path) -> None:
    """No table without a line, no plot without rows; seven runs for a figure once there are."""
    text = (RESULTS.parent / "evaluation.md").read_text(encoding="utf-8")
    lines = text.splitlines()
    for above, below in zip(lines, [*lines[1:], ""], strict=True):
        assert not (above.startswith("| ---") and not below.startswith("|")), "a table without a line"
    assert "No rows for this plot yet" not in text and "{{" not in text
    if kept.is_whole(RESULTS):
        found = [one for path in kept.files(RESULTS) for one in rows.read(path)]
        assert document.quiet(found, kept.ENOUGH)
        assert "older rule" not in text and "drew other random numbers" not in text
    else:
        assert "older rule" in text
    assert kept.files(tmp_path) == [] and not kept.is_whole(tmp_path)


def test_where_time_goes_adds_up_to_all_of_it() -> None:
    path, header = next(
        (p, h) for p, h in library.shipped().items() if (h.demo, h.size, h.parties) == ("CNN", "Low", 3)
    )
    place = {
        "name": "two-distant",
        "title": "two distant regions",
        "regions": ["frankfurt", "tokyo"],
        "source": "",
    }
    same = {"demo": "CNN", "seed": header.seed, "bytes": library.trace_at(path).sent, "scenario": place}
    figure = figures.parts(
        groups.group([row(network="plain", seconds=9.0, **same), row(id="x", seed="other")])
    )
    assert figure is not None
    (bar,) = figure.spec["datasets"].values()
    shares = {one["series"]: one["value"] for one in bar}
    assert sum(shares.values()) == pytest.approx(100) and all("9 s" in one["case"] for one in bar)
    assert shares["distance"] > 50 and shares["TCP's windows"] > 5 and shares["computing"] < 10


def test_runs_that_draw_alike_are_compared_with_the_one_right_beside_them() -> None:
    found = [
        row(id=f"{network}{n}", network=network, repetition=n, seed="same", seconds=times * (n + 1.0))
        for n in range(7)
        for network, times in (("plain", 1), ("tls", 2))
    ]
    assert "| `tls` | 8.000 (4.000–12.000) | 2.00 (2.00–2.00) |" in document.performance(
        found, lambda one: True, 7
    )
