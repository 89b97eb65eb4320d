"""A party in a browser tells what a command tells; the page itself is run in tests/netlab/test_lab.py."""

import json
import os
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from huddle.errors import LocalError
from huddle_lab.runs import browser


class Renderers:
    """A browser whose pages run in this process."""

    def renderers(self) -> list[int]:
        return [os.getpid(), 2**22 + 1]  # the second has just ended


class Told:
    """A page that says these things, in so many pieces."""

    def __init__(self, *pieces: list[dict[str, Any]]) -> None:
        self._pieces = list(pieces)

    def evaluate(self, expression: str) -> str:
        assert expression.startswith("await news(")
        return json.dumps(self._pieces.pop(0))


def threads() -> browser.Threads:
    return browser.Threads(Renderers())  # type: ignore[arg-type]


def test_events_are_those_of_a_command_with_what_a_page_can_not_know(
    capsys: pytest.CaptureFixture[str],
) -> None:
    page = Told(
        [{"event": "ready"}],
        [],
        [{"event": "run", "state": "started"}, {"event": "stats", "memory_mb": 0, "rounds": 3}],
        [{"event": "run", "state": "finished"}, {"event": "ended", "clean": True}],
    )
    assert browser.attend(page, threads()) == 0  # type: ignore[arg-type]
    ready, started, stats, finished, ended = map(json.loads, capsys.readouterr().out.splitlines())
    assert (ready["event"], ended["event"]) == ("ready", "ended")
    assert started["queued"] == 0 and finished["queued"] >= 0
    assert stats["memory_mb"] > 5 and stats["rounds"] == 3


@pytest.mark.parametrize(
    "last", [{"event": "ended", "clean": False}, {"event": "broken", "message": "no JSPI", "hint": ""}]
)
def test_what_ends_badly_is_a_failure(last: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    assert browser.attend(Told([last]), threads()) == 1  # type: ignore[arg-type]
    said = json.loads(capsys.readouterr().out)
    assert said["event"] == ("error" if "message" in last else "ended")


def test_the_core_is_served_with_an_empty_page(tmp_path: Path) -> None:
    (tmp_path / "bare.js").write_text("export const openSession = 1;")
    with browser.serving(tmp_path) as url:
        with urllib.request.urlopen(url) as page:  # noqa: S310 - of this process
            assert b"bare.js" in page.read()
        with urllib.request.urlopen(f"{url}bare.js") as script:  # noqa: S310
            assert script.headers["Content-Type"] == "text/javascript"


def test_without_chromium_or_the_core_nothing_is_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browser, "core", lambda: tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LocalError, match="no Chromium"):
        browser.check()
    monkeypatch.undo()
    monkeypatch.setattr(browser, "__file__", str(tmp_path / "a" / "b" / "c" / "d.py"))
    with pytest.raises(LocalError, match="no page"):
        browser.core()
