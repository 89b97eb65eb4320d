"""A Headscale of one's own: started, asked, ended, and gone, also where it or Huddle ends too early.

On any machine with a program that stands in for `headscale`; tests/netlab/test_headscale.py has the real one
where it is on PATH.
"""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from huddle.errors import HuddleError, LocalError
from huddle.networks.headscale import server as headscale_server
from huddle.networks.headscale.admission import Admission
from huddle.networks.headscale.api import HeadscaleApi
from huddle.networks.headscale.server import NOBODY, PREFIX, OwnHeadscale, Where
from tests.e2e.chaos import wait_until
from tests.ports import free_port

ROOT = Path(__file__).parents[4]


def stand_in(folder: Path) -> Path:
    """A directory for PATH with a command `headscale`."""
    folder.mkdir()
    command = folder / "headscale"
    command.write_text(
        f"#!/bin/sh\nexport PYTHONPATH={ROOT}\n"
        f'exec {sys.executable} -m tests.tailnet.headscale_command "$@"\n'
    )
    command.chmod(0o755)
    return folder


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Only this test's directories are looked at, and its `headscale` is the one on PATH."""
    monkeypatch.setenv("PATH", str(stand_in(tmp_path / "bin")))
    where = Path(tempfile.mkdtemp(prefix="hs-", dir="/tmp"))
    monkeypatch.setattr(tempfile, "tempdir", str(where))
    return where


def where() -> Where:
    port = free_port()
    return Where(f"https://127.0.0.1:{port}", port, "127.0.0.1")


def left(folder: Path) -> list[Path]:
    return list(folder.glob(f"{PREFIX}*"))


async def test_it_answers_by_https_to_who_knows_its_certificate_and_leaves_nothing(temporary: Path) -> None:
    own = await OwnHeadscale.start(where())
    try:
        api = HeadscaleApi(own.url, own.key, own.certificate)
        assert await api.policy() == NOBODY and await api.users() == []
        session = Admission(api)  # a session accepts it as it is
        assert await session.open() == []
        with pytest.raises(HuddleError, match="can't be reached"):
            await HeadscaleApi(own.url, own.key).users()  # for nobody vouches for the certificate
        (directory,) = left(temporary)
        assert directory.stat().st_mode & 0o077 == 0
        assert own.certificate_file.read_text() == own.certificate
        assert (directory / "key").stat().st_mode & 0o077 == 0
    finally:
        await own.close()
    assert left(temporary) == []


async def test_a_machine_without_the_binary_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(headscale_server, "search_path", lambda: "/nonexistent")
    with pytest.raises(LocalError, match="no headscale") as caught:
        await OwnHeadscale.start(where())
    assert "headscale.net" in caught.value.hint


async def test_a_port_that_is_taken_is_named_and_nothing_is_left(temporary: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(LocalError, match="in use"):
            await OwnHeadscale.start(Where(f"https://127.0.0.1:{port}", port, "127.0.0.1"))
    assert left(temporary) == []


@pytest.mark.parametrize("url", ["http://a.example", "headscale.example", "https://", "https://a/b"])
async def test_what_is_no_url_for_derp(url: str) -> None:
    with pytest.raises(LocalError, match="no URL"):
        await OwnHeadscale.start(Where(url, 8038))


async def test_one_that_ends_by_itself_is_noticed(temporary: Path) -> None:
    own = await OwnHeadscale.start(where())
    try:
        (server,) = _pids(own.certificate_file.parent / "config.yaml", "headscale_command")
        os.kill(server, signal.SIGKILL)
        with pytest.raises(LocalError, match="ended by itself"):
            async with asyncio.timeout(20):
                await own.gone()
    finally:
        await own.close()
    assert left(temporary) == []


def test_it_ends_where_its_maker_is_killed(temporary: Path) -> None:
    program = (
        "import asyncio, sys\n"
        "from huddle.networks.headscale.server import OwnHeadscale, Where\n"
        f"own = asyncio.run(OwnHeadscale.start({where()!r}))\n"
        "print(own.certificate_file.parent / 'config.yaml', flush=True)\n"
        "sys.stdin.read()\n"
    )
    maker = subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ | {"TMPDIR": str(temporary)},
    )  # fmt: skip
    try:
        assert maker.stdout is not None
        config = Path(maker.stdout.readline().strip())
        assert _pids(config)
    finally:
        maker.kill()
        maker.communicate()
    gone: Callable[[], bool] = lambda: not _pids(config)  # noqa: E731
    assert wait_until(gone, 20), _pids(config)


def _pids(config: Path, what: str = "") -> list[int]:
    """The processes that were told of that file."""
    found = []
    for process in (int(one.name) for one in Path("/proc").iterdir() if one.name.isdigit()):
        try:
            line = Path(f"/proc/{process}/cmdline").read_text()
        except OSError:
            continue
        if str(config) in line and what in line:
            found.append(process)
    return found
