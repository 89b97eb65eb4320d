"""Runs the programs in programs/ under plain MPyC: three processes on this machine, without Huddle."""

import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

PROGRAMS = Path(__file__).parents[2] / "programs"
PARTIES = 3
SECONDS = 50


def free_base_port() -> int:
    """The first of three neighbouring ports that are free, of those that no system hands out by itself."""
    # Each test process begins elsewhere, so that two of them don't find the same ports.
    first = 20_000 + os.getpid() % 3_000 * PARTIES
    for base in range(first, 32_000, PARTIES):
        try:
            for offset in range(PARTIES):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", base + offset))
        except OSError:
            continue
        return base
    raise RuntimeError("no three neighbouring ports are free")


def run(
    name: str, *shared: str, private: Sequence[Sequence[str]] = ((), (), ()), typed: str = ""
) -> list[str]:
    """Run the program with three parties, each with its private arguments; what each printed comes back."""
    program = str(PROGRAMS / f"{name}.py")
    command = [sys.executable, program, f"-M{PARTIES}", "-B", str(free_base_port()), "--no-log"]

    def party(pid: int) -> str:
        args = [*command, f"-I{pid}", *shared, *private[pid]]
        return subprocess.run(
            args, input=typed, capture_output=True, text=True, timeout=SECONDS, check=True
        ).stdout

    with ThreadPoolExecutor(PARTIES) as pool:
        return list(pool.map(party, range(PARTIES)))
