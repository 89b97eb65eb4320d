"""wireguard-go for tests, built once a machine: kernels on which tests run mostly have no WireGuard."""

import os
import subprocess
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# As it was before the tests' own home.
ENVIRONMENT = dict(os.environ)


@cache
def _built() -> Path:
    script = [ROOT / "scripts" / "install-wireguard-go"]
    found = subprocess.run(script, env=ENVIRONMENT, capture_output=True, text=True, timeout=540, check=False)
    if found.returncode != 0:
        if ENVIRONMENT.get("CI") == "true":
            pytest.fail(found.stderr)
        pytest.skip(found.stderr.strip().splitlines()[-1])
    return Path(found.stdout.strip())


def on_path(monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put it on PATH for this test; where it is."""
    program = _built()
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    return program
