"""A real program of MPyC is recorded, and its trace says what it does after what."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from huddle.errors import LocalError
from huddle_lab.runs import entry
from huddle_lab.simulator.simulate import Setting, simulate
from huddle_lab.traces import recording
from huddle_lab.traces.trace import Trace, fault
from tests.unit.lab.simulator.computations import everywhere

PRODUCTS = """
from mpyc.runtime import mpc

async def main():
    number = mpc.SecInt(32)
    async with mpc:
        found = mpc.input(number(2), senders=0)
        for _ in range({depth}):
            found = found * found - found
        beside = [mpc.input(number(3), senders=0) * number(4) for _ in range({width})]
        print(await mpc.output(found), await mpc.output(beside))

mpc.run(main())
"""


pytestmark = pytest.mark.timeout(300)


def record(folder: Path, *, depth: int, width: int, parties: int = 3) -> Trace:
    program = folder / f"products-{depth}-{width}.py"
    program.write_text(PRODUCTS.format(depth=depth, width=width))
    return recording.record(program, [], parties, "seed", demo="products", size="", digest="")


def test_products_that_follow_each_other_take_their_rounds_and_products_side_by_side_one(
    tmp_path: Path,
) -> None:
    delay = 10.0  # beside which no computing matters
    few, many = (record(tmp_path, depth=depth, width=width) for depth, width in ((1, 1), (6, 9)))
    times = [simulate(one, Setting(everywhere(3, delay=delay))).parties[2] for one in (few, many)]
    assert (times[1] - times[0]) / delay == pytest.approx(5, abs=0.1)
    assert not fault(many)
    assert many.messages > few.messages + 3 * 2 * (5 + 8)
    found = simulate(many, Setting(everywhere(3)))
    assert found.sent == found.delivered == many.messages  # and every party stops


DRAWS = """
from mpyc.runtime import mpc

async def main():
    async with mpc:
        print("drawn:", await mpc.output(mpc.random.random_permutation(mpc.SecInt(32), 20)))

mpc.run(main())
"""


def test_a_recorded_run_draws_what_the_lab_s_run_with_this_seed_draws(tmp_path: Path) -> None:
    program = tmp_path / "draws.py"
    program.write_text(DRAWS)
    (tmp_path / "lab_entry.json").write_text(json.dumps({"program": "draws.py", "seed": "s"}))
    shutil.copy(str(entry.__file__), tmp_path / "lab_entry.py")
    module = [
        sys.executable,
        "-m",
        "huddle_lab.traces.recorder",
        str(tmp_path / "out.json"),
        "s",
        str(program),
    ]
    said = [
        subprocess.run([*command, "-M1"], capture_output=True, text=True, check=True, cwd=tmp_path).stdout
        for command in ([sys.executable, "lab_entry.py"], module)
    ]
    drawn = [re.findall(r"drawn: .*", text) for text in said]
    assert drawn[0] == drawn[1] and drawn[0]


def test_a_party_alone_only_computes(tmp_path: Path) -> None:
    some = record(tmp_path, depth=1, width=1, parties=1)
    assert some.messages == 0 and sum(one.cpu for one in some.parties[0].segments) > 0


def test_a_program_that_fails_is_said_to_have_failed(tmp_path: Path) -> None:
    program = tmp_path / "wrong.py"
    program.write_text("raise SystemExit('not today')\n")
    with pytest.raises(LocalError, match="not today"):
        recording.record(program, [], 1, "seed", demo="", size="", digest="")


def test_a_program_without_mpyc_has_no_trace(tmp_path: Path) -> None:
    program = tmp_path / "other.py"
    program.write_text("print('hello')\n")
    with pytest.raises(LocalError, match="never stopped"):
        recording.record(program, [], 1, "seed", demo="", size="", digest="")


def test_where_one_party_fails_the_others_are_not_waited_for(tmp_path: Path) -> None:
    program = tmp_path / "one.py"
    program.write_text(
        "import time\nfrom mpyc.runtime import mpc\nif mpc.pid == 1:\n    raise SystemExit('not I')\n"
        "time.sleep(200)\n"
    )
    with pytest.raises(LocalError, match="party 1 ended with code 1: not I"):
        recording.record(program, [], 2, "seed", demo="", size="", digest="")
