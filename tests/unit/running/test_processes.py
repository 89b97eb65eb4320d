"""A process and its descendants, by /proc."""

import os
import subprocess
import sys

import pytest

from huddle.running import processes

pytestmark = pytest.mark.skipif(not processes.known(), reason="this system has no such /proc")

# A child with a name that looks like the end of one, and a child of that child; both wait for their input.
CHILD = """
import pathlib, subprocess, sys
pathlib.Path("/proc/self/comm").write_text("a) R 1 (b")
one = subprocess.Popen([sys.executable, "-c", "print('there', flush=True); input()"], stdin=sys.stdin)
one.wait()
"""


def test_all_that_descend_and_nobody_else() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdin and child.stdout
        assert child.stdout.readline() == b"there\n"
        found = processes.family(child.pid)
        assert child.pid in found and len(found) == 2 and os.getpid() not in found
        (below,) = set(found) - {child.pid}
        assert int(found[below][processes.PARENT]) == child.pid
        assert int(found[child.pid][processes.PARENT]) == os.getpid()
        assert set(found) < set(processes.family(os.getpid()))
        for fields in found.values():
            assert int(fields[processes.THREADS]) >= 1 and int(fields[processes.RESIDENT]) > 100
            assert sum(map(int, fields[processes.WORK])) >= 0
        child.stdin.write(b"\n")
    assert processes.family(child.pid) == {}
