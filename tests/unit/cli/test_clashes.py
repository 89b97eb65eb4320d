"""Options that the program's source names as well, found without running it."""

import subprocess
import sys
from pathlib import Path

import pytest

from huddle.cli.clashes import named_options, warning

PROGRAM = b"""
import argparse, sys
parser = argparse.ArgumentParser(description="call it with --input or so")
parser.add_argument("-Months", "-p", type=int)
parser.add_argument("--name", default="--x y")
if "--port" in sys.argv: pass
"""


@pytest.mark.parametrize(
    ("source", "named"),
    [
        (PROGRAM, {"-Months", "-p", "--name", "--port"}),
        (
            b"import click\n@click.option('--sandbox/--no-sandbox')\ndef f(): pass",
            {"--sandbox", "--no-sandbox"},
        ),
        (b"getopt(args, 'x', ['name='])\nif a.startswith('--grace='): pass", {"--grace"}),
        (b"x = '-'\ny = '--'\nz = '-1'\nw = b'--name'\n", set()),
        (b"this is no Python", set()),
        (b"(" * 100_000, set()),
        (b"\xff\0", set()),
    ],
)
def test_options_are_read_from_the_source(source: bytes, named: set[str]) -> None:
    assert named_options({"p.py": source, "notes.txt": b"'--stay'"}) == named


def test_only_what_huddle_took_and_the_program_names_is_told() -> None:
    files = {"p.py": b"", "lib/options.py": PROGRAM}
    assert warning("p.py", ("--name", "--parties", "--port"), files) == (
        "p.py has the options --name and --port too, and Huddle has taken them for itself. "
        "To give them to the program, write them behind a --, at the end of the line."
    )
    assert "the option --port too" in warning("p.py", ("--port",), files)
    assert warning("p.py", ("--parties",), files) == warning("p.py", (), files) == ""


def test_it_is_said_before_anything_starts(tmp_path: Path) -> None:
    program = tmp_path / "p.py"
    program.write_bytes(PROGRAM)
    line = ["-M", "3", "--rendezvous", "nothing://there", str(program), "--port", "1", "--name", "gauss"]
    assert "--port and --name too" in said(*line)
    assert "too, and" not in said(*line[:5], "--", *line[5:])


def said(*line: str) -> str:
    """What `huddle host` complains of, in a process of its own: it gives up rights for good."""
    command = [sys.executable, "-m", "huddle", "host", *line]
    return subprocess.run(command, capture_output=True, text=True, check=False).stderr
