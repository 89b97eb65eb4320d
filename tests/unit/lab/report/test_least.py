"""No run takes less than its least time, and the matrix is what the simulator makes of the traces."""

from pathlib import Path

import pytest

from huddle_lab.report import kept, matrix
from huddle_lab.report.least import by_model
from huddle_lab.runs import rows
from huddle_lab.simulator import costs, places
from huddle_lab.study.scenarios import shipped
from huddle_lab.traces import library

ROOT = Path(__file__).parents[4]
RESULTS = ROOT / "docs" / "results"
LEAST = 0.97
SHORT = 0.02  # seconds: of a shorter run the processor's mood decides


def test_no_run_took_less_than_the_model_says() -> None:
    found = [
        (ratio, row["demo"], row["seed"], row["scenario"]["name"], row["network"])
        for path in kept.files(RESULTS)
        for row in rows.read(path)
        if row["outcome"] == "finished" and row["parties"] > 1 and row["seconds"] > SHORT
        if (ratio := by_model(row)) is not None
    ]
    assert len(found) > 100
    assert min(found)[0] >= LEAST, min(found)


def test_the_simulated_cells_are_what_the_traces_give() -> None:
    cells = matrix.read(RESULTS / "simulated.jsonl")
    seeds = {(header.seed, header.parties): path for path, header in library.headers().items()}
    few = [one for one in cells if one["parties"] <= 3 and one["scenario"] in matrix.THESIS][::5]
    assert few
    for one in few:
        trace = library.trace_at(seeds[one["seed"], one["parties"]])
        scenario = shipped()[1][one["scenario"]]
        found = places.seconds(trace, scenario, costs.load(), one["network"])
        assert found == pytest.approx(one["seconds"], abs=1e-4), (
            "say: .venv/bin/python scripts/simulated.py --anew"
        )


def test_every_trace_has_its_cells_and_none_is_of_another_trace() -> None:
    cells = matrix.read(RESULTS / "simulated.jsonl")
    missing = matrix.missing(library.headers(), cells)
    assert not missing, "say: .venv/bin/python scripts/simulated.py"
    seeds = {(header.seed, header.parties) for header in library.headers().values()}
    assert {(one["seed"], one["parties"]) for one in cells} <= seeds
