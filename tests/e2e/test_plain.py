"""Somebody who would run plain MPyC among people who can't link with them: said before anybody accepts."""

import json
import subprocess
import sys
from pathlib import Path

from tests.e2e.harness import NETWORK, PATIENCE, Lab

ROOT = Path(__file__).parents[2]
PROGRAM = ROOT / "tests" / "programs" / "total.py"


def test_who_cannot_be_linked_is_named_at_all_and_nothing_runs(people: Lab) -> None:
    _, url = people.rendezvous()
    ada = people.host(PROGRAM, url=url, parties=2)
    link = ada.wait("invitation")["url"]
    ben = subprocess.run(
        [sys.executable, "-m", "tests.netlab.plain_end", "Ben", link],
        capture_output=True, text=True, cwd=ROOT, timeout=PATIENCE, check=False,
    )  # fmt: skip
    events = [json.loads(line) for line in ben.stdout.splitlines()]
    assert ada.end() == NETWORK and ben.returncode == 1
    told = [event for event in events if event["event"] == "error"]
    for error in (ada.all("error")[0], told[0]):
        assert "Ben would run plain MPyC" in error["message"] and "Ada can't link" in error["message"]
        assert "--network auto,plain" in error["hint"]
    assert "question" not in {event["event"] for event in events}
    assert {event["what"] for event in ada.all("question")} <= {"admit"}
    for name in ("sealed", "run"):
        assert not [event for event in events if event["event"] == name]
        assert not ada.all(name)
