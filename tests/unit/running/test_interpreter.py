"""What an interpreter is asked before programs run in it."""

import importlib.metadata
import platform
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from huddle.errors import LocalError
from huddle.running import interpreter
from huddle.running.interpreter import environment, probe


async def test_this_interpreter_has_mpyc() -> None:
    found = await probe(sys.executable)
    assert found.python == platform.python_version()
    assert found.mpyc == importlib.metadata.version("mpyc")
    assert found.executable == sys.executable
    assert sys.prefix in found.prefixes
    assert found.bits == 64


async def test_what_it_compiles_of_mpyc_is_kept_unless_nobody_wants_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    venv.create(tmp_path / "own", symlinks=True)
    (site,) = (tmp_path / "own").glob("lib/python*/site-packages")
    for name in ("mpyc", "mpyc/tests"):
        (site / name).mkdir()
        (site / name / "__init__.py").write_text("__version__ = '0.11'\n")
    (site / "mpyc" / "runtime.py").touch()
    python = str(tmp_path / "own" / "bin" / "python")
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert (await probe(python)).mpyc == "0.11"
    assert not list(site.glob("mpyc/__pycache__/runtime.*"))
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    await probe(python)
    assert list(site.glob("mpyc/__pycache__/runtime.*.pyc")) and not list(site.glob("mpyc/tests/__pycache__"))


async def test_what_was_installed_in_an_older_way_has_its_version_too(tmp_path: Path) -> None:
    venv.create(tmp_path / "own", symlinks=True)
    (site,) = (tmp_path / "own").glob("lib/python*/site-packages")
    for name in ("mpyc", "numpy", "mpyc.egg-info", "numpy-2.0+own.dist-info"):
        (site / name).mkdir()
    for name in ("mpyc", "numpy"):
        (site / name / "__init__.py").touch()
    (site / "mpyc.egg-info" / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: mpyc\nVersion: 0.10\n")
    found = await probe(str(tmp_path / "own" / "bin" / "python"))
    assert (found.mpyc, found.numpy, found.gmpy2) == ("0.10", "2.0+own", None)


def test_nobody_waits_for_what_the_answer_does_not_need() -> None:
    spared = ("asyncio", "email", "importlib.metadata", "platform", "compileall", "mpyc", "numpy")
    code = f"{interpreter._PROBE}\nprint([name for name in {spared} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.splitlines()[-1] == "[]"


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
