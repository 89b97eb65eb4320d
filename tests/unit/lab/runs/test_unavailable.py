"""What can't be run here is known before, with its reason, and nothing stands in for it."""

from pathlib import Path

import pytest

from huddle.errors import LocalError
from huddle_lab.runs import browser, rows, run
from huddle_lab.runs import unavailable as absent
from huddle_lab.study.study import load
from tests.unit.lab.support import STUDY, none_shipped, write_study

NETWORKS = '["plain", "tls", "headscale", "tailscale", "webrtc-browser", "mine"]'
MINE = '[network.mine]\nnetwork = "tailscale"\noptions = ["--login-server", "http://10.77.0.9"]\n'


def test_each_network_that_is_not_here_has_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_browser() -> None:
        raise LocalError("there is no Chromium")

    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(browser, "check", no_browser)
    text = STUDY.replace('["plain", "tls"]', NETWORKS) + MINE
    found = absent.absent(load(write_study(tmp_path, text), none_shipped))
    assert found.keys() == {"headscale", "tailscale", "webrtc-browser", "mine"}
    assert found["mine"] == "there is no tailscaled here"
    assert (
        found["headscale"] == "there is no headscale here"
        and found["webrtc-browser"] == "there is no Chromium"
    )
    (tmp_path / "headscale").write_text("")
    (tmp_path / "headscale").chmod(0o755)
    found = absent.absent(load(write_study(tmp_path, text), none_shipped))
    assert found["headscale"] == "there is no tailscaled here"
    hosts = tmp_path / "hosts.toml"
    hosts.write_text('[[hosts]]\nssh = "a"\n')
    elsewhere = absent.absent(load(write_study(tmp_path, text), none_shipped, hosts))
    assert elsewhere.keys() == {"webrtc-browser"}  # what hosts have is found there


def test_a_row_says_it_once_and_never_counts_as_a_try(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    text = STUDY.replace('["plain", "tls"]', '["headscale"]').replace("[1, 3]", "[2]")
    study = load(write_study(tmp_path, text), none_shipped)
    results = tmp_path / "rows.jsonl"
    told: list[run.StudyProgress] = []
    only = {"network": frozenset({"headscale"})}

    def machines(*_: object) -> None:
        raise AssertionError("machines are made, and nothing runs on them")

    monkeypatch.setattr(run, "provider_of", machines)
    for _ in range(2):
        run.run_study(study, results, told.append, only)
    (row,) = rows.read(results)
    assert (row["outcome"], row["error"]) == ("not run", "there is no headscale here")
    assert row["id"] not in rows.settled([row], 1)
