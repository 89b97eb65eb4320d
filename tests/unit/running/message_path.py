"""The calls of one message, from MPyC's `write` at one party to its `data_received` at the other.

Both parties are in this process, with the real thing from end to end: runners' streams, lanes, links and
TLS over loopback. `python -m tests.unit.running.message_path` writes the table in docs/message-path.md.
"""

import asyncio
import socket
import sys
from functools import partial
from pathlib import Path
from types import CodeType, SimpleNamespace
from typing import Any

import huddle
from huddle.identity.native import NativeCrypto
from huddle.links import frames, protocol
from huddle.links.connector import DialTarget
from huddle.links.manager import LinkManager
from huddle.networks.tls.kind import TlsKind, TlsOptions
from huddle.running.mux import RunnerMux
from huddle.running.runner import mux as runner_mux
from huddle.running.runner.loop import PeerConnections
from huddle.running.runner.mux import SupervisorMux
from tests.unit.networks.meeting import begin, opened

ROOT = Path(huddle.__file__).parent
DOCUMENT = Path(__file__).parents[3] / "docs" / "message-path.md"
BEGIN, END = "<!-- calls -->\n", "<!-- end of calls -->\n"
MESSAGE = b"a share of some kind"

Call = tuple[str, str]  # of a function: file and name


class Mpyc(asyncio.Protocol):
    """MPyC's end of a connection."""

    def __init__(self) -> None:
        self.transport: Any = None
        self.got = b""
        self.changed = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.got += data
        self.changed.set()

    async def until(self, text: bytes) -> None:
        while not self.got.endswith(text):
            self.changed.clear()
            await self.changed.wait()


class Party:
    """A runner and its supervisor."""

    def __init__(self, pid: int, network: Any) -> None:
        loop = asyncio.get_running_loop()
        self.pid, self.online = pid, asyncio.Event()
        self.theirs, ours = socket.socketpair()
        self.lane = SupervisorMux(frames, ours)
        self.session = PeerConnections(frames, pid)
        self.session.attach({1 - pid: "the other"}, self.lane)
        self.session.use(loop)
        self.session.steady = True  # as in a runner, where the loop tells when it stops
        self.mpyc = Mpyc()
        target = DialTarget(1 - pid, "the other", bytes(32))
        dialers = [(network.name, network.dial)]
        self.manager = LinkManager(pid, [target], dialers, NativeCrypto())

    async def open(self) -> None:
        self.mux = RunnerMux()
        self.end, _ = await asyncio.get_running_loop().create_unix_connection(
            lambda: self.mux, sock=self.theirs
        )
        nothing: Any = SimpleNamespace(run_link=lambda *_: self.online.set())
        run: Any = SimpleNamespace(observer=nothing, peer_ended=lambda *_: None, fail=lambda *_: None)
        self.mux.open(run, {1 - self.pid: partial(self.manager.open, 1 - self.pid, 1)})
        if self.pid:
            self.session.serve(asyncio.get_running_loop(), lambda: self.mpyc)
        else:
            self.session.connect(asyncio.get_running_loop(), 1, lambda: self.mpyc)

    async def close(self) -> None:
        await self.manager.close(0.1)
        self.end.close()
        asyncio.get_running_loop().remove_reader(self.lane.sock.fileno())
        self.lane.sock.close()


async def _message() -> list[Call]:
    calls: list[Call] = []

    def started(code: CodeType, _: int) -> object:
        if code.co_filename.startswith(str(ROOT)):
            calls.append((str(Path(code.co_filename).relative_to(ROOT)), code.co_qualname))
        return None

    async with opened(TlsKind(), TlsOptions()) as parties:
        ends = [Party(pid, party.network) for pid, party in enumerate(parties)]
        for party, end in zip(parties, ends, strict=True):
            party.take = end.manager.accepted  # type: ignore[method-assign]
        begin(parties)
        try:
            for end in ends:
                await end.open()
            for end in ends:
                await end.online.wait()
            one, other = ends
            one.mpyc.transport.write(b"\0\0hello")
            await other.mpyc.until(b"hello")
            monitoring = sys.monitoring
            monitoring.use_tool_id(monitoring.PROFILER_ID, "message path")
            monitoring.register_callback(monitoring.PROFILER_ID, monitoring.events.PY_START, started)
            monitoring.set_events(monitoring.PROFILER_ID, monitoring.events.PY_START)
            try:
                one.mpyc.transport.write(MESSAGE)
                await other.mpyc.until(MESSAGE)
            finally:
                monitoring.set_events(monitoring.PROFILER_ID, 0)
                monitoring.free_tool_id(monitoring.PROFILER_ID)
        finally:
            for end in ends:
                await end.close()
    return calls


def calls() -> list[Call]:
    """The functions of Huddle that one message takes, in their order; nothing else is due meanwhile."""
    kept = protocol.PING_EVERY, protocol.SILENCE, runner_mux.LATER
    protocol.PING_EVERY = protocol.SILENCE = runner_mux.LATER = 3600.0
    try:
        return asyncio.run(_message())
    finally:
        protocol.PING_EVERY, protocol.SILENCE, runner_mux.LATER = kept


def table(found: list[Call]) -> str:
    """As a Markdown table, one line for what follows each other in one file."""
    rows = ["| file | calls, one after another |", "| --- | --- |"]
    last = ""
    for file, name in found:
        if file == last:
            rows[-1] = f"{rows[-1][:-2]}, `{name}` |"
        else:
            rows.append(f"| `{file}` | `{name}` |")
        last = file
    files = len({file for file, _ in found})
    return "\n".join(rows) + f"\n\n{len(found)} calls in {files} files.\n"


def with_table(document: str, found: list[Call]) -> str:
    """The document with this table between its marks."""
    before, rest = document.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n{table(found)}\n{END}{after}"


if __name__ == "__main__":
    DOCUMENT.write_text(with_table(DOCUMENT.read_text(), calls()))
