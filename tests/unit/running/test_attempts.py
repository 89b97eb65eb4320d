"""What a program tries in the sandbox (tests/programs/attempts.py) is refused; an open hole is found.

The second half is what makes the first worth something: each attempt is seen to succeed.
"""

import asyncio
import json
import os
import re
import sys
from typing import Any

import pytest

from huddle.running import sandbox
from tests.unit.running.attempting import PROGRAM
from tests.unit.running.attempting import __file__ as script
from tests.unit.running.holes import HOLES, OF_ROOT

pytestmark = pytest.mark.skipif(bool(sandbox.problem()), reason=sandbox.problem())

ATTEMPTS = 35
# Calls that no kernel refuses by itself with the error of the filter, so that their attempt can tell.
TELLING = {
    *("add_key", "bpf", "clock_settime", "io_uring_setup", "kcmp", "kexec_load", "keyctl", "memfd_create"),
    *("mknod", "mount", "perf_event_open", "personality", "pidfd_getfd", "process_vm_readv", "ptrace"),
    *("process_vm_writev", "request_key", "seccomp", "setns", "settimeofday", "shmget", "umount2"),
    *("unshare", "userfaultfd"),
}


async def found(hole: str = "", *, ordinary: bool = True) -> dict[str, Any]:
    """What the attempts that succeeded have to show, by their names."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, script, hole, "1" if ordinary else "0",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    told = json.loads(out)
    assert told["exit"] == "", told["stderr"]
    assert (told["uid"] != 0) or not ordinary
    assert len(told["said"]) == ATTEMPTS, "an attempt is missing"
    broken = {name: each["error"] for name, each in told["said"].items() if "error" in each}
    assert not broken, "an attempt that fails otherwise than by being refused says nothing"
    return {name: each["evidence"] for name, each in told["said"].items() if each["evidence"]}


async def test_no_attempt_of_an_ordinary_account_succeeds() -> None:
    assert sandbox.weaker() == (), "what follows is not promised here"
    assert await found() == {}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can try it as root")
async def test_no_attempt_of_root_succeeds_but_where_the_kernel_knows_no_limit_for_it() -> None:
    """No program runs so (`refuse_root`); should one, the sandbox alone must do."""
    assert set(await found(ordinary=False)) <= set(OF_ROOT)


@pytest.mark.parametrize("hole", list(HOLES))
async def test_an_open_hole_is_found_by_its_attempt(hole: str) -> None:
    opened = HOLES[hole]
    evidence = await found(hole)
    assert opened.finds in evidence
    assert set(evidence) <= {opened.finds, *opened.beside}, "more is open than was meant"
    if hole == "all calls allowed":
        assert set(evidence["refused_calls"]) >= TELLING


def test_each_attempt_has_its_hole() -> None:
    names = re.findall(r"^@attempt\ndef (\w+)", PROGRAM.read_text(), re.MULTILINE)
    assert len(names) == ATTEMPTS
    assert {each.finds for each in HOLES.values()} == set(names)
