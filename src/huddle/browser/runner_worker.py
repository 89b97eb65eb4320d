"""The runner in a browser: the worker in which a party's MPyC program runs, in a frame without any network.

The counterpart of `huddle.running.runner.main`, of which it uses what is the same: a program sees here what
it sees there. Its peers' streams, its input and its output are ports to the session worker; nothing else gets
in or out. What the session worker hears of it is the word of a stranger's program.
"""

import asyncio
import atexit
import io
import json
import os
import select
import sys
import time
from collections.abc import Callable
from typing import Any

from huddle.browser import packages, warm_up
from huddle.browser.aside import piece
from huddle.browser.js_values import array, record
from huddle.browser.loop import SLICE, MailboxLoop, PortSocket, sleep, wait_until
from huddle.browser.mpyc_import import begin_mpyc, prepare_mpyc
from huddle.browser.ports import Ports
from huddle.links import frames
from huddle.running.runner import loop as runner_loop
from huddle.running.runner.equip import equip
from huddle.running.runner.main import ask_by_input, install, run_program, set_arguments

DIRECTORY = "/home/program"
QUIET_EVERY = 1.0  # seconds between two reports that the program can only wait


class WorkerInput(io.RawIOBase):
    """Standard input: blocks until a line is typed, and says so."""

    def __init__(self, sock: PortSocket, tell: Callable[..., None]) -> None:
        self.hidden = False  # what is typed now is to be seen by nobody
        self._sock, self._tell = sock, tell

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        sys.stdout.flush()
        try:
            return self._sock.recv_into(memoryview(buffer))
        except BlockingIOError:
            self._tell(input=True, **({"hidden": True} if self.hidden else {}))
            wait_until(self._sock.fileno())
            self._tell(input=False)
            return self._sock.recv_into(memoryview(buffer))


class WorkerOutput(io.RawIOBase):
    """Standard output or error: blocks while the session worker takes nothing; keeps what comes early."""

    def __init__(self, out: "WorkerOutput | None" = None) -> None:
        self.sent = 0  # bytes
        self._out = out  # standard output, where this is standard error
        self._early: list[bytes] = []
        self._sock: PortSocket | None = None

    def attach(self, sock: PortSocket) -> None:
        """From now on it goes there."""
        self._sock = sock
        for data in self._early:
            self._send(data)

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        size = len(data)
        if self._out is not None:
            sys.stdout.flush()
            data = piece(self._out.sent, bytes(data))
        self.sent += size
        if self._sock is None:
            self._early.append(bytes(data))
        else:
            self._send(data)
        return size

    def _send(self, data: Any) -> None:
        assert self._sock is not None
        try:
            self._sock.send(data)
        except BlockingIOError:
            wait_until(self._sock.fileno(), select.POLLOUT)
            self._sock.send(data)


_stdout = WorkerOutput()
_outputs = {"stdout": _stdout, "stderr": WorkerOutput(_stdout)}


class Quiet:
    """Tells the session worker when the program can only wait, once a peer's program is over.

    See `huddle.running.runner.standstill`, for what that is and what it is for.
    """

    def __init__(self, session: runner_loop.PeerConnections, tell: Callable[..., None]) -> None:
        self._session, self._tell = session, tell
        self._told: Any = None
        self._at = 0.0

    def look(self, loop: asyncio.AbstractEventLoop) -> None:
        """The loop is about to wait without a limit."""
        if not any(channel.ended for channel in self._session.channels.values()):
            return
        counts = self._session.counts()
        if counts == self._told:
            return
        wait = self._at + QUIET_EVERY - time.monotonic()
        if wait > 0:  # a report costs the session worker more than a message
            loop.call_later(wait, _nothing)
            return
        self._told, self._at = counts, time.monotonic()
        self._tell(still=counts)


def _nothing() -> None:
    """Only to look once more."""


