"""A program that names packages: locked by its host, the same for all, made by uv while everybody reads."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.harness import Lab

ROOT = Path(__file__).parents[2]
HOME = os.path.expanduser("~")
KEPT = Path(os.environ.get("XDG_CACHE_HOME", f"{HOME}/.cache")) / "huddle-dev" / "uv" / "bin" / "uv"
PROGRAM = """
# /// script
# dependencies = ["six>=1.16"]
# ///
import six
from mpyc.runtime import mpc

async def main():
    async with mpc:
        total = await mpc.output(mpc.sum(mpc.input(mpc.SecInt(32)(mpc.pid + 1))))
    print("six", six.__version__, "total", int(total), "from", "environments" in six.__file__)

mpc.run(main())
"""


@pytest.fixture
def uv() -> Iterator[dict[str, str]]:
    """An environment with uv on PATH and an empty cache, for any account: what root starts has another."""
    if shutil.which("uv") is None and not KEPT.is_file():
        subprocess.run([ROOT / "scripts" / "uv", "--version"], check=True, env=os.environ | {"HOME": HOME})
    with tempfile.TemporaryDirectory(prefix="huddle-uv-") as folder:
        Path(folder).chmod(0o755)
        shutil.copy(shutil.which("uv") or KEPT, folder)
        cache = Path(folder) / "cache"
        cache.mkdir()
        cache.chmod(0o777)
        yield {"PATH": f"{folder}:{os.environ['PATH']}", "XDG_CACHE_HOME": str(cache)}


def test_all_run_the_versions_that_the_host_locked(
    url: str, people: Lab, uv: dict[str, str], tmp_path: Path
) -> None:
    program = tmp_path / "prog.py"
    program.write_text(PROGRAM)
    host = people.host(program, parties=2, url=url, env=uv)
    link = host.wait("invitation", timeout=150)["url"]
    guest = people.join("Bob", link, None, env=uv)
    guest.wait("question")
    needs = guest.wait("notice", lambda event: "these packages" in event["text"])["text"]
    assert "six 1." in needs and "mpyc 0.11" in needs
    # They are there, with their sizes, before the answer.
    ready = guest.wait("notice", lambda event: "packages are here" in event["text"], timeout=150)["text"]
    assert "six 1." in ready and "KiB" in ready
    guest.type("nobody")
    for party in (host, guest):
        party.wait("run", lambda event: event["state"] != "started", timeout=150)
        assert party.end() == 0, party.story()
        assert "total 3 from True" in party.output()
