"""A program that takes too much of the machine is ended, and the run's end says what it took."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import pytest

from huddle.errors import ProgramError
from huddle.running import meter, sandbox
from huddle.running.limits import RunLimits
from huddle.running.meter import Usage
from huddle.running.results import Place
from tests.unit.running.support import lay

confined = pytest.mark.skipif(bool(sandbox.problem()), reason=sandbox.problem())
LIMITS = RunLimits(processes=40, memory=200 << 20, files=20 << 20)

# Each part is allowed by itself; together they are too much.
MEMORY = """
import os, time
for _ in range(3):
    if not os.fork():
        kept = bytearray(os.urandom(1)) * (100 << 20)
        time.sleep(600)
time.sleep(600)
"""
MANY = """
import os, time
for _ in range(50):  # no bomb: where root runs the tests, the kernel would not stop it
    try:
        if not os.fork():
            time.sleep(600)
    except OSError:
        break
time.sleep(600)
"""
FILES = """
import time
for number in range(100):
    try:
        with open(f"{number}", "wb") as file:
            file.write(bytes(1 << 20))
    except OSError as error:
        print(error, flush=True)
        time.sleep(600)
"""
NAMES = """
import time
for number in range(60_000):
    open(f"/tmp/{number}", "w").close()
time.sleep(600)
"""


@confined
@pytest.mark.parametrize(
    ("program", "reason"),
    [
        (MEMORY, "it used more memory than the 200 MiB that this machine gives it"),
        (MANY, "it started more processes and threads than the 40 that it may have"),
        (FILES, "it wrote more than the 20 MiB that its files may take"),
        (NAMES, "it made more than 50,000 files"),
    ],
    ids=["memory", "processes", "files", "names"],
)
async def test_too_much_ends_the_run_and_is_the_program_s_fault(
    tmp_path: Path, program: str, reason: str
) -> None:
    table = await lay(tmp_path, program, parties=1, sandboxed=True, limits=LIMITS)
    (exit_,) = await table.finish(40)
    assert exit_.reason == reason
    error = exit_.error(("alice",))
    assert isinstance(error, ProgramError)
    assert reason in error.message


@confined
async def test_a_program_that_takes_little_is_left_alone(tmp_path: Path) -> None:
    source = """
import time
kept = bytearray(100 << 20)
with open("file", "wb") as file:
    file.write(bytes(10 << 20))
time.sleep(3 * 0.5)  # so that it is looked at
print("done")
"""
    table = await lay(tmp_path, source, parties=1, sandboxed=True, limits=LIMITS)
    assert [exit_.reason for exit_ in await table.finish()] == [""]
    assert table.outputs == ["done\n"]


def test_what_descendants_take_is_added_up() -> None:
    class Nothing:
        def written(self) -> tuple[int, int]:
            return 1000, 3

    code = (
        "import os, sys; kept = bytearray(os.urandom(1)) * (50 << 20); print(1, flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout
        child.stdout.readline()
        for enough in (1 << 40, 0):  # by resident pages, and by its part of each
            usage = meter.look(os.getpid(), cast(Place, cast(Any, Nothing())), enough)
            assert usage.memory > 50 << 20
            assert usage.processes >= 1
            assert (usage.files, usage.names) == (1000, 3)
        child.kill()
    assert meter.look(child.pid, cast(Place, cast(Any, Nothing())), 1).processes == 0


def test_the_first_that_is_too_much_is_told() -> None:
    limits = RunLimits(processes=10, memory=100 << 20, files=10 << 20)
    assert Usage(5, 50 << 20, 5 << 20, 10).excess(limits) == ""
    assert "memory" in Usage(5, 101 << 20, 5 << 20, 10).excess(limits)
    assert "processes" in Usage(10, 50 << 20, 5 << 20, 10).excess(limits)
    assert "10 MiB" in Usage(5, 50 << 20, 10 << 20, 10).excess(limits)
