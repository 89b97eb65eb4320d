"""MPyC started by hand, on ports of this machine, in a session with others."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from huddle.errors import LocalError, PeerError, ProgramError
from huddle.links import frames
from huddle.links.wire import WireInfo
from huddle.running import proxy as proxy_module
from huddle.running.interpreter import environment
from huddle.running.proxy import Proxy
from huddle.running.spec import RunnerExit
from tests.ports import given
from tests.unit.running.support import NAMES, PATIENCE, PROGRAMS, FakeLinks, lay

pytestmark = pytest.mark.timeout(120)


class Watcher:
    """Counts what a person would be shown."""

    def __init__(self) -> None:
        self.ended: list[int] = []
        self.connections: list[tuple[int, bool]] = []
        self.hung_up: list[float | None] = []

    def run_link(self, pid: int, info: WireInfo | None, reason: str) -> None:
        raise AssertionError("fake links have no wires")

    def run_peer_ended(self, pid: int) -> None:
        self.ended.append(pid)

    def proxy_connection(self, pid: int, there: bool) -> None:
        self.connections.append((pid, there))

    def proxy_hung_up(self, seconds: float | None) -> None:
        self.hung_up.append(seconds)


class ByHand:
    """Starts MPyC by hand, and ends what is left of it."""

    def __init__(self) -> None:
        self.processes: list[asyncio.subprocess.Process] = []

    async def start(self, *args: str) -> asyncio.subprocess.Process:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *args,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment(),
        )
        self.processes.append(process)
        return process


@pytest.fixture
async def by_hand() -> AsyncIterator[ByHand]:
    hand = ByHand()
    yield hand
    for process in hand.processes:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def sit(links: FakeLinks, pid: int, parties: int = 3, *, stays: bool = False) -> tuple[Proxy, Watcher]:
    openers: dict[int, Any] = {peer: links.opener(pid, peer) for peer in range(parties) if peer != pid}
    watcher = Watcher()
    proxy = Proxy(pid, NAMES[:parties], openers, watcher, stays=stays)
    await proxy.start()
    return proxy, watcher


@pytest.mark.parametrize("pid", [0, 1, 2])
async def test_by_hand_among_others(tmp_path: Path, by_hand: ByHand, pid: int) -> None:
    table = await lay(tmp_path, "twice.py", lines=("10",), absent=pid)
    proxy, watcher = await sit(table.links, pid)
    process = await by_hand.start(str(PROGRAMS / "twice.py"), *proxy.arguments)
    for screen in table.screens:
        await asyncio.wait_for(screen.until("bonus"), PATIENCE)
    out, _ = await asyncio.wait_for(process.communicate(b"10\n"), PATIENCE)
    assert b"first 6" in out
    assert b"second 30" in out
    for screen in table.screens:
        assert screen.run
        await asyncio.wait_for(screen.until("second 30"), PATIENCE)
        screen.run.close_stdin()
    assert await asyncio.wait_for(proxy.wait(), PATIENCE) == RunnerExit(0)
    assert await table.finish() == [RunnerExit(0)] * 2
    assert sorted(watcher.ended) == [peer for peer in range(3) if peer != pid]
    for peer in watcher.ended:
        assert [there for with_, there in watcher.connections if with_ == peer] == [True, False] * 2


async def test_all_by_hand_with_megabytes(by_hand: ByHand) -> None:
    links = FakeLinks(window=1 << 20)
    proxies = [(await sit(links, pid, 2))[0] for pid in range(2)]
    # the higher one comes late: what the lower one says is kept for it
    first = await by_hand.start(str(PROGRAMS / "big.py"), *proxies[0].arguments)
    await asyncio.wait_for(links.links[0, 1].written.wait(), PATIENCE)
    second = await by_hand.start(str(PROGRAMS / "big.py"), *proxies[1].arguments)
    for process in (first, second):
        out, _ = await asyncio.wait_for(process.communicate(), PATIENCE)
        assert b"all 10000000" in out
    assert max(link.most_unacked for link in links.links.values()) < (1 << 20) + (1 << 19)
    proxies[0].stop("done")
    proxies[1].stop("done")
    assert (await proxies[0].wait()).reason == "done"
    await proxies[1].wait_for_peers()


LEAVES = """
import asyncio, sys
from mpyc.runtime import mpc
async def main():
    await mpc.start()
    sys.exit(3)
