"""One run of a program: between the runner's sockets and the links to the peers.

    runner --socket--> Channel --write--> link        and back: link_frames --> Channel --> socket

What the runner sends is checked to be stream frames before it reaches a link; whoever runs a program
answers for it, so bad frames end the run here as the program's fault. While a link's window is full its
runner's socket is not read; what a link brings is kept until the runner takes it, which the peer's window
bounds. A runner that dies without END gets one appended, so that peers never wait for it.

Knows no networks, rooms or keys: links come as functions that open one for a receiver. A run starts
nothing before `start`, and after `wait` nothing of the program runs.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from huddle.engine.process import RunnerExit, RunnerProcess, RunnerSpec, Watcher
from huddle.errors import HuddleError, PeerError
from huddle.links import frames
from huddle.links.wire import WireInfo

# One buffer for all sockets: each read is copied out of it at once. `recv` would allocate so much anew for
# each message, which takes six times as long for a small one.
_buffer = memoryview(bytearray(1 << 18))
_END = frames.control(frames.END)
_WIRE_KINDS = frames.ACK  # a frame whose first byte is this or more never comes from a runner


class LinkEnd(Protocol):
    """What a run needs of a link (see links/keeper.py)."""

    @property
    def writable(self) -> bool:
        """False while the window is full; `link_writable` follows."""
        ...

    @property
    def stats(self) -> Any:
        """The link's counters."""
        ...

    def write(self, frames: bytes) -> None:
        """Take whole stream frames; never waits."""
        ...

    def delivered(self, total: int) -> None:
        """So many stream bytes have reached the runner so far."""
        ...


class Stream(Protocol):
    """What a run needs of a socket that does not block, with the event loop's readers and writers."""

    def fileno(self) -> int: ...

    def recv_into(self, buffer: memoryview, /) -> int: ...

    def send(self, data: bytes | memoryview, /) -> int: ...

    def close(self) -> None: ...


class Runner(Protocol):
    """A runner at work, such as a `RunnerProcess`; its methods are documented there."""

    @property
    def sockets(self) -> Mapping[int, Stream]: ...

    @property
    def os_pid(self) -> int | None: ...

    def send_line(self, line: str) -> None: ...

    def close_stdin(self) -> None: ...

    def stop(self, reason: str, culprit: int | None = None) -> None: ...

    async def wait(self) -> RunnerExit: ...

    def close(self) -> None: ...


StartRunner = Callable[[RunnerSpec, Watcher], Awaitable[Runner]]


def _receive(sock: Stream) -> bytes:
    """What is there, at most 256 KiB; raises what `socket.recv` raises."""
    return bytes(_buffer[: sock.recv_into(_buffer)])


OpenLink = Callable[["Channel"], LinkEnd]


class Observer(Protocol):
    """Whoever watches a run. All calls come from the run's event loop and must not wait."""

    def run_output(self, stream: str, text: str) -> None:
        """The program wrote this; `stream` is stdout or stderr. The text is the program's: hostile."""
        ...

    def run_input(self, waiting: bool) -> None:
        """The program begins to wait for a line of input, or no longer does."""
        ...

    def run_link(self, pid: int, info: WireInfo | None, reason: str) -> None:
        """The link to that peer has a new wire, or (`info` is None) lost the last for this reason."""
        ...

    def run_peer_ended(self, pid: int) -> None:
        """That peer's program is over, and all that it sent has arrived."""
        ...


