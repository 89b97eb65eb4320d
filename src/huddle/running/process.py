"""The runner as its supervisor sees it: started, fed, watched, killed, and how it ended.

Knows processes, pipes and sockets, not links. Everything that the runner says is the word of a
stranger's program: `huddle.running.reports` reads it, and what is no report ends the run. While the screen is
behind (`hold`), nothing of its output is read, and the program waits in its own writes.
"""

import asyncio
import codecs
import json
import os
import secrets
import signal
import socket
import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import huddle.links
import huddle.running
from huddle.errors import LocalError
from huddle.running import account, meter, sandbox
from huddle.running.channel import OpenLink, RunChannel
from huddle.running.interpreter import environment
from huddle.running.mux import RunnerMux
from huddle.running.reports import LONGEST, InputReport, ReplacedReport, ReportReader, StillReport
from huddle.running.results import Place
from huddle.running.spec import RunnerExit, RunnerSpec, Watcher, check_arguments, judged

if TYPE_CHECKING:
    from huddle.running.run import Run

RUNNER = Path(huddle.running.__file__).parent / "runner" / "main.py"
LOOP = RUNNER.with_name("loop.py")
EQUIP = RUNNER.with_name("equip.py")
LANE = RUNNER.with_name("mux.py")
STANDSTILL = RUNNER.with_name("standstill.py")
EXEC = RUNNER.with_name("exec.py")
RESUMED = RUNNER.parent / "resumed" / "sitecustomize.py"
SETTLE = RUNNER.with_name("settle.py")
FRAMES = Path(huddle.links.__file__).with_name("frames.py")

# So that what a party sends at once rarely waits for the other process to be scheduled.
SOCKET_BUFFER = 1 << 20
MARK = "HUDDLE_RUN"  # in the environment of all that a runner starts
PIECE = 1 << 15  # characters of output in one event, which a screen shows in some milliseconds
SWEEPS = 20  # for what forks faster than it is found
REPLACING = 60.0  # seconds for a Python to start in the place of another, on a very busy machine too
LINGER = 2.0  # seconds for output that a runner left in its pipes, should somebody else hold their ends


