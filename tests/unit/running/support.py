"""Real runners joined by links in memory: everything but the network is the real thing."""

import asyncio
import os
import sys
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from huddle.codec import decode, encode
from huddle.errors import HuddleError
from huddle.links import frames
from huddle.links.wire import WireInfo
from huddle.running.channel import RunChannel
from huddle.running.interpreter import Interpreter, probe
from huddle.running.process import RunnerProcess
from huddle.running.run import Run
from huddle.running.spec import RunnerExit, RunnerSpec
from huddle.running.standstill import Row
from huddle.session import control_messages as control
from huddle.session.progress import Progress

PROGRAMS = Path(__file__).parent / "programs"
PATIENCE = 40.0  # seconds for runners to start and do their part; a busy machine may need half of it
# Other interpreters with MPyC in which programs are to be tried too, as paths with `:` between them.
PYTHONS = [sys.executable, *filter(None, os.environ.get("HUDDLE_TEST_PYTHONS", "").split(":"))]
NAMES = ("alice", "bob", "carol", "dave")


class FakeLink:
    """A link to a peer in the same process, with a window, which delivers in a later tick of the loop."""

    def __init__(self, links: "FakeLinks", receiver: RunChannel) -> None:
        self.links = links
        self.receiver = receiver
        self.window = links.window
        self.deaf = False  # as if its wire were gone
        self.upwards = True  # to a higher pid: the first message is the hello
        self.peer: FakeLink | None = None
        self.waiting: list[bytes] = []
        self.sent = self.acked = self.rounds = self.messages = 0
        self.most_unacked = 0
        self.delivered_to = 0
        self.stats = None
        self.written = asyncio.Event()

    @property
    def writable(self) -> bool:
        return self.sent - self.acked < self.window

    def write(self, data: bytes) -> None:
        assert type(data) is bytes
        end, messages, depth, _ = frames.scan(data)
        assert end == len(data), "not whole frames"
        self.sent += len(data)
        self.messages += messages
        self.rounds = max(self.rounds, depth)
        self.most_unacked = max(self.most_unacked, self.sent - self.acked)
        self.waiting.append(data)
        self.written.set()
        asyncio.get_running_loop().call_soon(self.links.release if self.links.lockstep else self.flush)

    def forward(self, data: bytes, scanned: frames.Scanned) -> None:
        assert scanned[1:] == frames.scan(data)[1:]
        self.write(data)

    def flush(self) -> None:
        if self.peer and self.waiting and not self.deaf:
            data = b"".join(self.waiting)
            self.waiting.clear()
            self.peer.receiver.link_frames(data)

    def release_hello(self) -> None:
        if self.upwards and self.peer and self.waiting:
            self.upwards = False
            self.release_one()

    def next_is_data(self) -> bool:
        return bool(self.waiting) and self.waiting[0][0] == frames.DATA

    def release_one(self) -> None:
        assert self.peer
        data = b"".join(self.waiting)
        first = frames.HEADER.size + (frames.HEADER.unpack_from(data)[0] & 0xFFFFFF)
        self.waiting[:] = [data[first:]] if len(data) > first else []
        self.peer.receiver.link_frames(data[:first])

    def delivered(self, total: int) -> None:
        assert self.delivered_to <= total
        self.delivered_to = total
        if self.peer:
            self.peer.acknowledge(total)

    def acknowledge(self, total: int) -> None:
        self.acked = total
        asyncio.get_running_loop().call_soon(self.receiver.link_taken, total)


class FakeLinks:
    """All links of a session, by (from, to).

    In lockstep a message goes on only when there is one on every link, as if all took equally long;
    without it a message may arrive earlier than another that was sent before, and count as a round more.
    """

    def __init__(self, window: int = 8 << 20, lockstep: bool = False) -> None:
        self.window = window
        self.lockstep = lockstep
        self.links: dict[tuple[int, int], FakeLink] = {}

    def opener(self, pid: int, peer: int) -> Any:
        def open_link(receiver: RunChannel) -> FakeLink:
            link = self.links[pid, peer] = FakeLink(self, receiver)
            link.upwards = pid < peer
            other = self.links.get((peer, pid))
            if other:
                link.peer, other.peer = other, link
                asyncio.get_running_loop().call_soon(other.flush)
            return link

        return open_link

    def release(self) -> None:
        for link in self.links.values():
            link.release_hello()
        while all(link.peer and link.next_is_data() for link in self.links.values()):
            for link in self.links.values():
                link.release_one()
        for link in self.links.values():
            while link.peer and link.waiting and not link.next_is_data():
                link.release_one()

    @property
    def rounds(self) -> int:
        return max(link.rounds for link in self.links.values())


