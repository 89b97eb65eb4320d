"""Which directories a crash has left: those that nobody holds, works in or is making."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from huddle.cli import leftovers
from huddle.networks.reach import child_server


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = (tmp_path / "tmp").resolve()
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setattr(child_server, "_SHORT", str(folder))
    return folder


def aged(path: Path) -> Path:
    path.mkdir(exist_ok=True)
    os.utime(path, (0, 0))
    return path


def test_what_nobody_holds_is_left(temporary: Path) -> None:
    left = [aged(temporary / name) for name in ("huddle-demo-x", "huddle-run-abc")]
    aged(temporary / "unrelated")
    (temporary / "huddle-run-new").mkdir()
    (temporary / "huddle-run-link").symlink_to("/")
    (temporary / "huddle-run-file").write_text("")
    assert leftovers.directories() == left


def test_a_directory_in_which_somebody_works_is_not(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(aged(temporary / "huddle-run-xyz"))
    assert leftovers.directories() == []


def test_the_directory_of_a_living_session_is_not_and_that_of_a_killed_one_is(temporary: Path) -> None:
    code = (
        "import sys\nfrom huddle.running.snapshot import Snapshot\n"
        "print(Snapshot({'a.py': b''}).directory, flush=True)\nsys.stdin.read()"
    )
    environment = os.environ | {"TMPDIR": str(temporary)}
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        assert process.stdout is not None
        path = aged(Path(process.stdout.readline().strip()))
        assert path.parent == temporary and leftovers.directories() == []
        process.kill()
    assert leftovers.directories() == [path]
