"""Recorded screens: what a person has before them, at three sizes, compared with the files beside this one.

`RECORD_SCREENS=1 .venv/bin/pytest tests/unit/cli/terminal/test_recorded.py` writes them anew: look at them.
"""

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from huddle import events

from .table import Table

pytestmark = pytest.mark.timeout(120)

FOLDER = Path(__file__).parent / "recorded"
SIZES = ((60, 20), (80, 24), (140, 40))
NAMES = ("Ada", "Bob", "Cyd", "Dan", "Eve", "Fay", "Gus")
STANDINGS = ("self", "new", "verified", "known", "new", "alarm", "new")
LINK = "https://huddle.example.org/j#AT3yjtIbM_3b_HWw5WfptCnmrMwgexsllOkT8Atgo_C0jKw0"
FILES = ({"path": "average_salary.py", "size": 2048, "sha256": "df5c1649f5dd0e66" * 4},)
PROGRAM = events.Program("average_salary.py", "c0de6115" * 8, FILES, ("--no-log",), True)
ACCEPT = events.Question("accept", "Ada", "did:key:z6Mk0")


def did(pid: int) -> str:
    return f"did:key:z6MkpFBWEgiNjDBnJSdoGbGMarddUuaTWuVP1By2gHnLdqj{pid}"


def party(pid: int, state: str, *, seen: bool = False) -> events.Party:
    return events.Party(NAMES[pid], did(pid), state, STANDINGS[pid], pid if seen else None)


def lobby(parties: int) -> list[events.Event]:
    return [
        events.Notice("The rendezvous runs on this machine: guests must be able to reach 192.0.2.7."),
        party(0, "admitted"),
        events.Invitation(LINK, "7340-old-general"),
        *(party(pid, "waiting") for pid in range(1, parties)),
    ]


def deciding(parties: int, epoch: int = 1) -> list[events.Event]:
    words = ("call", "then", "snack", "body") if epoch == 1 else ("river", "stone", "cloud", "apple")
    seen = [party(pid, "seated" if pid else "admitted", seen=True) for pid in range(parties)]
    return [*seen, PROGRAM, events.Words(words, epoch), ACCEPT]


def differ() -> list[events.Event]:
    return [
        events.WordsDiffer("Bob", did(1), 1),
        events.Restarted(2, "Bob saw other words"),
        events.Notice("It begins again, with other words: Bob saw other words"),
    ]


STORIES: dict[str, list[events.Event | str]] = {
    "lobby-7": [*lobby(7)],
    "decide-3": [*lobby(3), *deciding(3)],
    "decide-7": [*lobby(7), *deciding(7)],
    "unclear-7": [*lobby(7), *deciding(7), "yep\n"],
    "differ-3": [*lobby(3), *deciding(3), *differ(), *deciding(3, 2)],
    "run-3": [
        *lobby(3),
        *deciding(3)[:-1],
        events.Sealed("d", tuple({"pid": pid, "name": NAMES[pid], "did": did(pid)} for pid in range(3)), 0),
        events.Run(1, "started"),
        events.Output("stdout", "Each gives a salary.\nYour salary: "),
        events.Input(True),
    ],
}


@pytest.fixture
def table(request: pytest.FixtureRequest) -> Iterator[Table]:
    one = Table(*request.param)
    yield one
    one.close()


@pytest.mark.parametrize("table", SIZES, ids=lambda size: f"{size[0]}x{size[1]}", indirect=True)
@pytest.mark.parametrize("story", STORIES)
def test_the_screen_is_as_recorded(story: str, table: Table) -> None:
    for step in STORIES[story]:
        if isinstance(step, str):
            table.until(lambda text: text.endswith(">"))
            table.type(step)
        else:
            table.tell(step)
    file = FOLDER / f"{story}-{table.screen.columns}.txt"
    if os.environ.get("RECORD_SCREENS"):
        FOLDER.mkdir(exist_ok=True)
        file.write_text(settled(table) + "\n")
    expected = file.read_text().rstrip("\n")
    assert expected.count("\n") >= table.screen.lines - 3, "recorded before all had been drawn"
    if STORIES[story][-1] is ACCEPT:
        assert expected.endswith(">"), "recorded before the question stood there"
    table.until(lambda text: still(text) == expected)


def settled(table: Table) -> str:
    """The screen once nothing has changed on it for three seconds."""
    before, since = "", time.monotonic()
    while time.monotonic() - since < 3:
        now = still(table.text)
        if now != before:
            before, since = now, time.monotonic()
        time.sleep(0.05)
    return before


def still(text: str) -> str:
    """The screen without what moves."""
    return re.sub("(?m)^[\u2800-\u28ff] ", "* ", text)