@dataclass
class RunnerProcess:
    """A running runner."""

    spec: RunnerSpec
    _lane: RunnerMux
    _watcher: Watcher
    _process: asyncio.SubprocessTransport
    _events: "_Events"
    _control: asyncio.StreamWriter
    _mark: str
    _reports: ReportReader
    _stopped: RunnerExit | None = None
    _expected: asyncio.TimerHandle | None = None
    _gone: bool = False  # waited for: its number may be another's by now
    _reading: asyncio.Task[None] | None = None
    _place: Place | None = None  # its directory in the sandbox
    _watching: asyncio.Task[None] | None = None

    @classmethod
    async def start(cls, spec: RunnerSpec, watcher: Watcher) -> "RunnerProcess":
        """Start the program; raises LocalError where that can't be done."""
        check_arguments(spec.args)
        account.refuse_root()
        loop = asyncio.get_running_loop()
        lane, their_lane = _pair()
        control, their_control = _pair()
        place, their_place = socket.socketpair()
        theirs = their_control, their_lane, their_place
        fds = tuple(sock.fileno() for sock in theirs)
        command = [spec.interpreter.executable, str(RUNNER), str(fds[0])]
        mark = secrets.token_hex(16)
        try:
            with ExitStack() as stack:
                variables = environment() | {MARK: mark}
                if spec.sandboxed:
                    files = RUNNER, LOOP, EQUIP, LANE, STANDSTILL, EXEC, RESUMED, SETTLE, FRAMES
                    command, more = stack.enter_context(
                        sandbox.command(
                            command, spec.interpreter, spec.directory, spec.inputs, files, spec.limits
                        )
                    )
                    fds, variables = (*fds, *more), {}
                transport, events = await loop.subprocess_exec(
                    lambda: _Events(watcher),
                    *command,
                    pass_fds=fds,
                    start_new_session=True,
                    cwd=spec.directory,
                    env=variables,
                )
        except BaseException as error:
            for sock in (lane, control, place):
                sock.close()
            if isinstance(error, OSError):
                raise LocalError(f"cannot start {command[0]}: {error}") from None
            raise
        finally:
            for sock in theirs:
                sock.close()
        _, protocol = await loop.create_unix_connection(RunnerMux, sock=lane)
        reader, writer = await asyncio.open_unix_connection(sock=control, limit=LONGEST)
        writer.write(_config(spec, fds[1], fds[2]))
        reports = ReportReader(set(range(len(spec.names))) - {spec.pid})
        runner = cls(spec, protocol, watcher, transport, events, writer, mark, reports, _place=Place(place))
        runner._reading = asyncio.create_task(runner._read_control(reader))
        if spec.sandboxed:
            runner._watching = asyncio.create_task(runner._watch(), name="meter")
        return runner

    @property
    def os_pid(self) -> int:
        """The process id of the runner, or of the sandbox around it."""
        return self._process.get_pid()

    def open_channels(self, run: "Run", openers: Mapping[int, OpenLink]) -> Mapping[int, RunChannel]:
        """Open the links, and the channels between them and the program."""
        return self._lane.open(run, openers)

    def send_line(self, line: str) -> None:
        """Answer the program's `input()`."""
        if self._stdin and not self._stdin.is_closing():
            self._reports.line_sent()
            self._stdin.write(line.encode() + b"\n")

    def close_stdin(self) -> None:
        """No more lines will come: `input()` raises EOFError."""
        if self._stdin:
            self._reports.line_sent()
            self._stdin.close()

    @property
    def _stdin(self) -> asyncio.WriteTransport | None:
        # uvloop's transports are no asyncio.WriteTransport by class.
        return cast("asyncio.WriteTransport | None", self._process.get_pipe_transport(0))

    def stop(self, reason: str, culprit: int | None = None) -> None:
        """Kill it, for this reason, unless it has ended by itself; `wait` then says so."""
        if self._stopped is None and self._process.get_returncode() is None and not self._reports.ended:
            self._stopped = RunnerExit(None, signal.SIGKILL, reason, culprit, stopped=True)
        self._kill()

    def signal_came(self, pid: int, data: bytes) -> None:
        """Nothing: only browsers make direct channels, and only with each other."""

    def end_stuck(self, reason: str, culprit: int | None) -> None:
        """Tell it that nothing will come any more, so that it ends by itself; once more where it does not."""
        if self._reports.ended is None and not self._control.is_closing():
            self._control.write(json.dumps({"stuck": reason, "peer": culprit}).encode() + b"\n")

    def fault(self, what: str) -> None:
        """Kill it, since it did something that no honest program does; `wait` then says that it did."""
        if self._stopped is None:
            self._stopped = RunnerExit(None, signal.SIGKILL, what)
        self._kill()

    def hold(self, behind: bool) -> None:
        """Read none of its output while the screen is behind."""
        self._events.hold(behind)

    async def wait(self) -> RunnerExit:
        """Wait until it has ended and all that it wrote was passed on; nothing of it runs any more then."""
        watching = asyncio.create_task(self._watch_lane())
        try:
            await self._events.exited.wait()
        finally:
            watching.cancel()
            self._kill()  # what the program started itself, but for daemons
            self._gone = self._events.exited.is_set()
        if not self.spec.sandboxed:
            await asyncio.to_thread(_sweep, self._mark)
        assert self._reading
        rest = [asyncio.create_task(event.wait()) for event in (self._events.silent, self._lane.closed)]
        try:
            await asyncio.wait((*rest, self._reading), timeout=LINGER, return_when=asyncio.ALL_COMPLETED)
        finally:
            for task in rest:
                task.cancel()
        if self.spec.sandboxed and self._place:
            known = {target for target, _ in self.spec.inputs}
            await asyncio.to_thread(self._place.bring_out, self.spec.directory, known, self.spec.limits.files)
        self.close()
        with suppress(OSError):
            await self._control.wait_closed()
        code = self._process.get_returncode()
        assert code is not None
        return self._stopped or self._judge(code)

    def _expect(self, replaced: bool) -> None:
        """Another program takes its place; it must say soon that it goes on with the session."""
        if self._expected is not None:
            self._expected.cancel()
            self._expected = None
        if replaced:
            why = "another program has taken its place by exec, which does not go on with the session"
            self._expected = asyncio.get_running_loop().call_later(REPLACING, self.fault, why)

    async def _watch_lane(self) -> None:
        """A program that lives without a lane, such as another one in its place, would wait for ever."""
        await self._lane.closed.wait()
        await asyncio.sleep(LINGER)
        self.fault("it closed its connections to the others under itself, and goes on without them")

    def close(self) -> None:
        """Kill it and forget it, whatever it has left to say."""
        self._kill()
        if not self._gone and not self.spec.sandboxed:
            _sweep(self._mark)
        for task in (self._reading, self._watching):
            if task:
                task.cancel()
        if self._place:
            self._place.close()
        self._expect(False)
        self._control.close()
        self._lane.close()
        self._process.close()

    def _kill(self) -> None:
        if not self._gone:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.get_pid(), signal.SIGKILL)

    async def _watch(self) -> None:
        assert self._place
        self.fault(await meter.watch(self.os_pid, self._place, self.spec.limits))

    def _judge(self, code: int) -> RunnerExit:
        report = self._reports.ended
        if self.spec.sandboxed and code > 128 and not report:
            code = 128 - code  # as bubblewrap says it
        if code < 0:
            name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
            return RunnerExit(None, -code, f"it was killed by {name}")
        if not report and code:
            return RunnerExit(code, None, f"it ended with code {code} before its time")
        if not report:
            # By os._exit, say. An end is an end: whoever still needed this program finds out and says so.
            return RunnerExit(0)
        return judged(report, code)

    async def _read_control(self, reader: asyncio.StreamReader) -> None:
        try:
            while (line := await reader.readline()).endswith(b"\n"):  # else it died over it
                report = self._reports.read(line)
                if isinstance(report, InputReport):
                    self._watcher.input(report.waiting, report.hidden)
                elif isinstance(report, StillReport):
                    self._watcher.still(report.row)
                elif isinstance(report, ReplacedReport):
                    self._expect(report.gone)
        except ConnectionError:
            return
        except ValueError:  # no report, or a line without an end
            self.fault("it sent its supervisor something other than reports")