class Channel:
    """One peer's socket to the runner, and the receiver of the link to that peer."""

    def __init__(self, run: "Run", pid: int, sock: Stream, open_link: OpenLink) -> None:
        self.pid = pid
        self.peer_ended = False
        self.done = asyncio.Event()  # our END is written, or nobody wants it any more
        self._run = run
        self._loop = asyncio.get_running_loop()
        self._sock = sock
        self._part = b""  # the start of a frame of which the runner has not written the rest
        self._pending: deque[Any] = deque()  # for the runner
        self._pending_size = 0
        self._received = 0
        self._reading = self._writing = False
        self._to_runner = True  # the runner takes what we write
        self._from_runner = True
        self.link = open_link(self)
        self._watch(self.link.writable)

    # --- from the runner

    def _watch(self, reading: bool) -> None:
        if reading is not self._reading:
            self._reading = reading
            if reading:
                self._loop.add_reader(self._sock.fileno(), self._readable)
            else:
                self._loop.remove_reader(self._sock.fileno())

    def _readable(self) -> None:
        try:
            data = _receive(self._sock)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if data:
            self._forward(self._part + data if self._part else data)
        else:
            self.finish()

    def _forward(self, data: bytes) -> None:
        try:
            end, _, _, ended = frames.scan(data)
            if end < len(data) and (ended or data[end] >= _WIRE_KINDS):
                raise frames.FrameError("no stream frame")
        except frames.FrameError:
            self._run.stop("the program sent something other than frames over its runner's socket")
            self.finish()
            return
        if end:
            self.link.write(data if end == len(data) else data[:end])
        self._part = data[end:]
        if ended:
            self._close_in()
        elif not self.link.writable:
            self._watch(False)

    def _close_in(self) -> None:
        self._watch(False)
        self._from_runner = False
        self.done.set()

    def finish(self) -> None:
        """The runner writes no more: say END in its place, unless it said so itself."""
        if self._from_runner:
            self.link.write(_END)
            self._close_in()

    def drain(self, well: bool = True) -> None:
        """The runner is gone: forward what it left in the socket, as the window allows, then END.

        What a full window leaves behind is awaited only if the program ended well.
        """
        self._to_runner = False
        self._discard()
        while self._reading:
            try:
                data = _receive(self._sock)
            except OSError:
                data = b""
            if data:
                self._forward(self._part + data if self._part else data)
            else:
                self.finish()
        if not well:
            self.finish()

    # --- to the runner

    def link_frames(self, data: bytes) -> None:
        """Whole stream frames from the peer."""
        self._received += len(data)
        # Few frames end like an END; only then is it worth a look.
        if data.endswith(_END) and frames.scan(data)[3]:
            self.peer_ended = True
            self._run.peer_ended(self.pid)
        if self._to_runner:
            self._pending.append(data)
            self._pending_size += len(data)
            if not self._writing:
                self._send()
        else:
            self.link.delivered(self._received)

    def _send(self) -> None:
        while self._pending:
            data = self._pending[0]
            try:
                size = self._sock.send(data)
            except (BlockingIOError, InterruptedError):
                break
            except OSError:
                self._to_runner = False
                self._discard()
                return
            self._pending_size -= size
            if size == len(data):
                self._pending.popleft()
            else:
                self._pending[0] = memoryview(data)[size:]
        self._wait_writable(bool(self._pending))
        self.link.delivered(self._received - self._pending_size)

    def _wait_writable(self, writing: bool) -> None:
        if writing is not self._writing:
            self._writing = writing
            if writing:
                self._loop.add_writer(self._sock.fileno(), self._send)
            else:
                self._loop.remove_writer(self._sock.fileno())

    def _discard(self) -> None:
        self._wait_writable(False)
        self._pending.clear()
        self._pending_size = 0
        self.link.delivered(self._received)

    # --- news of the link

    def link_writable(self) -> None:
        """The window has room again."""
        if self._from_runner:
            self._watch(True)
            if not self._to_runner and self._run.exited:
                self.drain()

    def link_lost(self, reason: str) -> None:
        """The wire is gone; the keeper looks for another."""
        self._run.observer.run_link(self.pid, None, reason)

    def link_restored(self, info: WireInfo) -> None:
        """The link has a wire, the first or a new one."""
        self._run.observer.run_link(self.pid, info, "")

    def link_failed(self, error: HuddleError) -> None:
        """The link is over without an END: the run can't go on, if it still goes."""
        self._close_in()
        if not self.peer_ended:
            self._run.fail(self.pid, error)

    def close(self) -> None:
        """Forget the socket."""
        self._watch(False)
        self._wait_writable(False)
        self._to_runner = self._from_runner = False
        self.done.set()
        self._sock.close()


