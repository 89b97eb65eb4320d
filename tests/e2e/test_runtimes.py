"""A runtime in a real headless Chromium, where scripts/runtimes has put the runtimes into the cache."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "huddle-dev" / "runtimes"


@pytest.mark.long
def test_a_runtime_is_measured_in_chromium(tmp_path: Path) -> None:
    if not (CACHE / "node_modules").is_dir():
        pytest.skip("scripts/runtimes has not been run")
    results = tmp_path / "runtimes.jsonl"
    command = [
        sys.executable, "-m", "huddle", "lab", "runtimes", "micropython", "transcrypt",
        "--folder", str(CACHE), "--results", str(results),
    ]  # fmt: skip
    with tempfile.TemporaryDirectory(dir="/tmp") as own:  # Chromium wants a short path
        environment = {**os.environ, "TMPDIR": own}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        assert list(Path(own).iterdir()) == []
    assert done.returncode == 0, done.stderr
    small, fast = map(json.loads, results.read_text().splitlines())
    assert small["integers"] and not small["wrong"] and all(small["rates"].values())
    assert "math" in small["imports"] and "ssl" in small["missing"] and small["bytes"] > 100_000
    # Transcrypt's integers are JavaScript's: fast and wrong, so no figure.
    assert not fast["integers"] and fast["rates"]["modular127"] is None and fast["rates"]["adding"] > 0
    assert "modular127" in done.stdout and "wrong" in done.stdout
