"""Plain MPyC among parties of Huddle: real runners, a real MPyC by itself, TCP between them."""

import asyncio
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from huddle.links.raw import RawConnection, RawLink
from huddle.links.wire import WireInfo
from huddle.running.interpreter import environment
from huddle.running.plain_run import PlainRun
from huddle.running.spec import RunnerExit
from tests.ports import free_ports
from tests.unit.running.support import PATIENCE, PROGRAMS, Screen, lay

pytestmark = pytest.mark.timeout(120)

INFO = WireInfo("plain", "direct, raw", b"k", b"p", sealed=True)


@pytest.mark.parametrize("end", [0, 1, 2])
async def test_plain_mpyc_and_two_of_huddle_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: int
) -> None:
    """`twice.py` opens its connections two times, with a wait for a person between."""
    shown: list[int] = []
    monkeypatch.setattr(Screen, "run_link", lambda _self, pid, _info, _reason: shown.append(pid))
    loop = asyncio.get_running_loop()
    ports = free_ports(3)
    links: dict[int, RawLink] = {}
    servers = []

    async def connect(connection: RawConnection) -> None:
        while True:
            try:
                await loop.create_connection(lambda: connection, "127.0.0.1", ports[end])
                return
            except OSError:
                await asyncio.sleep(0.05)

    def opened(pid: int, receiver: Any) -> RawLink:
        links[pid] = RawLink("plain", receiver, INFO, connect if pid < end else None)
        return links[pid]

    table = await lay(tmp_path, "twice.py", absent=end, start=False, lines=("10",))
    for run in table.runs:
        assert isinstance(run._open_links, dict)
        run._open_links[end] = partial(opened, run.spec.pid)
    await asyncio.gather(*(run.start() for run in table.runs))
    for pid in range(end + 1, 3):
        servers.append(
            await loop.create_server(lambda pid=pid: RawConnection(links[pid]), "127.0.0.1", ports[pid])
        )
    parties = [word for port in ports for word in ("-P", f"127.0.0.1:{port}")]
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(PROGRAMS / "twice.py"), *parties, "-I", str(end),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment(),
    )  # fmt: skip
    try:
        out, _ = await asyncio.wait_for(process.communicate(b"10\n"), PATIENCE)
        assert b"first 6" in out and b"second 30" in out, out
        for screen in table.screens:
            await asyncio.wait_for(screen.until("second 30"), PATIENCE)
            assert screen.run
            screen.run.close_stdin()
        assert await table.finish() == [RunnerExit(0)] * 2
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        for server in servers:
            server.close()
        for link in links.values():
            await link.close(0.1)
    assert shown == [end] * 2


async def test_it_is_over_when_those_are_who_have_huddle() -> None:
    run = PlainRun([0, 2])
    waiting = asyncio.create_task(run.wait())
    run.ended(0)
    await asyncio.sleep(0)
    assert not waiting.done() and run.stats() == {}
    run.ended(2)
    assert await waiting == RunnerExit(0)
    run.stop("too late")
    assert await run.wait() == RunnerExit(0)


async def test_a_person_who_ends_it_ends_it_for_this_reason() -> None:
    run = PlainRun([0])
    run.stop("Ada's program failed", 0)
    exit_ = await run.wait()
    assert exit_.stopped and exit_.reason == "Ada's program failed" and exit_.culprit == 0
