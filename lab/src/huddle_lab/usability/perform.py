"""Performs solutions, each on machines of its own, and keeps a row of what was done and what stayed."""

import contextlib
import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from huddle.errors import LocalError
from huddle_lab.sites.netns import Net
from huddle_lab.usability.machine import FreshMachine
from huddle_lab.usability.people import Person, Story
from huddle_lab.usability.solution import PROGRAM, Solution, Stage

Row = dict[str, Any]

_NAMES = ("Ada", "Bob", "Cyd", "server")


def perform(solution: Solution, base: Path, checkout: Path, program: Path) -> Row:
    """Perform one; its row. LocalError where something does not work."""
    if why := solution.problem():
        return {"solution": solution.name, "title": solution.title, "not_run": why}
    story = Story()
    began = time.monotonic()
    with contextlib.ExitStack() as stack:
        net = stack.enter_context(Net(len(_NAMES)))
        where = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="huddle-fresh-")))
        where.chmod(0o755)
        people = []
        for name, namespace in zip(_NAMES, net.machines, strict=True):
            machine = stack.enter_context(FreshMachine(name.lower(), namespace, base, where / name))
            people.append(Person(name, machine, story))
        ada, bob, cyd, server = people
        ada.machine.put(PROGRAM, program.read_bytes())
        solution.perform(Stage(ada, bob, cyd, server, story, checkout))
        left = {person.name: person.machine.left().row() for person in (ada, bob)}
    return {
        "solution": solution.name,
        "title": solution.title,
        "base": "a fresh Debian" if base != Path("/") else "this computer's own system",
        "seconds": round(time.monotonic() - began, 1),
        "steps": [asdict(step) for step in story.steps],
        "left": left,
        "browser": story.browser,
    }


def write(rows: Sequence[Row], file: Path) -> None:
    """Write rows, in place of older ones of the same solutions."""
    known = {row["solution"]: row for row in read(file)}
    known.update({row["solution"]: row for row in rows})
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(list(known.values()), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def read(file: Path) -> list[Row]:
    """The rows of a file, none where it is not there; LocalError where it is no such file."""
    try:
        rows = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return []
    except ValueError as error:
        raise LocalError(f"{file} has no rows of huddle lab usability: {error}.") from error
    if not isinstance(rows, list) or not all(isinstance(row, dict) and "solution" in row for row in rows):
        raise LocalError(f"{file} has no rows of huddle lab usability.")
    return rows
