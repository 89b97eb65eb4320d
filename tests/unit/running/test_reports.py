"""What a runner may say: nothing else is taken, whoever writes it."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from huddle.running.reports import LONGEST, REASON, ExitReport, InputReport, ReportError, ReportReader

WELL = {"exit": 0, "reason": "", "peer": None}
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["exit", "reason", "peer", "input", "more"]), inner, max_size=4)
    ),
    max_leaves=6,
)
EXITS = st.fixed_dictionaries(
    {
        "exit": st.integers(-2, 260) | st.booleans() | st.text(max_size=3) | st.none(),
        "reason": st.text(max_size=40) | st.integers(),
        "peer": st.none() | st.integers(-1, 3) | st.booleans(),
    }
)
TEXTS = st.binary(max_size=30) | st.text(max_size=30) | (VALUES | EXITS).map(json.dumps)


def read(value: Any, peers: set[int] | None = None) -> object:
    return ReportReader(peers or {0, 2}).read(json.dumps(value))


@given(TEXTS)
@example("[" * 50_000)
@example(b"\xff\xfe")
@example('{"input": NaN}')
@example("1" * 5_000)
@example('{"exit": 1' + "0" * 5_000 + "}")
def test_anything_is_a_report_or_a_report_error(text: bytes | str) -> None:
    try:
        report = ReportReader({0, 2}).read(text)
    except ReportError:
        return
    value = json.loads(text)
    if isinstance(report, InputReport):
        assert value == {"input": report.waiting} | ({"hidden": True} if report.hidden else {})
        assert type(report.waiting) is bool
        return
    if not isinstance(report, ExitReport):
        assert value.keys() in ({"still"}, {"replaced"})
        return
    assert value.keys() == WELL.keys()
    assert type(report.code) is int and 0 <= report.code <= 255
    assert report.peer in (None, 0, 2) and type(report.peer) is not bool
    assert report.reason.isprintable() and len(report.reason) <= REASON


@pytest.mark.parametrize(
    "value",
    [
        WELL | {"exit": "0"},
        WELL | {"exit": True},
        WELL | {"exit": 0.0},
        WELL | {"exit": -1},
        WELL | {"exit": 256},
        WELL | {"exit": None},
        WELL | {"reason": None},
        WELL | {"reason": ["x"]},
        WELL | {"peer": 1},
        WELL | {"peer": False},
        WELL | {"peer": 2.0},
        WELL | {"input": True},
        {"exit": 0},
        {"exit": 0, "reason": ""},
        {"input": "true"},
        {"input": 1},
        {"input": True, "more": 1},
        {"input": True, "hidden": False},
        {"input": False, "hidden": True},
        {"input": 1, "hidden": 1},
        {"input": False},
        {},
        [WELL],
        "exit",
        None,
    ],
)
def test_these_are_no_reports(value: Any) -> None:
    with pytest.raises(ReportError):
        read(value)


@pytest.mark.parametrize(
    "text", ['{"input": true, "input": true}', '{"input": true} x', "", " " * (LONGEST + 1), b"\xff"]
)
def test_nor_are_these_texts(text: bytes | str) -> None:
    with pytest.raises(ReportError):
        ReportReader({0}).read(text)


def test_the_longest_honest_report_is_read() -> None:
    report = read({"exit": 255, "reason": "\N{GRINNING FACE}" * 1_000, "peer": 2})
    assert report == ExitReport(255, "\N{GRINNING FACE}" * 1_000, 2)


def test_a_reason_is_one_line_that_steers_nothing() -> None:
    assert read(WELL | {"exit": 1, "reason": "a\n\x1b[2J\u202eb\ud800"}) == ExitReport(1, "a  [2J b")


def test_a_program_goes_on_only_where_a_line_was_sent() -> None:
    reader = ReportReader({0})
    reader.read('{"input": true}')
    with pytest.raises(ReportError):
        reader.read('{"input": true}')
    with pytest.raises(ReportError):
        reader.read('{"input": false}')
    reader.line_sent()
    assert reader.read('{"input": false}') == InputReport(False)
    reader.line_sent()  # typed ahead: it may have been sent before the program says that it waits
    assert reader.read('{"input": true}') == InputReport(True)
    assert reader.read('{"input": false}') == InputReport(False)


def test_nothing_comes_after_the_last_report() -> None:
    reader = ReportReader({0})
    assert reader.read(json.dumps(WELL)) == reader.ended == ExitReport(0, "")
    for more in (WELL, {"input": True}):
        with pytest.raises(ReportError):
            reader.read(json.dumps(more))
