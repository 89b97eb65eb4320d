"""What the lab's own processes cost is all: of the living, the dead, and those whose parents ended first."""

import subprocess
import sys

import pytest

# An orphan that works for half a second of processor time, as a program in bubblewrap is one at its end.
ORPHAN = """
import os, sys, time
if os.fork():
    os._exit(0)
while time.process_time() < 0.5:
    pass
"""
WORK = """
import ctypes, os, subprocess, sys, time
from huddle_lab.sites import own
own.adopt()
began = own.seconds()
subprocess.run([sys.executable, "-c", sys.argv[1]], check=True)

until = time.monotonic() + 30
def mine():
    return own.psutil.Process().children()
while time.monotonic() < until and any(one.status() != "zombie" for one in mine()):
    time.sleep(0.01)
before = own.seconds() - began
dead = len(mine())
own.release()
adopting = ctypes.c_int(9)
ctypes.CDLL(None).prctl(37, ctypes.byref(adopting), 0, 0, 0)  # PR_GET_CHILD_SUBREAPER
print(before, own.seconds() - began, dead, len(mine()) + adopting.value)
"""


def work(*args: str) -> tuple[float, float, int, int]:
    said = subprocess.run(
        [sys.executable, "-c", WORK, ORPHAN, *args], capture_output=True, text=True, check=True
    )
    before, after, dead, left = said.stdout.split()
    return float(before), float(after), int(dead), int(left)


@pytest.mark.skipif(sys.platform != "linux", reason="orphans are adopted on Linux only")
def test_the_time_of_an_orphan_is_ours_dead_and_buried() -> None:
    said = subprocess.run([sys.executable, "-c", WORK, ORPHAN], capture_output=True, text=True, check=True)
    before, after, dead, left = map(float, said.stdout.split())
    assert before >= 0.5 and after >= 0.5
    assert (dead, left) == (1, 0)


@pytest.mark.skipif(sys.platform != "linux", reason="orphans are adopted on Linux only")
def test_the_time_of_the_living_is_ours() -> None:
    code = """
import subprocess, sys
from huddle_lab.sites import own
work = "import time\\nwhile time.process_time() < 0.4: pass\\nprint(flush=True)\\ntime.sleep(60)"
child = subprocess.Popen([sys.executable, "-c", work], stdout=subprocess.PIPE)
child.stdout.readline()
print(own.seconds())
child.kill()
"""
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert float(said.stdout) >= 0.4


def test_children_that_somebody_waits_for_are_left() -> None:
    code = """
import os, subprocess, sys
from huddle_lab.sites import own
child = subprocess.Popen([sys.executable, "-c", "raise SystemExit(7)"])
os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
own.bury(but={child.pid})
print(child.wait())
"""
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.split() == ["7"]
