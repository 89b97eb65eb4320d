"""Finding processes below this one, while others come and go."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil


def below(program: str, word: str) -> Iterator[psutil.Process]:
    """Each process below this one that runs this program and has this in its command line."""
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # another test's, which has just ended
            line = process.cmdline()
            if line and Path(line[0]).name == program and word in " ".join(line):
                yield process


def kill(program: str, word: str) -> None:
    """Kill these; there is at least one."""
    found = list(below(program, word))
    assert found, f"no {program} has {word} in its command line"
    for process in found:
        process.kill()
