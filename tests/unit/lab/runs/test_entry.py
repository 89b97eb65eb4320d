"""The lab's entry runs a program as Python would, seeded, and prints what it measured."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from huddle_lab.runs import entry
from huddle_lab.runs.measured import figures, took
from huddle_lab.sites.base import RunFailed

PROGRAM = """
import logging, random, secrets, sys
logging.basicConfig(level=logging.INFO, format="log: %(message)s")
logging.info("Start MPyC runtime v0")
logging.info("All 3 parties connected.")
print(__name__, sys.argv, secrets.token_bytes(8).hex(), len(secrets.token_bytes()), random.random())
logging.info("Stop MPyC -- elapsed time: 0:00:00.001|bytes sent: 520")
"""


def run(folder: Path, seed: str, *args: str, program: str = PROGRAM) -> subprocess.CompletedProcess[str]:
    (folder / "program.py").write_text(program)
    (folder / "lab_entry.json").write_text(json.dumps({"program": "program.py", "seed": seed}))
    (folder / "lab_entry.py").write_text(Path(entry.__file__).read_text())
    return subprocess.run(
        [sys.executable, str(folder / "lab_entry.py"), *args], capture_output=True, text=True, check=False
    )


def test_the_program_is_main_with_its_own_arguments_and_log(tmp_path: Path) -> None:
    done = run(tmp_path, "s", "--size", "3", "-I", "1")
    assert done.returncode == 0
    assert done.stdout.startswith("__main__ ['program.py', '--size', '3', '-I', '1'] ")
    assert "log: All 3 parties connected." in done.stderr


def test_figures_are_taken_from_what_mpyc_logs(tmp_path: Path) -> None:
    found, rest = figures(run(tmp_path, "s").stdout)
    assert found["sent"] == 520 and len(found["connected"]) == len(found["stopped"]) == 1
    assert 0 <= took([found]) < 1 and found["queued"] is not None and found["memory_mb"] > 1
    assert "huddle-lab" not in rest and rest.startswith("__main__")


def test_memory_is_the_program_s_own_and_not_what_held_who_started_it(tmp_path: Path) -> None:
    held = bytearray(200_000_000)
    held[::4096] = b"x" * len(held[::4096])
    assert 5 < figures(run(tmp_path, "s").stdout)[0]["memory_mb"] < 150


def test_a_seed_repeats_a_run_and_each_party_has_its_own(tmp_path: Path) -> None:
    def drawn(seed: str, pid: str) -> str:
        return figures(run(tmp_path, seed, "-I", pid).stdout)[1].partition("] ")[2]

    assert drawn("a", "0") == drawn("a", "0")
    assert len({drawn("a", "0"), drawn("a", "1"), drawn("b", "0")}) == 3
    assert drawn("a", "0").split()[1] == "32"


def test_a_program_that_fails_fails_as_it_would(tmp_path: Path) -> None:
    assert run(tmp_path, "s", program="import sys; sys.exit(7)").returncode == 7
    done = run(tmp_path, "s", program="1/0")
    assert done.returncode == 1 and "ZeroDivisionError" in done.stderr


def test_what_never_started_mpyc_is_no_run(tmp_path: Path) -> None:
    found, _ = figures(run(tmp_path, "s", program="print('hi')").stdout)
    with pytest.raises(RunFailed, match="never started"):
        took([found])


@pytest.mark.parametrize("output", ["", "nothing", "huddle-lab: {broken"])
def test_output_without_figures_is_said(output: str) -> None:
    with pytest.raises(RunFailed, match="no figures"):
        figures(output)


SMALL_WORDS = "import builtins\nlong = hash\nbuiltins.hash = lambda it: long(it) % (1 << 31)\n"
DRAWS = """
import sys
from mpyc.runtime import mpc
from mpyc.random import random_permutation
assert sys.argv == ["program.py", "--own"], sys.argv
mpc.options.no_async = False  # as with several parties
async def main():
    async with mpc:
        print(await mpc.output(random_permutation(mpc.SecInt(32), 40)))
mpc.run(main())
"""


def test_a_seed_draws_alike_whatever_the_word_size(tmp_path: Path) -> None:
    wide = run(tmp_path, "s", "--own", program=DRAWS)
    narrow = run(tmp_path, "s", "--own", program=SMALL_WORDS + DRAWS)
    drawn = [re.findall(r"^\[.*\]$", done.stdout, re.MULTILINE) for done in (wide, narrow)]
    assert drawn[0] == drawn[1] != [], narrow.stderr
