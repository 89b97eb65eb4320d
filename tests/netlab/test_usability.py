"""Solutions performed on fresh machines of this computer's own system, as `huddle lab usability` does."""

import os
import subprocess
from pathlib import Path

import pytest

from huddle_lab.sites.netns import Net
from huddle_lab.usability.huddle import Huddle, HuddlePhone
from huddle_lab.usability.machine import FreshMachine
from huddle_lab.usability.perform import Row, perform
from huddle_lab.usability.plain import Plain, PlainSsl
from huddle_lab.usability.solution import Solution
from tests.e2e.chaos import wait_until
from tests.e2e.people import COUNTED

ROOT = Path(__file__).parents[2]

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can make machines"),
]


@pytest.mark.parametrize("solution", [Plain(), PlainSsl()], ids=lambda one: one.name)
def test_two_people_go_from_nothing_to_a_result(solution: Solution) -> None:
    row = perform(solution, Path("/"), ROOT, ROOT / "tests/programs/total.py")
    typed = [step["what"] for step in row["steps"] if step["kind"] == "type"]
    assert typed.count("pip install -q mpyc") == 3 and sum("total.py -P" in what for what in typed) == 6
    for left in row["left"].values():
        assert left["installed"] > 100 and left["files"] == ("/srv/person/total.py",)
        assert not (left["processes"] or left["interfaces"] or left["users"])


def counted(row: Row, when: str) -> tuple[int, int]:
    """How many steps Ada took on an occasion, and whom she met."""
    who = [step["who"] for step in row["steps"] if step["when"] == when]
    return who.count("Ada"), len(who) - who.count("Ada")


def steps(network: str, when: str) -> tuple[int, int]:
    """As docs/evaluation.md says."""
    host, guest = (COUNTED[network][when][who] for who in ("host", "guest"))
    return len(host), len(guest)


def test_huddle_takes_the_steps_that_are_counted_and_leaves_identity_and_contacts() -> None:
    row = perform(Huddle(), Path("/"), ROOT, ROOT / "tests/programs/total.py")
    for when in ("first", "again", "others"):
        assert counted(row, when) == steps("tls", when)
    assert counted(row, "end") == (0, 0)
    for left in row["left"].values():
        kept = {Path(name).name for name in left["files"] if not name.endswith("/total.py")}
        assert kept == {"identity", "contacts.json"} and left["more"] == 0
        assert not (left["processes"] or left["interfaces"] or left["users"])


def test_a_guest_with_a_phone_installs_nothing() -> None:
    if why := HuddlePhone().problem():
        pytest.skip(why)
    row = perform(HuddlePhone(), Path("/"), ROOT, ROOT / "tests/programs/total.py")
    for when in ("first", "again"):
        assert counted(row, when) == steps("browser", when)
    assert counted(row, "others") == steps("browser", "first")
    assert not any(row["left"]["Bob"].values()) and row["browser"]["Bob"]


def test_a_machine_says_what_differs(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    with Net(1) as net, FreshMachine("ada", net.machines[0], Path("/"), tmp_path / "m") as machine:

        def run(line: str) -> None:
            subprocess.run(machine.command(line, root=True), check=True, stdin=subprocess.DEVNULL)

        assert machine.left().files == ()
        run("touch /etc/new; echo x:x:9:9::/:/bin/sh >>/etc/passwd; ip link add d0 type veth peer name d1")
        run("setsid -f sleep 300 >/dev/null 2>&1; touch /tmp/forgotten")
        assert wait_until(lambda: machine.left().processes == ("sleep",), 20)
        left = machine.left()
        assert "/etc/new" in left.files and "/tmp/forgotten" in left.files
        assert (left.users, left.interfaces) == (("x",), ("d0", "d1"))
    assert not (tmp_path / "m").exists() and not Path("/etc/new").exists()
