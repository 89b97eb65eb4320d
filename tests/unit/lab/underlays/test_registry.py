"""An underlay of another distribution is one like the lab's own; what is none is left out, and said."""

import subprocess
import sys
from pathlib import Path

import pytest

from huddle_lab.underlays import registry
from tests.plugins import installed


def test_an_overlay_that_was_added_is_found_and_what_is_none_is_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.syspath_prepend(str(installed.OVERLAY))
    taken, refused = registry.found()
    assert set(taken) - {one.name for one in registry.OWN} == {"postman"}
    assert taken["n2n"] in registry.OWN
    assert [one.partition(": ")[2] for one in refused] == [
        "there is an underlay of that name",
        "it is no Underlay",
        "it calls itself 'postman'",
    ]
    assert all("huddle-overlay" in one for one in refused)
    places, _ = taken["postman"].plan(["10.0.0.1", "10.0.0.2"], "10.0.0.9")
    assert [place.address for place in places] == ["10.95.0.1", "10.95.0.2"]


def test_without_one_there_are_the_lab_s_own() -> None:
    assert registry.found() == ({one.name: one for one in registry.OWN}, ())


def test_a_study_may_name_it_and_who_misspells_it_hears_what_was_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(installed.OVERLAY))
    (tmp_path / "p.py").write_text("print(1)\n")
    said = {}
    for name in ("postman", "postmen"):
        study = tmp_path / f"{name}.toml"
        study.write_text(
            f'networks = ["plain+{name}"]\nscenarios = ["no-delay"]\nparties = [2]\n'
            '[[demos]]\nprogram = "p.py"\n'
        )
        command = [sys.executable, "-m", "huddle", "lab", "run", "--dry-run", str(study)]
        said[name] = subprocess.run(command, capture_output=True, text=True, check=False)
    assert said["postman"].returncode == 0 and "plain+postman" in said["postman"].stdout
    assert said["postmen"].returncode != 0 and "postman" in said["postmen"].stderr
    assert "it is no Underlay" in said["postmen"].stderr