def prepare() -> None:
    """Do, while nobody waits yet, what does not depend on the program."""
    for name, raw in _outputs.items():
        text = io.TextIOWrapper(
            io.BufferedWriter(raw), encoding="utf-8", errors="backslashreplace", line_buffering=True
        )
        setattr(sys, name, text)
        setattr(sys, f"__{name}__", text)
    prepare_mpyc()


def _carried(message: bytes) -> bytes:
    """As a port carries it: to JavaScript and back."""
    data: bytes = array(message).to_bytes()
    return data


_warming = warm_up.slices(_carried)


def warm() -> bool:
    """Go on with it for a moment; whether there is more."""
    asyncio._set_running_loop(None)  # Pyodide's own counts as running at any time
    until = time.perf_counter() + SLICE
    return any(time.perf_counter() >= until for _ in _warming)


def main(box: Any, task: Any) -> None:
    """Run the program of a task (see `Task` in runners.ts) and report how it ended."""
    _warming.close()
    config = json.loads(task.config)
    names = config["names"]

    def tell(**message: Any) -> None:
        task.report(json.dumps(message))

    stdin, stdout, stderr = PortSocket(task.stdin), PortSocket(task.stdout), PortSocket(task.stderr)
    announced = WorkerInput(stdin, tell)
    ask_by_input(announced)
    sys.stdin = io.TextIOWrapper(io.BufferedReader(announced), encoding="utf-8", errors="replace")
    _outputs["stdout"].attach(stdout)
    _outputs["stderr"].attach(stderr)
    time.sleep = sleep
    os.makedirs(DIRECTORY)
    given = {path: bytes(data) for path, data in task.files.to_py().items()}
    for path, data in given.items():
        os.makedirs(os.path.dirname(os.path.join(DIRECTORY, path)), exist_ok=True)
        with open(os.path.join(DIRECTORY, path), "wb") as file:
            file.write(data)
    for path in config["folders"]:
        os.makedirs(os.path.join(DIRECTORY, path), exist_ok=True)
    os.chdir(os.path.join(DIRECTORY, config["workdir"]))
    sys.path.insert(0, os.path.dirname(os.path.join(DIRECTORY, config["entry"])))
    packages.begin(task.packages.to_py(), task.missing.to_py(), config["flags"])
    set_arguments(config)
    begin_mpyc()

    session = runner_loop.PeerConnections(frames, config["pid"], config["max_queue"])
    peers = {int(pid): PortSocket(stream) for pid, stream in task.peers.to_py(depth=1).items()}
    session.attach({pid: names[pid] for pid in peers}, Ports(peers))

    class Loop(MailboxLoop):
        def __init__(self) -> None:
            super().__init__(box)

        def _run_once(self) -> None:
            # There are no threads or processes here: a loop that has nothing to do stands still.
            if not self._ready and not self._scheduled and self is session.loop:  # type: ignore[attr-defined, unused-ignore]
                quiet.look(self)
            super()._run_once()

    quiet = Quiet(session, tell)
    equip(Loop, session, runner_loop.PORT)
    asyncio._set_running_loop(None)
    session.use(install(Loop))

    outcome = run_program(os.path.join(DIRECTORY, config["entry"]), runner_loop.ProgramAborted)
    atexit._run_exitfuncs()
    if session.verdict:
        outcome.update(reason=session.verdict.reason, peer=session.verdict.peer)
    for text in (sys.stdout, sys.stderr):
        text.flush()
    if written := _written(given):
        task.written(record(written))
    session.finish(well=not outcome["exit"] and not session.verdict)
    tell(**outcome)
    for sock in (stdout, stderr, *peers.values()):
        sock.close()


def _written(given: dict[str, bytes]) -> dict[str, Any]:
    """The files that the program left in its directory, new or changed."""
    found = {}
    for folder, _, names in os.walk(DIRECTORY):
        for name in names:
            path = os.path.relpath(os.path.join(folder, name), DIRECTORY)
            if "__pycache__" in path:
                continue
            with open(os.path.join(folder, name), "rb") as file:
                data = file.read()
            if given.get(path) != data:
                found[path] = array(data)
    return found
