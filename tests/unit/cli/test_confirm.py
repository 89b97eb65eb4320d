"""What can't be undone is done after a yes to the question, and not to what was typed before it."""

import os
import pty
import subprocess
import sys

import pytest

CHILD = """
import os, sys
from huddle.cli.confirm import confirm
print("ready", flush=True)
os.read(int(sys.argv[1]), 1)
confirm("Delete this for good?")
print("deleted", flush=True)
"""


@pytest.mark.parametrize(("answer", "deleted"), [("y", True), ("n", False), ("", False), ("yep", None)])
def test_a_yes_before_the_question_deletes_nothing(answer: str, deleted: bool | None) -> None:
    master, slave = pty.openpty()
    go, gone = os.pipe()
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(go)],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        pass_fds=(go,),
        start_new_session=True,
    )
    os.close(slave)
    seen = ""

    def until(text: str) -> None:
        nonlocal seen
        while text not in seen:
            seen += os.read(master, 4096).decode()

    until("ready")
    os.write(master, b"y\ny\n")
    os.write(gone, b".")
    until("good? [y/N]: ")
    os.write(master, answer.encode() + b"\n")
    if deleted is None:  # asked again
        until("Error: invalid input")
        os.write(master, b"n\n")
    if deleted:
        until("deleted")
    assert child.wait(10) == (0 if deleted else 1)
    for one in (master, go, gone):
        os.close(one)
