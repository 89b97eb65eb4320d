"""Two solutions performed on fresh machines of this computer's own system, as `huddle lab usability` does."""

import os
import subprocess
from pathlib import Path

import pytest

from huddle_lab.sites.netns import Net
from huddle_lab.usability.machine import FreshMachine
from huddle_lab.usability.perform import perform
from huddle_lab.usability.plain import Plain, PlainSsl
from huddle_lab.usability.solution import Solution
from tests.e2e.chaos import wait_until

ROOT = Path(__file__).parents[2]

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can make machines"),
]


@pytest.mark.parametrize("solution", [Plain(), PlainSsl()], ids=lambda one: one.name)
def test_two_people_go_from_nothing_to_a_result(solution: Solution) -> None:
    row = perform(solution, Path("/"), ROOT, ROOT / "tests/programs/total.py")
    typed = [step["what"] for step in row["steps"] if step["kind"] == "type"]
    assert typed.count("pip install -q mpyc") == 2 and sum("total.py -P" in what for what in typed) == 4
    for left in row["left"].values():
        assert left["installed"] > 100 and left["files"] == ("/srv/person/total.py",)
        assert not (left["processes"] or left["interfaces"] or left["users"])


def test_a_machine_says_what_differs(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    with Net(1) as net, FreshMachine("ada", net.machines[0], Path("/"), tmp_path / "m") as machine:

        def run(line: str) -> None:
            subprocess.run(machine.command(line, root=True), check=True, stdin=subprocess.DEVNULL)

        assert machine.left().files == ()
        run("touch /etc/new; echo x:x:9:9::/:/bin/sh >>/etc/passwd; ip link add d0 type veth peer name d1")
        run("setsid -f sleep 300 >/dev/null 2>&1")
        assert wait_until(lambda: machine.left().processes == ("sleep",), 20)
        left = machine.left()
        assert "/etc/new" in left.files
        assert (left.users, left.interfaces) == (("x",), ("d0", "d1"))
    assert not (tmp_path / "m").exists() and not Path("/etc/new").exists()