class Run:
    """A program's run at this party. `open_links` maps each peer's pid to what opens its link."""

    def __init__(
        self,
        spec: RunnerSpec,
        open_links: Mapping[int, OpenLink],
        observer: Observer,
        start: StartRunner = RunnerProcess.start,
    ) -> None:
        self.spec = spec
        self.observer = observer
        self.channels: dict[int, Channel] = {}
        self.exited = False
        self.error: HuddleError | None = None  # of a link that failed and so ended the run
        self._open_links = open_links
        self._start = start
        self._process: Runner | None = None
        self._waiting_for_input = False
        self._ended = asyncio.Event()
        self._stop_reason = ""

    @property
    def status(self) -> str:
        """What the runner does: computing, input or gone."""
        if self._process is None or self.exited:
            return "gone"
        return "input" if self._waiting_for_input else "computing"

    @property
    def os_pid(self) -> int | None:
        """The runner's process id, once there is one."""
        return self._process.os_pid if self._process else None

    def stats(self) -> dict[int, Any]:
        """The counters of each link, by the peer's pid."""
        return {pid: channel.link.stats for pid, channel in self.channels.items()}

    async def start(self) -> None:
        """Open the links and start the program; raises LocalError where it can't be started."""
        self._process = await self._start(self.spec, self)
        for pid, sock in self._process.sockets.items():
            self.channels[pid] = Channel(self, pid, sock, self._open_links[pid])
        if self._stop_reason:
            self._process.stop(self._stop_reason)

    def send_line(self, line: str) -> None:
        """Answer the program's `input()`."""
        if self._process and not self.exited:
            self._process.send_line(line)

    def close_stdin(self) -> None:
        """The program gets no more lines: its `input()` raises EOFError."""
        if self._process and not self.exited:
            self._process.close_stdin()

    def stop(self, reason: str, culprit: int | None = None) -> None:
        """End the program at once, for this reason, by this party's wish or that peer's doing.

        Where it has ended by itself, what full windows have not taken of it is given up.
        """
        self._stop_reason = reason
        if self._process:
            self._process.stop(reason, culprit)
        if self.exited:
            for channel in self.channels.values():
                channel.finish()

    def fail(self, pid: int, error: HuddleError) -> None:
        """End the program because of that peer, whose link is over."""
        if self.error is None and not self.exited:
            self.error = error
        self.stop(error.message, pid if isinstance(error, PeerError) else None)
        self.peer_ended(pid)

    def peer_ended(self, pid: int) -> None:
        """That peer sends no more."""
        self.observer.run_peer_ended(pid)
        if all(channel.peer_ended or channel.pid == pid for channel in self.channels.values()):
            self._ended.set()

    async def wait(self) -> RunnerExit:
        """Wait until the program has ended and all that it sent has gone to the links, with END."""
        assert self._process
        try:
            exit_ = await self._process.wait()
        finally:
            self.exited = True
            self._waiting_for_input = False
        for channel in self.channels.values():
            channel.drain(well=not exit_.reason)
        for channel in self.channels.values():
            await channel.done.wait()
        return exit_

    async def wait_for_peers(self) -> None:
        """Wait until every peer's program has ended too, or its link has failed."""
        if self.channels:
            await self._ended.wait()

    def close(self) -> None:
        """Forget everything; what has not gone to the links by now is lost."""
        self.stop("the run was closed")
        if self._process:
            self._process.close()
        for channel in self.channels.values():
            channel.close()
        if self._process:
            for sock in self._process.sockets.values():
                sock.close()  # those of links that were never opened

    # --- news of the runner

    def output(self, stream: str, text: str) -> None:
        """The program wrote something."""
        self.observer.run_output(stream, text)

    def input(self, waiting: bool) -> None:
        """The program waits for a line, or no longer."""
        self._waiting_for_input = waiting
        self.observer.run_input(waiting)
