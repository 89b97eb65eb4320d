"""A program's end, good or bad, ends no other that can still go on; and one that can't never waits for ever.

The table is docs/message-path.md's. Each is tried in a sandbox and without, by real runners.
"""

from pathlib import Path

import pytest

from huddle.errors import PeerError, ProgramError
from huddle.running import sandbox
from huddle.running.spec import RunnerExit

from .support import lay

pytestmark = pytest.mark.timeout(120)

ENDS = Path(__file__).parents[2] / "programs" / "ends.py"
WELL = RunnerExit(0)
BOTH = [
    pytest.param(
        True,
        id="sandbox",
        marks=pytest.mark.skipif(bool(sandbox.problem()), reason="there is no sandbox here"),
    ),
    pytest.param(False, id="without"),
]


@pytest.mark.parametrize("sandboxed", BOTH)
@pytest.mark.parametrize("how", ["thread", "child", "wait", "timer", "queue"])
async def test_a_slow_party_s_share_still_counts(tmp_path: Path, how: str, sandboxed: bool) -> None:
    table = await lay(tmp_path, ENDS.read_text(), how, sandboxed=sandboxed)
    assert await table.finish(60) == [WELL] * 3
    assert "total: 6" in table.outputs[0]


@pytest.mark.parametrize("sandboxed", BOTH)
async def test_a_program_may_be_the_last_at_work(tmp_path: Path, sandboxed: bool) -> None:
    table = await lay(tmp_path, ENDS.read_text(), "late", sandboxed=sandboxed)
    assert await table.finish(60) == [WELL] * 3
    assert "total: kept" in table.outputs[0]


async def test_a_crash_elsewhere_loses_nobody_s_result(tmp_path: Path) -> None:
    table = await lay(tmp_path, ENDS.read_text(), "crash")
    exits = await table.finish(60)
    assert exits[0] == exits[2] == WELL
    assert exits[1].code == 1
    assert "total: kept" in table.outputs[0]


@pytest.mark.parametrize("sandboxed", BOTH)
async def test_os_exit_with_code_0_is_a_good_end(tmp_path: Path, sandboxed: bool) -> None:
    table = await lay(tmp_path, ENDS.read_text(), "exit", sandboxed=sandboxed)
    assert await table.finish(60) == [WELL] * 3
    assert "total: 6" in table.outputs[0]


async def test_os_exit_with_another_code_is_none(tmp_path: Path) -> None:
    table = await lay(tmp_path, ENDS.read_text(), "code")
    exits = await table.finish(60)
    assert exits[1].code == 3 and "before its time" in exits[1].reason


@pytest.mark.parametrize("sandboxed", BOTH)
@pytest.mark.parametrize("how", ["early", "barrier"])
async def test_who_needs_one_that_is_over_ends_and_names_it(
    tmp_path: Path, how: str, sandboxed: bool
) -> None:
    table = await lay(tmp_path, ENDS.read_text(), how, sandboxed=sandboxed)
    exits = await table.finish(60)
    assert exits[1] == WELL
    errors = [error for error in table.errors(exits) if error is not None]
    assert errors and all(isinstance(error, PeerError) for error in errors)
    assert any(error.peer == "bob" for error in errors if isinstance(error, PeerError))
    assert 1 in (exits[0].culprit, exits[2].culprit)


async def test_programs_that_wait_for_each_other_end(tmp_path: Path) -> None:
    table = await lay(tmp_path, ENDS.read_text(), "circle")
    exits = await table.finish(60)
    assert any("wait for each other" in exit_.reason for exit_ in exits)
    assert all(exit_.reason for exit_ in exits)


@pytest.mark.parametrize("sandboxed", BOTH)
@pytest.mark.parametrize(("how", "pid"), [("lock", 0), ("never", 1)])
async def test_a_program_that_nothing_can_move_ends_with_a_reason(
    tmp_path: Path, how: str, pid: int, sandboxed: bool
) -> None:
    table = await lay(tmp_path, ENDS.read_text(), how, sandboxed=sandboxed)
    exits = await table.finish(60)
    error = table.errors(exits)[pid]
    assert isinstance(error, ProgramError)
    assert "will never come" in error.message
