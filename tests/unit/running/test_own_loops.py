"""A program may treat its event loop as it likes, and even replace itself: MPyC connects as by TCP."""

from pathlib import Path

import pytest

from huddle.running import process
from huddle.running.spec import RunnerExit

from .support import lay
from .test_ends import BOTH

pytestmark = pytest.mark.timeout(120)  # several interpreters start, one after another

PROGRAM = Path(__file__).parents[2] / "programs" / "own_loops.py"
WELL = RunnerExit(0)


@pytest.mark.parametrize("sandboxed", BOTH)
@pytest.mark.parametrize(
    "how",
    ["direct", "policy", "new", "uvloop", "class", "run", "runner", "thread", "exec", "execve", "between"],
)
async def test_any_loop_connects(tmp_path: Path, how: str, sandboxed: bool) -> None:
    if how in ("uvloop", "runner"):
        pytest.importorskip("uvloop")
    # With uvloop MPyC forgets the loop that was set before.
    flags = ("--no-uvloop",) if how in ("direct", "policy", "new", "class") else ()
    table = await lay(tmp_path, PROGRAM.read_text(), how, *flags, sandboxed=sandboxed)
    assert await table.finish(60) == [WELL] * 3, [screen.err for screen in table.screens]
    assert all(out.count("sum: 6") == (3 if how == "between" else 2) for out in table.outputs), table.outputs


async def test_a_loop_that_does_not_tell_when_it_stops_sends_at_once(tmp_path: Path) -> None:
    source = """
import asyncio
asyncio.set_event_loop(asyncio.SelectorEventLoop())
def run_forever(self):  # as nest_asyncio does
    self._stopping = False
    asyncio._set_running_loop(self)
    while not self._stopping:
        self._run_once()
    asyncio._set_running_loop(None)
asyncio.BaseEventLoop.run_forever = run_forever
from mpyc.runtime import mpc
async def main():
    async with mpc:
        print("sum:", await mpc.output(mpc.sum(mpc.input(mpc.SecInt()(1)))))
mpc.run(main())
"""
    table = await lay(tmp_path, source)
    assert await table.finish(60) == [WELL] * 3, table.screens[0].err


async def test_another_program_in_its_place_ends_with_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "REPLACING", 0.5)
    table = await lay(tmp_path, "import os; os.execv('/bin/sleep', ['sleep', '60'])", parties=1)
    (exit_,) = await table.finish(60)
    assert "another program has taken its place" in exit_.reason


async def test_a_program_that_closes_its_connections_under_itself_ends_with_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "LINGER", 0.2)
    source = "import os, time\nos.closerange(3, 200)\nwhile True: time.sleep(1)"
    table = await lay(tmp_path, source, parties=1)
    (exit_,) = await table.finish(60)
    assert exit_.reason