class _Events(asyncio.SubprocessProtocol):
    """What the loop tells of a process: its end, even where others still hold its output open."""

    def __init__(self, watcher: Watcher) -> None:
        self.exited = asyncio.Event()
        self.silent = asyncio.Event()  # no more output will come
        self._held = False
        self._watcher = watcher
        self._decoders = {fd: codecs.getincrementaldecoder("utf-8")("replace") for fd in (1, 2)}
        self._process: asyncio.SubprocessTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._process = cast(asyncio.SubprocessTransport, transport)

    def hold(self, behind: bool) -> None:
        """Let the output wait in the program's pipes, or flow; what an exit leaves there is little."""
        behind = behind and not self.exited.is_set()
        if behind is self._held or self._process is None:
            return
        self._held = behind
        for fd in self._decoders:
            # uvloop's transports are no asyncio.ReadTransport by class.
            pipe = cast("asyncio.ReadTransport | None", self._process.get_pipe_transport(fd))
            if pipe is not None and not pipe.is_closing():
                if behind:
                    pipe.pause_reading()
                else:
                    pipe.resume_reading()

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        self._tell(fd, data, final=False)

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        if fd in self._decoders:
            self._tell(fd, b"", final=True)
            del self._decoders[fd]
            if not self._decoders:
                self.silent.set()

    def process_exited(self) -> None:
        self.exited.set()
        self.hold(False)

    def _tell(self, fd: int, data: bytes, final: bool) -> None:
        text = self._decoders[fd].decode(data, final)
        for at in range(0, len(text), PIECE):
            self._watcher.output("stdout" if fd == 1 else "stderr", text[at : at + PIECE])


def _sweep(mark: str) -> None:
    """Kill what has left the process group; a program that hides its daemons from this is no accident.

    In a sandbox everything dies with it. Without /proc daemons stay.
    """
    wanted = f"{MARK}={mark}".encode()
    for _ in range(SWEEPS):
        found = False
        for path in Path("/proc").glob("[0-9]*/environ"):
            with suppress(OSError):
                environment = path.read_bytes()
                if wanted in environment.split(b"\0"):
                    os.kill(int(path.parent.name), signal.SIGKILL)
                    found = True
                elif not environment and os.readlink(path.with_name("exe")):
                    found = True  # it may be about to become another program, and have its own in a moment
        if not found:
            return
        time.sleep(0.005)


def _pair() -> tuple[socket.socket, socket.socket]:
    ours, theirs = socket.socketpair()
    for sock in (ours, theirs):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SOCKET_BUFFER)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SOCKET_BUFFER)
    ours.setblocking(False)
    return ours, theirs


def _config(spec: RunnerSpec, lane: int, place: int) -> bytes:
    threshold = () if spec.threshold is None else ("-T", str(spec.threshold))
    config: dict[str, Any] = {
        "frames": str(FRAMES),
        "loop": str(LOOP),
        "equip": str(EQUIP),
        "lane": str(LANE),
        "standstill": str(STANDSTILL),
        "exec": str(EXEC),
        "alone": spec.sandboxed,
        "lane_fd": lane,
        "pid": spec.pid,
        "names": spec.names,
        "directory": sandbox.PLACE if spec.sandboxed else str(spec.directory),
        "entry": spec.entry,
        "workdir": spec.workdir,
        "args": spec.args,
        "flags": [*spec.flags, *threshold],
        "max_queue": spec.max_queue,
        "environment": dict(spec.environment),
    }
    if spec.sandboxed:
        config |= {"settle": str(SETTLE), "source": sandbox.SOURCE, "place_fd": place}
        config["limits"] = spec.limits.in_force()
    return json.dumps(config).encode() + b"\n"
