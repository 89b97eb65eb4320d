"""The runner worker as its supervisor, the session worker, sees it: started, fed, watched, ended.

The counterpart of `huddle.running.process`; JavaScript's side is `Runners` in web/src/core/runners.ts. All
that a runner says is the word of a stranger's program: bounded and checked.
"""

import asyncio
import codecs
import json
from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pyodide.ffi import to_js

from huddle.browser.channel import ScriptChannel
from huddle.browser.imports import imported
from huddle.browser.js_values import array, record
from huddle.browser.loop import MailboxLoop, PortSocket
from huddle.running.channel import Channel, OpenLink
from huddle.running.process import RunnerExit, RunnerSpec, Watcher, check_arguments, judged

if TYPE_CHECKING:
    from huddle.running.run import Run

_LONGEST = 1 << 16  # of one report
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
        self._watcher = watcher
        self._links = {pid: handle.peer(pid) for pid in _peers(spec)}
        self._stdin = PortSocket(handle.stdin)
        self._typed: deque[bytes] = deque()
        self._outputs = {
            stream: (PortSocket(getattr(handle, stream)), codecs.getincrementaldecoder("utf-8")("replace"))
            for stream in ("stdout", "stderr")
        }
        self._report: dict[str, Any] = {}
        self._stopped: RunnerExit | None = None
        self._failed = ""
        self._ended = asyncio.Event()
        loop.listen(handle.id, self._note)
        for stream, (sock, _) in self._outputs.items():
            loop.add_reader(sock.fileno(), self._readable, stream)

    @classmethod
    async def start(cls, runners: Any, spec: RunnerSpec, watcher: Watcher) -> "WorkerRunner":
        """Start the program in the next runner that is ready."""
        check_arguments(spec.args)
        threshold = () if spec.threshold is None else ("-T", str(spec.threshold))
        config = {
            "pid": spec.pid,
            "names": spec.names,
            "entry": spec.entry,
            "args": spec.args,
            "flags": [*spec.flags, *threshold],
            "max_queue": spec.max_queue,
        }
        program = _program(spec)
        private = {path.name: path.read_bytes() for path in spec.inputs}
        files = {path: array(data) for path, data in (program | private).items()}
        handle = runners.start(
            json.dumps(config),
            record(files),
            to_js(_peers(spec)),
            to_js(imported(program)),
        )
        return cls(spec, watcher, handle)

    def open_channels(self, run: "Run", openers: Mapping[int, OpenLink]) -> Mapping[int, Channel]:
        """Open the links, and the channels between them and the program."""
        return {pid: ScriptChannel(run, pid, link, openers[pid]) for pid, link in self._links.items()}

    def send_line(self, line: str) -> None:
        """Answer the program's `input()`."""
        self._type(line.encode() + b"\n")

    def close_stdin(self) -> None:
        """No more lines will come: `input()` raises EOFError."""
        self._type(b"")

    def stop(self, reason: str, culprit: int | None = None) -> None:
        """End it, for this reason, unless it has ended by itself; `wait` then says so."""
        if self._stopped is None and not self._ended.is_set() and not self._report:
            self._stopped = RunnerExit(None, 9, reason, culprit, stopped=True)
        self._handle.kill()

    async def wait(self) -> RunnerExit:
        """Wait until it has ended and all its output was passed on; nothing of it runs any more then."""
        try:
            await self._ended.wait()
        finally:
            self._handle.kill()
        for stream in self._outputs:
            self._readable(stream)
        if self._stopped:
            return self._stopped
        if not self._report:
            return RunnerExit(1, None, self._failed or "it ended before its time")
        return judged(self._report, self._report_code(), self._links)

    def close(self) -> None:
        """End it and forget it."""
        self._handle.kill()
        self._loop.unlisten(self._handle.id)
        for sock, _ in self._outputs.values():
            self._loop.remove_reader(sock.fileno())
            sock.close()
        self._loop.remove_writer(self._stdin.fileno())
        self._stdin.close()
        for link in self._links.values():
            link.close()

    def _report_code(self) -> int:
        code = self._report.get("exit")
        return code if type(code) is int and 0 <= code <= 255 else 1

    def _note(self, kind: int, value: Any) -> None:
        if kind == _REPORT:
            try:
                message = json.loads(str(value)[:_LONGEST])
                if "exit" in message:
                    self._report = message
                else:
                    self._watcher.input(message["input"] is True, message.get("hidden") is True)
            except (ValueError, KeyError, TypeError, RecursionError):
                self.stop("the program sent something other than reports")
        elif kind == _GONE:
            self._failed = str(value)[:1000]
            self._ended.set()
        elif kind == _DRAINED and self._report:
            self._ended.set()

    def _readable(self, stream: str) -> None:
        if stream == "stderr":
            self._readable("stdout")  # the runner has sent first what was printed first
        sock, decoder = self._outputs[stream]
        try:
            while size := sock.recv_into(_buffer):
                if text := decoder.decode(bytes(_buffer[:size])):
                    self._watcher.output(stream, text)
        except BlockingIOError:
            return
        self._loop.remove_reader(sock.fileno())

    def _type(self, data: bytes) -> None:
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


def _peers(spec: RunnerSpec) -> list[int]:
    return [pid for pid in range(len(spec.names)) if pid != spec.pid]