mpc.run(main())
"""


async def test_an_mpyc_that_hangs_up_and_does_not_come_again_ends_the_run(
    tmp_path: Path, by_hand: ByHand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proxy_module, "PAUSE", 0.1)
    monkeypatch.setattr(proxy_module, "HUNG_UP", 0.5)
    (tmp_path / "leaves.py").write_text(LEAVES)
    links = FakeLinks()
    (here, watcher), (there, _) = await sit(links, 0, 2), await sit(links, 1, 2)
    stays = await by_hand.start(
        "-c", LEAVES.replace("sys.exit(3)", "await asyncio.sleep(60)"), *there.arguments
    )
    leaves = await by_hand.start(str(tmp_path / "leaves.py"), *here.arguments)
    assert await asyncio.wait_for(leaves.wait(), PATIENCE) == 3
    exit_ = await asyncio.wait_for(here.wait(), PATIENCE)
    assert isinstance(here.error, ProgramError) and exit_.reason == here.error.message
    assert watcher.hung_up == [0.5] and here.status == "gone"
    stays.kill()
    there.stop("enough")


async def test_an_mpyc_that_comes_again_in_time_goes_on(
    tmp_path: Path, by_hand: ByHand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proxy_module, "PAUSE", 0.0)
    table = await lay(tmp_path, "twice.py", lines=("10",), absent=0)
    proxy, watcher = await sit(table.links, 0)
    process = await by_hand.start(str(PROGRAMS / "twice.py"), *proxy.arguments)
    for screen in table.screens:
        await asyncio.wait_for(screen.until("bonus"), PATIENCE)
    async with asyncio.timeout(PATIENCE):  # between the two runs, while the person is asked
        while not watcher.hung_up:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert proxy.status == "idle"
    out, _ = await asyncio.wait_for(process.communicate(b"10\n"), PATIENCE)
    assert b"second 30" in out
    for screen in table.screens:
        assert screen.run
        await asyncio.wait_for(screen.until("second 30"), PATIENCE)
        screen.run.close_stdin()
    assert await asyncio.wait_for(proxy.wait(), PATIENCE) == RunnerExit(0)
    await table.finish()


async def test_an_mpyc_that_comes_and_goes_ends_nothing_until_its_person_says_so(
    tmp_path: Path, by_hand: ByHand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proxy_module, "PAUSE", 0.0)
    monkeypatch.setattr(proxy_module, "HUNG_UP", 0.0)
    table = await lay(tmp_path, "twice.py", lines=("10",), absent=0)
    proxy, watcher = await sit(table.links, 0, stays=True)
    process = await by_hand.start(str(PROGRAMS / "twice.py"), *proxy.arguments)
    async with asyncio.timeout(PATIENCE):
        while not watcher.hung_up:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert watcher.hung_up == [None] and proxy.status == "idle" and proxy.hung_up
    connected, proxy.came = proxy.came, lambda: (connected(), came.append(proxy.hung_up))[0]  # type: ignore[method-assign]
    came: list[bool] = []
    out, _ = await asyncio.wait_for(process.communicate(b"10\n"), PATIENCE)
    assert b"second 30" in out and came[0] is False
    for screen in table.screens:
        assert screen.run
        await asyncio.wait_for(screen.until("second 30"), PATIENCE)
        screen.run.close_stdin()
    assert await asyncio.wait_for(proxy.wait(), PATIENCE) == RunnerExit(0)
    await table.finish()


async def test_no_connection_is_given_mpyc_s_port_before_it_listens() -> None:
    proxy, _ = await sit(FakeLinks(), 0, 2)
    assert proxy.port not in given()
    proxy.stop("enough")


async def test_a_peer_that_claims_to_be_another_is_named() -> None:
    links = FakeLinks()
    proxy, _ = await sit(links, 1, 2)
    liar = links.opener(0, 1)(Nobody())
    server = await asyncio.get_running_loop().create_server(asyncio.Protocol, "127.0.0.1", proxy.port)
    liar.write(frames.data_frames(b"\1", 1) + frames.data_frames(b"\0", 1))
    exit_ = await asyncio.wait_for(proxy.wait(), PATIENCE)
    assert exit_.culprit == 0
    assert isinstance(proxy.error, PeerError)
    assert str(proxy.error) == "alice claimed to be party 1"
    server.close()


async def test_a_wrong_pid_typed_here_is_told() -> None:
    links = FakeLinks()
    proxy, _ = await sit(links, 0, 2)
    port = int(proxy.arguments[3].rpartition(":")[2])
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"\1\0")
    await asyncio.wait_for(proxy.wait(), PATIENCE)
    assert isinstance(proxy.error, LocalError)
    assert proxy.error.hint == "start it with -I 0"
    writer.close()


async def test_nothing_is_left_when_it_is_stopped() -> None:
    links = FakeLinks()
    proxy, watcher = await sit(links, 0, 2)
    peer = Nobody()
    links.opener(1, 0)(peer)
    port = int(proxy.arguments[3].rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"\0\0hello")
    await asyncio.wait_for(peer.came.wait(), PATIENCE)
    proxy.stop("enough")
    assert await asyncio.wait_for(reader.read(), PATIENCE) == b""
    assert [kind for kind, _, _ in frames.frames_in(peer.frames)[0]] == [frames.DATA, frames.END]
    with pytest.raises(OSError):
        await asyncio.open_connection("127.0.0.1", port)
    assert watcher.connections == [(1, True), (1, False)]
    writer.close()


class Nobody:
    """A receiver that keeps what comes."""

    def __init__(self) -> None:
        self.frames = b""
        self.came = asyncio.Event()

    def link_frames(self, data: bytes) -> None:
        self.frames += data
        self.came.set()

    def link_taken(self, total: int) -> None:
        """Nobody writes."""


@pytest.mark.parametrize(
    "said",
    [
        b"GET / HTTP/1.1\r\nHost: evil.example\r\nOrigin: https://evil.example\r\n\r\n",
        b"\x16\x03\x01\x02",
        b"x",
        b"",
    ],
    ids=["a page", "a page by https", "one byte", "nothing"],
)
async def test_a_page_in_a_browser_neither_ends_the_run_nor_replaces_mpyc(said: bytes) -> None:
    links = FakeLinks()
    proxy, watcher = await sit(links, 0, parties=2)
    other, _ = await sit(links, 1, parties=2)
    port = int(proxy.arguments[3].rsplit(":", 1)[1])
    _, mpyc = await asyncio.open_connection("127.0.0.1", port)
    mpyc.write(b"\0\0hello")
    for _ in range(500):
        if watcher.connections:
            break
        await asyncio.sleep(0.01)
    reader, page = await asyncio.open_connection("127.0.0.1", port)
    page.write(said)
    page.write_eof()
    assert await reader.read() == b""
    assert proxy.error is None and proxy.status == "computing"
    assert watcher.connections == [(1, True)]
    for writer in (mpyc, page):
        writer.close()
    proxy.stop("over")
    other.stop("over")
