"""The tables of what people do and of what attackers can do, and that every test they name is there."""

from pathlib import Path

from huddle_lab.usability import table
from huddle_lab.usability.registry import NOT_PERFORMED

ROOT = Path(__file__).parents[4]


def row(*seconds: float) -> dict[str, object]:
    steps = [
        {"when": "first", "who": who, "kind": kind, "what": "x", "seconds": took}
        for who, kind, took in zip(("Ada", "Bob", "Ada"), ("type", "type", "tell"), seconds, strict=True)
    ]
    left = {
        "installed": 3,
        "mb": 2.0,
        "files": ["/etc/x"],
        "more": 1,
        "users": [],
        "interfaces": ["wg0"],
        "processes": [],
    }
    return {"solution": "a", "title": "A", "steps": steps, "left": {"Ada": left, "Bob": left}}


def test_waiting_is_that_of_the_slower_person_and_what_stays_is_named() -> None:
    found = table.usability([row(1, 4, 2), {"solution": "b", "title": "B", "not_run": "no binary"}])
    stays = "3 files of what was installed, 2 MB; `/etc/x`, 1 more; interfaces: wg0"
    assert f"| A | 0 | 3, 4 s | 0 | 0 | 0 | 1 | {stays} |" in found
    assert "| B | not run: no binary |" in found and len({one.count("|") for one in found.splitlines()}) == 1
    assert all(name in found for name in NOT_PERFORMED)


def test_every_test_that_is_named_is_there() -> None:
    named = [test for *_, test in table.attackers() if not test.startswith("not tried: ")]
    assert len(named) > 20
    for test in named:
        file, _, name = test.partition("::")
        assert name, f"{test} names no test of that file"
        assert f"def {name}(" in (ROOT / file).read_text(), test
