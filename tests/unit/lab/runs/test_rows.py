"""Rows are written whole, read strictly, and say themselves what needs to be run again."""

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huddle.errors import LocalError
from huddle_lab.runs import rows
from tests.unit.lab.support import row

DOCUMENT = Path(__file__).parents[4] / "docs" / "lab.md"


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "results" / "a.jsonl"
    rows.append(path, row(seed="ä"))
    rows.append(path, row(id="other"))
    assert [one["id"] for one in rows.read(path)] == ["cell", "other"]
    assert rows.read(path)[0] == row(seed="ä")


def test_a_file_that_does_not_exist_has_no_rows(tmp_path: Path) -> None:
    assert rows.read(tmp_path / "none.jsonl") == []


@given(st.integers(1, 400))
def test_what_a_killed_process_left_of_a_line_is_no_line(cut: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.jsonl"
        rows.append(path, row())
        whole = path.read_bytes()
        path.write_bytes(whole + whole[:cut])
        assert len(rows.read(path)) == 1
        rows.append(path, row(id="next"))
        assert [one["id"] for one in rows.read(path)] == ["cell", "next"]


@pytest.mark.parametrize("name", rows.FIELDS)
def test_each_field_is_needed_and_has_its_kind(name: str) -> None:
    complete = row()
    with pytest.raises(LocalError, match="version" if name == "version" else name):
        rows.check({key: value for key, value in complete.items() if key != name}, "here")
    with pytest.raises(LocalError):
        rows.check(complete | {name: object()}, "here")


@pytest.mark.parametrize("line", [b"{", b"[]", b"null", b'{"version": 2}', b"\xff"])
def test_a_file_of_something_else_is_refused_with_the_line(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(json.dumps(row()).encode() + b"\n" + line + b"\n")
    with pytest.raises(LocalError, match="line 2"):
        rows.read(path)


def test_a_number_that_json_cannot_hold_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError):
        rows.append(tmp_path / "a.jsonl", row(seconds=float("inf")))
    assert rows.read(tmp_path / "a.jsonl") == []


BUSY: dict[str, Any] = {"marks": ["busy: others"]}
CROWDED: dict[str, Any] = {"marks": ["crowded: many"]}
FAILED: dict[str, Any] = {"outcome": "failed", "error": "why"}


def test_of_a_cell_the_best_row_counts() -> None:
    good, busy, failed = row(attempt=2), row(**BUSY), row(**FAILED)
    for order in ([good, busy, failed], [failed, busy, good], [busy, failed, good]):
        assert rows.best(order) == [good]
    assert rows.best([failed, busy]) == [busy]


def test_what_was_disturbed_is_run_again_but_not_for_ever() -> None:
    assert rows.settled([row()], 3) == {"cell"}
    assert rows.settled([row(**CROWDED)], 3) == {"cell"}
    assert rows.settled([row(**BUSY)], 3) == set()
    assert rows.settled([row(**FAILED), row(**BUSY)], 3) == set()
    assert rows.settled([row(**BUSY)] * 3, 3) == {"cell"}


def test_the_document_has_every_field_with_its_meaning() -> None:
    text = DOCUMENT.read_text()
    for name, (_, meaning) in rows.FIELDS.items():
        assert f"| `{name}` | {meaning} |" in text
