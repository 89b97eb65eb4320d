"""The runner worker as its supervisor, the session worker, sees it: started, fed, watched, ended.

The counterpart of `huddle.running.process`; JavaScript's side is `Runners` in web/src/core/runners.ts. All
that a runner says is the word of a stranger's program: `huddle.running.reports` reads it, and what is no
report ends the run. While the screen is behind (`hold`), nothing of its output is read, and the program waits
in its own writes.
"""

import asyncio
import codecs
import json
from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from pyodide.ffi import to_js

from huddle.browser.aside import Aside
from huddle.browser.channel import ScriptChannel
from huddle.browser.direct import DirectChannels, DirectLink
from huddle.browser.imports import imported
from huddle.browser.js_values import array, record
from huddle.browser.loop import MailboxLoop, PortSocket
from huddle.running.channel import OpenLink, RunChannel
from huddle.running.reports import InputReport, ReportError, ReportReader, StillReport
from huddle.running.spec import RunnerExit, RunnerSpec, Watcher, check_arguments, judged

if TYPE_CHECKING:
    from huddle.running.run import Run

_REPORT, _GONE, _DRAINED = 1, 2, 3  # kinds of notes

_buffer = memoryview(bytearray(1 << 16))


class WorkerRunner:
    """A running runner; see `huddle.running.run.Runner`."""

    os_pid = None

    def __init__(self, spec: RunnerSpec, watcher: Watcher, handle: Any) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, MailboxLoop)
        self._loop = loop
        self._handle = handle
        self._pid = spec.pid
        self._direct: DirectChannels | None = None
        self._watcher = watcher
        self._links = {pid: handle.peer(pid) for pid in _peers(spec)}
        self._stdin = PortSocket(handle.stdin)
        self._typed: deque[bytes] = deque()
        self._outputs = {
            stream: (PortSocket(getattr(handle, stream)), codecs.getincrementaldecoder("utf-8")("replace"))
            for stream in ("stdout", "stderr")
        }
        self._aside = Aside()
        self._printed = 0  # bytes of standard output
        self._reports = ReportReader(_peers(spec))
        self._held = False
        self._stopped: RunnerExit | None = None
        self._failed = ""
        self._ended = asyncio.Event()
        loop.listen(handle.id, self._note)
        self._read_outputs()

    @classmethod
    async def start(cls, runners: Any, spec: RunnerSpec, watcher: Watcher) -> "WorkerRunner":
        """Start the program in the next runner that is ready."""
        check_arguments(spec.args)
        threshold = () if spec.threshold is None else ("-T", str(spec.threshold))
        config = {
            "pid": spec.pid,
            "names": spec.names,
            "entry": spec.entry,
            "workdir": spec.workdir,
            "folders": _folders(spec),
            "args": spec.args,
            "flags": [*spec.flags, *threshold],
            "max_queue": spec.max_queue,
        }
        program = _program(spec)
        private = {target: path.read_bytes() for target, path in spec.inputs}
        files = {path: array(data) for path, data in (program | private).items()}
        handle = runners.start(
            json.dumps(config),
            record(files),
            to_js(_peers(spec)),
            to_js(imported(program)),
        )
        return cls(spec, watcher, handle)

    def open_channels(self, run: "Run", openers: Mapping[int, OpenLink]) -> Mapping[int, RunChannel]:
        """Open the links, and the channels between them and the program."""
        direct = self._direct = DirectChannels(self._pid, self._handle.direct, run.observer.run_signal)
        channels = {
            pid: ScriptChannel(run, pid, link, openers[pid], direct.wire) for pid, link in self._links.items()
        }
        if self._handle.able:
            direct.begin({pid: cast(DirectLink, channel.link) for pid, channel in channels.items()})
        return channels

    def signal_came(self, pid: int, data: bytes) -> None:
        """What holds that peer's runner wants a direct channel, or answers."""
        if self._direct is not None:
            self._direct.signal_came(pid, data)

    def send_line(self, line: str) -> None:
        """Answer the program's `input()`."""
        self._type(line.encode() + b"\n")

    def close_stdin(self) -> None:
        """No more lines will come: `input()` raises EOFError."""
        self._type(b"")

    def stop(self, reason: str, culprit: int | None = None) -> None:
        """End it, for this reason, unless it has ended by itself; `wait` then says so."""
        if self._stopped is None and not self._ended.is_set() and not self._reports.ended:
            self._stopped = RunnerExit(None, 9, reason, culprit, stopped=True)
        self._handle.kill()

    def end_stuck(self, reason: str, culprit: int | None) -> None:
        """End it, since nothing will come for it any more."""
        self.stop(reason, culprit)

    def fault(self, what: str) -> None:
        """End it, since it did something that no honest program does; `wait` then says that it did."""
        if self._stopped is None:
            self._stopped = RunnerExit(None, 9, what)
        self._handle.kill()

    def hold(self, behind: bool) -> None:
        """Read none of its output while the screen is behind."""
        behind = behind and not self._ended.is_set()
        if behind is self._held:
            return
        self._held = behind
        if behind:
            for sock, _ in self._outputs.values():
                self._loop.remove_reader(sock.fileno())
        else:
            self._read_outputs()

    def _read_outputs(self) -> None:
        for stream, (sock, _) in self._outputs.items():
            self._loop.add_reader(sock.fileno(), self._readable, stream)

    async def wait(self) -> RunnerExit:
        """Wait until it has ended and all its output was passed on; nothing of it runs any more then."""
        try:
            await self._ended.wait()
        finally:
            self._close_direct()
            self._handle.kill()
        for stream in self._outputs:
            while self._readable(stream):  # what was under way: no more than a mailbox holds
                pass
        if self._stopped:
            return self._stopped
        report = self._reports.ended
        if not report:
            return RunnerExit(1, None, self._failed or "it ended before its time")
        return judged(report, report.code)

    def close(self) -> None:
        """End it and forget it."""
        self._close_direct()
        self._handle.kill()
        self._loop.unlisten(self._handle.id)
        for sock, _ in self._outputs.values():
            self._loop.remove_reader(sock.fileno())
            sock.close()
        self._loop.remove_writer(self._stdin.fileno())
        self._stdin.close()
        for link in self._links.values():
            link.close()

    def _close_direct(self) -> None:
        if self._direct is not None:
            self._direct.close()

    def _note(self, kind: int, value: Any) -> None:
        if kind == _REPORT:
            try:
                report = self._reports.read(str(value))
            except ReportError:
                self.fault("it sent its supervisor something other than reports")
            else:
                if isinstance(report, InputReport):
                    self._watcher.input(report.waiting, report.hidden)
                elif isinstance(report, StillReport):
                    self._watcher.still(report.row)
        elif kind == _GONE:
            self._failed = str(value)[:1000]
            self._ended.set()
        elif kind == _DRAINED and self._reports.ended:
            self._ended.set()

    def _readable(self, stream: str) -> bool:
        """Take a piece of that output; whether there may be more of it now."""
        sock, decoder = self._outputs[stream]
        over = self._ended.is_set()  # standard output is read to its end first
        if stream == "stderr" and self._aside.early(self._printed) and not over:
            self._loop.remove_reader(sock.fileno())  # until more of standard output has come
            return False
        try:
            size = sock.recv_into(_buffer)
        except BlockingIOError:
            size, data = -1, b""
        else:
            data = bytes(_buffer[:size])
        if stream == "stderr":
            data = self._aside.take(data, self._printed, over=over or not size)
        if text := decoder.decode(data, final=not size):
            self._watcher.output(stream, text)
        if size < 0:
            return False
        if stream == "stdout":
            self._printed += size
            if not self._held and not over:
                self._loop.add_reader(self._outputs["stderr"][0].fileno(), self._readable, "stderr")
                self._readable("stderr")
        if not size:
            self._loop.remove_reader(sock.fileno())
        return bool(size)

    def _type(self, data: bytes) -> None:
        self._reports.line_sent()
        self._typed.append(data)
        self._send_typed()

    def _send_typed(self) -> None:
        while self._typed:
            data = self._typed[0]
            try:
                if data:
                    self._stdin.send(data)
                else:
                    self._stdin.close()
            except BlockingIOError:
                self._loop.add_writer(self._stdin.fileno(), self._send_typed)
                return
            except OSError:
                self._typed.clear()
                break
            self._typed.popleft()
        self._loop.remove_writer(self._stdin.fileno())


def _program(spec: RunnerSpec) -> dict[str, bytes]:
    """The program's files, from this worker's memory."""
    paths = (path for path in spec.directory.rglob("*") if path.is_file())
    return {path.relative_to(spec.directory).as_posix(): path.read_bytes() for path in paths}


def _folders(spec: RunnerSpec) -> list[str]:
    """The program's folders."""
    paths = (path for path in spec.directory.rglob("*") if path.is_dir())
    return [path.relative_to(spec.directory).as_posix() for path in paths]


def _peers(spec: RunnerSpec) -> list[int]:
    return [pid for pid in range(len(spec.names)) if pid != spec.pid]
