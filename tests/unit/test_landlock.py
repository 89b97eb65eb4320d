"""A restricted process reaches nothing of the person's other processes, and still its own children."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from huddle import landlock

PROBE = """
import json, os, signal, socket, subprocess, sys
from huddle import landlock

other, restricted = int(sys.argv[1]), sys.argv[2] == "restricted"
if restricted and not landlock.stay_among_ourselves():
    sys.exit("it could not be restricted")

def of(pid):
    def connect():
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(f"\\0huddle-test-{other}")
    yield "signal", lambda: os.kill(pid, 0)
    yield "environ", lambda: open(f"/proc/{pid}/environ").read()
    yield "maps", lambda: open(f"/proc/{pid}/maps").read()
    yield "memory", lambda: open(f"/proc/{pid}/mem", "rb")
    yield "cwd", lambda: os.readlink(f"/proc/{pid}/cwd")
    if pid == other:
        yield "abstract socket", connect

def reached(pid):
    found = []
    for name, attempt in of(pid):
        try:
            attempt()
            found.append(name)
        except PermissionError:
            pass
    return found

child = subprocess.Popen(["sleep", "60"])
print(json.dumps([reached(other), reached(child.pid)]))
child.kill(); child.wait()
"""

OTHER = """
import os, socket
sock = socket.socket(socket.AF_UNIX)
sock.bind(f"\\0huddle-test-{os.getpid()}")
sock.listen()
print("here", flush=True)
input()
"""
ALL = ["signal", "environ", "maps", "memory", "cwd"]


def looked(how: str) -> tuple[list[str], list[str]]:
    """What a process reaches of another one of its account, and of its own child."""
    from tests.netlab.unprivileged import prefix  # what the tests run may lie in root's home

    command = [*(prefix() if os.geteuid() == 0 else ()), sys.executable, "-c"]
    other = subprocess.Popen([*command, OTHER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert other.stdout is not None and other.stdout.readline() == "here\n"
        done = subprocess.run(
            [*command, PROBE, str(other.pid), how], capture_output=True, text=True, check=False, timeout=30
        )
        assert done.returncode == 0, done.stderr
        outside, inside = json.loads(done.stdout)
        return outside, inside
    finally:
        other.communicate("\n", timeout=10)


@pytest.mark.skipif(bool(landlock.problem()), reason=landlock.problem())
def test_other_processes_are_out_of_reach_and_one_s_own_are_not() -> None:
    assert looked("free") == ([*ALL, "abstract socket"], ALL), "so the probe finds what there is to find"
    assert looked("restricted") == ([], ALL)


def test_where_it_is_not_to_be_had_it_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(landlock, "version", lambda: 5)
    assert "no Landlock" in landlock.problem() and not landlock.stay_among_ourselves()
    monkeypatch.setattr(landlock, "version", lambda: 6)
    bwrap = tmp_path / "bwrap"
    bwrap.touch()
    bwrap.chmod(0o4755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "setuid" in landlock.problem() and not landlock.stay_among_ourselves()


def test_other_systems_have_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert landlock.version() == 0
