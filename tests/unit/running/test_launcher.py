"""The last step before the sandbox leaves nothing of the person's, and lets the program go first."""

import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from huddle.running import sandbox, seccomp

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it starts bubblewrap, which is Linux's")

LOOK = """
import ctypes, json, os, resource
libc = ctypes.CDLL(None)
print(json.dumps({
    "environment": dict(os.environ), "nice": os.nice(0), "core": resource.getrlimit(resource.RLIMIT_CORE),
    "oom": int(open("/proc/self/oom_score_adj").read()), "keyring": libc.syscall(KEYCTL, 0, -3, 1)}))
"""  # KEYCTL_GET_KEYRING_ID of KEY_SPEC_SESSION_KEYRING


def looked(*before: str) -> dict[str, Any]:
    """What a process sees that is started behind these words."""
    number = seccomp.numbers("refused")["keyctl"]
    code = LOOK.replace("KEYCTL", str(number))
    done = subprocess.run(
        [*before, sys.executable, "-I", "-c", code],
        env=os.environ | {"SECRET": "s"},
        capture_output=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.skipif(bool(seccomp.problem()), reason=seccomp.problem())
def test_nothing_of_the_person_s_is_left_and_the_program_is_the_first_to_go() -> None:
    outside, inside = looked(), looked(*sandbox._launched())
    assert outside["environment"]["SECRET"] == "s"
    assert set(inside["environment"]) <= {"LC_CTYPE"}  # Python's own
    assert inside["core"] == [0, 0]
    assert inside["nice"] >= min(19, outside["nice"] + 5)
    assert inside["oom"] == 1000
    assert inside["keyring"] > 0
    assert inside["keyring"] != outside["keyring"]


def test_it_goes_on_where_a_machine_can_less() -> None:
    given = json.dumps({"keyctl": None, "nice": 0, "oom_score_adj": -1000 if os.geteuid() else 0})
    launcher = str(Path(sandbox.__file__).with_name("launcher.py"))
    done = subprocess.run(
        [sys.executable, "-I", "-S", launcher, given, "/bin/sh", "-c", "echo started"],
        capture_output=True,
        check=True,
    )
    assert done.stdout == b"started\n"


def test_the_keys_number_is_this_machine_s() -> None:
    known = {"x86_64": 250, "aarch64": 219}
    given = json.loads(sandbox._launched()[-1])
    assert given["keyctl"] == known.get(platform.machine())
