"""What a program may be told, and how its runner's end is read."""

import asyncio
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from huddle.errors import LocalError, PeerError, ProgramError
from huddle.running.mux import RunnerMux
from huddle.running.process import RunnerProcess
from huddle.running.reports import ReportReader
from huddle.running.spec import RunnerExit, check_arguments
from tests.unit.running.support import lay


@pytest.mark.parametrize(
    "args", [("-P", "x:1"), ("--base", "7"), ("-B7",), ("--ssl",), ("-C", "x.ini"), ("-I2",)]
)
async def test_options_that_leave_the_session_are_refused(tmp_path: Path, args: tuple[str, ...]) -> None:
    with pytest.raises(LocalError, match="option -"):
        await lay(tmp_path, "", *args)
    check_arguments(("--size", "3", "-T1", "--", *args), ("--log-level", "debug"))


@pytest.mark.parametrize("args", [("-T", "0"), ("--no-prss",), ("-L16",), ("--mix32",)])
def test_what_all_must_share_is_no_private_option(args: tuple[str, ...]) -> None:
    check_arguments(args)
    with pytest.raises(LocalError):
        check_arguments((), args)


def test_whose_fault_an_exit_is() -> None:
    names = ("alice", "bob")
    assert RunnerExit(0).error(names) is None
    assert isinstance(RunnerExit(1, reason="crashed").error(names), ProgramError)
    assert isinstance(RunnerExit(None, 9, "you stopped it", stopped=True).error(names), LocalError)
    error = RunnerExit(76, reason="bob is slow", culprit=1).error(names)
    assert isinstance(error, PeerError)
    assert error.peer == "bob"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["exit", "reason", "peer", "input"]), inner, max_size=4)
    ),
    max_leaves=6,
)
LINES = st.binary(max_size=30) | JSON.map(lambda value: json.dumps(value).encode() + b"\n")


async def heard(*lines: bytes) -> tuple[list[bool], RunnerProcess]:
    """A runner that has sent this, and what its watcher was told."""
    told: list[bool] = []
    transport: Any = SimpleNamespace(get_returncode=lambda: None)
    spec: Any = SimpleNamespace(sandboxed=True, pid=1, names=("alice", "bob", "carol"))
    watcher: Any = SimpleNamespace(input=lambda waiting, hidden=False: told.append(waiting))
    nothing: Any = None
    reports = ReportReader({0, 2})
    runner = RunnerProcess(
        spec, RunnerMux(), watcher, transport, nothing, nothing, "mark", reports, _gone=True
    )
    reader = asyncio.StreamReader()
    reader.feed_data(b"".join(lines))
    reader.feed_eof()
    await runner._read_control(reader)
    return told, runner


@given(st.lists(LINES, max_size=5))
@example([b'{"exit": "0", "reason": "", "peer": null}\n'])
@example([b'{"exit": null, "reason": null, "peer": 0}\n'])
def test_whatever_a_runner_reports_its_exit_can_be_shown(lines: list[bytes]) -> None:
    async def scenario() -> None:
        told, runner = await heard(*lines)
        for code in (0, 1, 137, -9, -200):
            exit_ = runner._stopped or runner._judge(code)
            assert exit_.reason.isprintable()
            assert len(exit_.reason) <= 1000
            assert exit_.culprit in (None, 0, 2)
            assert exit_ == RunnerExit(0) or exit_.reason
        assert all(type(waiting) is bool for waiting in told)

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "sent",
    [
        b'{"exit": "stop", "reason": "", "peer": null}\n',
        b'{"input": true}\n{"input": false}\n',
        b'{"input": 1}\n',
        b"x" * (3 << 16),
    ],
)
async def test_what_is_no_report_ends_the_run_and_is_the_programs_fault(sent: bytes) -> None:
    _, runner = await heard(sent)
    assert runner._stopped is not None
    error = runner._stopped.error(("alice", "bob", "carol"))
    assert isinstance(error, ProgramError) and "other than reports" in error.message


async def test_a_runner_that_dies_over_a_report_has_sent_nothing_wrong() -> None:
    _, runner = await heard(b'{"exit": 0, "rea')
    assert runner._stopped is None
