"""What an interpreter is asked before programs run in it."""

import importlib.metadata
import platform
import sys
import venv
from pathlib import Path

import pytest

from huddle.engine.interpreter import environment, probe
from huddle.errors import LocalError


async def test_this_interpreter_has_mpyc() -> None:
    found = await probe(sys.executable)
    assert found.python == platform.python_version()
    assert found.mpyc == importlib.metadata.version("mpyc")
    assert found.executable == sys.executable
    assert sys.prefix in found.prefixes
    assert found.bits == 64


async def test_one_that_is_not_there() -> None:
    with pytest.raises(LocalError, match="no Python interpreter"):
        await probe("/nowhere/python")


async def test_one_without_mpyc_says_how_to_get_it(tmp_path: Path) -> None:
    venv.create(tmp_path / "bare", symlinks=True)
    python = str(tmp_path / "bare" / "bin" / "python")
    with pytest.raises(LocalError) as caught:
        await probe(python)
    assert caught.value.hint == f"install it with: {python} -m pip install mpyc"


async def test_what_is_no_interpreter(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match="not a Python interpreter"):
        await probe("true")
    with pytest.raises(LocalError, match="cannot run MPyC programs"):
        await probe("false")


def test_the_environment_is_scrubbed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/x")
    monkeypatch.setenv("MPYC_NOPRSS", "1")
    monkeypatch.setenv("HUDDLE_RENDEZVOUS", "https://example.org")
    monkeypatch.setenv("KEPT", "1")
    assert environment()["KEPT"] == "1"
    assert not [name for name in environment() if name.startswith(("PYTHON", "MPYC", "HUDDLE"))]
