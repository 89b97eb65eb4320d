"""What a program's threads do, by the kernel's word: real processes that wait, sleep, compute, and read."""

import os
import platform
import signal
import subprocess
import sys

import pytest

from huddle.running.runner import standstill as runner_standstill
from huddle.running.runner.standstill import limitless

pytestmark = pytest.mark.skipif(
    not runner_standstill.known_here(), reason="this system does not tell what threads do"
)

WATCHED = """
import importlib.util, sys, threading, time, os
spec = importlib.util.spec_from_file_location("standstill", {path!r})
standstill = importlib.util.module_from_spec(spec)
spec.loader.exec_module(standstill)
ours, theirs = os.pipe(), os.pipe()
def still(state):
    print("still", state, flush=True)
    os._exit(0)
standstill.Watch(lambda: (1, 2), still, ours[0], False).start()
def after(seconds):
    time.sleep(seconds)
    print("went on", flush=True)
    os._exit(0)
{program}
"""


def outcome(program: str, stdin: bool = False) -> str:
    source = WATCHED.format(path=runner_standstill.__file__, program=program)
    with subprocess.Popen(
        [sys.executable, "-c", source],
        stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout
        try:
            return process.stdout.readline().strip()
        finally:
            os.killpg(process.pid, signal.SIGKILL)  # what the program started, too: its pid is not yet reaped


HEARS = "import selectors; s = selectors.DefaultSelector(); s.register(ours[0], 1)\n"


@pytest.mark.parametrize(
    "program",
    [
        HEARS + "s.select()",
        HEARS + "threading.Thread(target=threading.Lock().acquire).start(); s.select()",
        HEARS + "threading.Thread(target=lambda: os.read(theirs[0], 1)).start(); s.select()",
        HEARS + "import multiprocessing as m; m.Process(target=threading.Event().wait).start(); s.select()",
    ],
    ids=["loop", "lock", "pipe", "process"],
)
def test_what_can_only_be_moved_by_a_peer_stands_still(program: str) -> None:
    assert outcome(program) == "still (1, 2)"


@pytest.mark.parametrize(
    "program", ["threading.Event().wait()", "os.read(theirs[0], 1)"], ids=["lock", "pipe"]
)
def test_what_nobody_can_move_hears_nobody(program: str) -> None:
    assert outcome(program) == "still None"


@pytest.mark.parametrize(
    "program",
    [
        "after(1.5)",
        HEARS + "threading.Thread(target=after, args=(1.5,)).start(); s.select()",
        HEARS + "s.select(1.5); after(0)",
        "threading.Event().wait(1.5); after(0)",
        "import subprocess; subprocess.run(['sleep', '1.5']); after(0)",
        "end = time.monotonic() + 1.5\nwhile time.monotonic() < end: pass\nafter(0)",
        "import signal; signal.signal(signal.SIGALRM, lambda *_: after(0))\n"
        "signal.setitimer(0, 1.5); threading.Event().wait()",
        "import socket; one, two = socket.socketpair()\n"
        "threading.Timer(1.5, two.send, (b'x',)).start(); one.recv(1); after(0)",
    ],
    ids=["sleep", "thread", "select", "wait", "child", "compute", "alarm", "timer"],
)
def test_what_goes_on_by_itself_does_not(program: str) -> None:
    assert outcome(program) == "went on"


def test_who_waits_for_its_person_or_for_the_world_does_not() -> None:
    later = "threading.Thread(target=after, args=(1.5,), daemon=True).start()\n"
    listening = "import socket; server = socket.create_server(('127.0.0.1', 0)); server.accept()"
    assert outcome(later + listening) == "went on"
    typed = "threading.Thread(target=lambda: (os.read(0, 1), after(0))).start()\n"
    typed += "import ctypes; ctypes.CDLL(None).pause()"
    assert outcome(typed) == "went on"  # there is nothing to read: the end of the input ends it


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the lines are of x86-64")
@pytest.mark.parametrize(
    ("line", "forever"),
    [
        ("running", False),
        ("-1 0x7ffd 0x7f15", False),
        ("232 0x4 0x7f 0x400 0xffffffff 0x0 0x0 0x7ffd 0x7f15", True),
        ("232 0x4 0x7f 0x400 0x64 0x0 0x0 0x7ffd 0x7f15", False),
        ("202 0x7f 0x189 0x0 0x0 0x0 0xffffffff 0x7ffd 0x7f15", True),
        ("202 0x7f 0x189 0x0 0x7ffe 0x0 0xffffffff 0x7ffd 0x7f15", False),
        ("230 0x1 0x1 0x7f 0x0 0x0 0x0 0x7ffd 0x7f15", False),
        ("61 0xffffffff 0x0 0x0 0x0 0x0 0x0 0x7ffd 0x7f15", True),
        ("73 0x3 0x2 0x0 0x0 0x0 0x0 0x7ffd 0x7f15", False),
    ],
    ids=lambda value: str(value).upper(),  # 0x… would be taken for an address in memory
)
def test_lines_of_the_kernel(line: str, forever: bool) -> None:
    assert limitless(line) is forever
