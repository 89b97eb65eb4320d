"""Runtimes for browsers: what counts as a figure, and the table beside the thesis's."""

import json
from pathlib import Path

import pytest

from huddle.errors import LocalError
from huddle_lab.report import runtimes as runtimes_report
from huddle_lab.runs import runtimes


class Clockwork:
    """A runtime whose operations take this long and give this."""

    def __init__(self, seconds: float, results: dict[str, str], can: set[str]) -> None:
        self.seconds, self.results, self.can = seconds, results, can

    def repeat(self, benchmark: str, times: int) -> tuple[str, float]:
        return self.results[benchmark], self.seconds * times

    def big(self) -> str:
        return self.results["big"]

    def imports(self, module: str) -> bool:
        return module in self.can


RIGHT = {name: str(number) for number, name in enumerate((*runtimes.BENCHMARKS, "big"))}


def test_operations_are_counted_in_processor_time_and_a_wrong_answer_is_no_figure() -> None:
    found = runtimes.measure(Clockwork(0.004, {**RIGHT, "bigint": "7e9"}, {"os"}), RIGHT, ["os", "ssl"])
    assert found["rates"]["assign"] == pytest.approx(250) and found["rates"]["bigint"] is None
    assert list(found["wrong"]) == ["bigint"] and found["integers"]
    assert (found["imports"], found["missing"]) == (["os"], ["ssl"])
    assert not runtimes.measure(Clockwork(1, {**RIGHT, "big": "0"}, set()), RIGHT, [])["integers"]


def test_cpython_gets_everything_right_and_has_what_mpyc_needs() -> None:
    native = runtimes.Native()
    try:
        assert native.repeat("modular61", 1)[0] == "1323732628063078182"
        assert native.repeat("primes", 1)[0] == "9592" and native.repeat("adding", 1)[1] > 0
        wanted = runtimes.modules()
        assert {"asyncio", "secrets", "functools"} <= set(wanted) and "mpyc" not in wanted
        assert all(native.imports(name) for name in wanted)
    finally:
        native.close()


def test_the_table_stands_beside_the_thesis_and_a_failure_stays_in_it(tmp_path: Path) -> None:
    good = runtimes.measure(Clockwork(0.004, {**RIGHT, "bigint": "7"}, set()), RIGHT, ["ssl"])
    rows = [
        {"runtime": "rustpython", "when": 1, "mpyc": "0.11", "error": "it is not built"},
        {"runtime": "pyodide", "when": 1, "mpyc": "0.11", "error": "an earlier row"},
        {"runtime": "pyodide", "when": 2, "mpyc": "0.11", **good, "version": "3",
         "cold_s": 2.0, "warm_s": 1.0, "bytes": 10_000_000, "compressed": 4_000_000},
    ]  # fmt: skip
    path = tmp_path / "runtimes.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    head, lines = runtimes_report.table(runtimes_report.read(path))
    assert [line[0] for line in lines] == ["pyodide 3", "rustpython"]
    first = dict(zip(head, lines[0], strict=True))
    assert first["assign"] == "250 (400)" and first["bigint"] == "wrong (26)" and first["adding"] == "250"
    assert first["start-up, CPU s"] == "2.00, warm 1.00 (5 s)"
    assert first["MB (gzipped)"] == "10.0 (4.0)"
    assert lines[1][1] == "not run: it is not built"
    assert "import ssl" in runtimes_report.html(runtimes_report.read(path))
    assert runtimes_report.markdown(runtimes_report.read(path)).startswith("| runtime | assign |")
    path.write_text("[]\n")
    with pytest.raises(LocalError, match="no rows of runtimes"):
        runtimes_report.read(path)
