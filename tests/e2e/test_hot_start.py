"""What a host and a guest import from the command to the end of a run, each module of others by name.

Others wait for what `huddle join` imports: one import more can take a tenth of a second of everybody's. So
all of it stands in `hot_start.txt`, and an import that is new there is seen in review.
`python -m tests.e2e.test_hot_start` writes the file anew.
"""

import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.e2e.harness import lab

NAMED = Path(__file__).with_name("hot_start.txt")
PROGRAM = """
from mpyc.runtime import mpc

async def main():
    await mpc.start()
    print("sum", await mpc.output(mpc.sum(mpc.input(mpc.SecInt()(1)))))
    await mpc.shutdown()

mpc.run(main())
"""
TELLS = """
import atexit, sys

atexit.register(lambda: sys.stderr.write("".join(f"loaded {name}\\n" for name in [*sys.modules])))
"""
ITS_OWN = {
    "sitecustomize",
    "usercustomize",
    "cython_runtime",
}  # this test's, the machine's, and an invention of Cython's


def _told(names: set[str]) -> Iterator[str]:
    """Others' packages to the second level, Huddle's own packages, and Python's own public modules' first."""
    for name in names - ITS_OWN:
        first, *rest = name.split(".")
        if first == "huddle":
            yield name.rpartition(".")[0] or name
        elif first in sys.stdlib_module_names:
            rest = []
        if first != "huddle" and not any(part.startswith("_") for part in (first, *rest[:1])):
            yield ".".join([first, *rest[:1]])


def imported(folder: Path) -> set[str]:
    """By a host and a guest with real processes, who run one program to its end."""
    program = folder / "sum.py"
    program.write_text(PROGRAM)
    site = folder / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(TELLS)
    told = {"PYTHONPATH": str(site)}
    with lab(folder) as people:
        _, url = people.rendezvous()
        host = people.host(program, parties=2, url=url, env=told)
        guest = people.join(
            "Bob", host.wait("invitation")["url"], program, options=("--rendezvous", url), env=told
        )
        assert [one.end() for one in (host, guest)] == [0, 0], host.story()
        assert "sum 2" in host.output()
    found = {name for one in (host, guest) for name in re.findall("^loaded (.+)$", one.stderr, re.M)}
    assert {"huddle.session.party", "huddle.events", "uvloop.loop"} <= found, sorted(found)
    return set(_told(found))


def test_all_that_the_hot_start_imports_is_named(tmp_path: Path) -> None:
    version, *named = NAMED.read_text().splitlines()
    found = imported(tmp_path)
    if f"{sys.version_info[0]}.{sys.version_info[1]}" != version:  # Python's own modules import others
        found = {name for name in found if name not in sys.stdlib_module_names}
        named = [name for name in named if name not in sys.stdlib_module_names]
    assert sorted(found - set(named)) == [], "imported by everybody who joins: is it worth their time?"
    assert sorted(set(named) - found) == [], "no longer imported: take it off the list"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        names = sorted(imported(Path(folder)))
    NAMED.write_text("\n".join([f"{sys.version_info[0]}.{sys.version_info[1]}", *names]) + "\n")