@dataclass
class Screen:
    """What a party's person sees; answers every wait for input with the next line."""

    lines: deque[str] = field(default_factory=deque)
    run: Run | None = None
    out: str = ""
    err: str = ""
    inputs: list[bool] = field(default_factory=list)
    hidden: list[bool] = field(default_factory=list)
    ended: list[int] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    progress: Progress | None = None

    def run_output(self, stream: str, text: str) -> None:
        if stream == "stdout":
            self.out += text
        else:
            self.err += text
        self.changed.set()

    def run_input(self, waiting: bool, hidden: bool) -> None:
        assert self.run
        self.inputs.append(waiting)
        self.hidden.append(hidden)
        assert self.run.status == ("input" if waiting else "computing")
        self.changed.set()
        if waiting and self.lines:
            self.run.send_line(self.lines.popleft())

    def run_still(self, row: Row | None) -> None:
        if self.progress:
            self.progress.own_still(row)

    def run_link(self, pid: int, info: WireInfo | None, reason: str) -> None:
        raise AssertionError("fake links have no wires")

    def run_signal(self, pid: int, data: bytes) -> None:
        """Natively no runner's holder says anything to another."""

    def run_peer_ended(self, pid: int) -> None:
        self.ended.append(pid)

    async def until(self, text: str) -> None:
        """Wait until the program has printed this."""
        while text not in self.out:
            self.changed.clear()
            await self.changed.wait()

    async def until_inputs(self, inputs: list[bool]) -> None:
        """Wait until so much was told of waiting for lines."""
        while self.inputs != inputs:
            self.changed.clear()
            await self.changed.wait()


class Supervisors:
    """What of the control links the parties of a table need: each hears what all others say."""

    def __init__(self) -> None:
        self.hear: dict[int, Callable[[int, control.Still], None]] = {}

    def group(self, pid: int) -> Any:
        return SimpleNamespace(broadcast=lambda message: self._say(pid, message))

    def _say(self, pid: int, message: control.Still) -> None:
        message = decode(control.Still, encode(message))
        for other, hear in self.hear.items():
            if other != pid:
                asyncio.get_running_loop().call_soon(hear, pid, message)


tables: list["Table"] = []
_interpreters: dict[str, Interpreter] = {}


async def interpreter(path: str = sys.executable) -> Interpreter:
    if path not in _interpreters:
        _interpreters[path] = await probe(path)
    return _interpreters[path]


class Table:
    """Parties at one table, each with a run of a program of its own or the same."""

    def __init__(self, links: FakeLinks, runs: list[Run], screens: list[Screen]) -> None:
        self.links = links
        self.runs = runs
        self.screens = screens
        tables.append(self)

    async def finish(self, seconds: float = PATIENCE) -> list[RunnerExit]:
        async with asyncio.timeout(seconds):
            exits = await asyncio.gather(*(run.wait() for run in self.runs))
            await asyncio.gather(*(run.wait_for_peers() for run in self.runs))
        for screen in self.screens:
            if screen.progress:
                screen.progress.close()
        self.close()
        return exits

    def close(self) -> None:
        for run in self.runs:
            run.close()

    async def clear(self) -> None:
        """End what a failed test left."""
        self.close()
        for run in self.runs:
            if run.os_pid and not run.exited:
                await run.wait()

    @property
    def outputs(self) -> list[str]:
        return [screen.out for screen in self.screens]

    def errors(self, exits: list[RunnerExit]) -> list[HuddleError | None]:
        names = self.runs[0].spec.names
        return [exit_.error(names) for exit_ in exits]


async def lay(
    directory: Path,
    program: str,
    *args: str,
    parties: int = 3,
    lockstep: bool = False,
    start: bool = True,
    absent: int | None = None,
    lines: tuple[str, ...] = (),
    own_args: dict[int, tuple[str, ...]] | None = None,
    python: str = sys.executable,
    **options: Any,
) -> Table:
    """Start `program`, a file of programs/ or source text, at so many parties."""
    links, supervisors = FakeLinks(lockstep=lockstep), Supervisors()
    runs, screens = [], []
    source = (PROGRAMS / program).read_text() if program.endswith(".py") else program
    for pid in range(parties):
        if pid == absent:
            continue
        place = directory / f"party{pid}"
        place.mkdir(exist_ok=True)
        (place / "program.py").write_text(source)
        spec = RunnerSpec(
            interpreter=await interpreter(python),
            directory=place,
            entry="program.py",
            pid=pid,
            names=NAMES[:parties],
            args=(*args, *(own_args or {}).get(pid, ())),
            **options,
        )
        screen = Screen(deque(lines))
        openers = {peer: links.opener(pid, peer) for peer in range(parties) if peer != pid}
        screen.run = Run(spec, openers, screen, RunnerProcess.start)
        screen.progress = Progress(1, pid, NAMES[:parties], supervisors.group(pid), {})
        screen.progress.run = screen.run
        supervisors.hear[pid] = screen.progress.peer_still
        screens.append(screen)
        runs.append(screen.run)
    table = Table(links, runs, screens)
    if start:
        await asyncio.gather(*(run.start() for run in runs))
    return table
