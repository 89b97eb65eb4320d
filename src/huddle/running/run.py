"""One run of a program: the runner, the channels between it and the links to the peers, and how it ends.

What the runner sends is checked to be stream frames before it reaches a link; whoever runs a program
answers for it, so bad frames end the run here as the program's fault. A runner that dies without END
gets one appended, so that peers never wait for it.

Knows no networks, rooms or keys: links come as functions that open one for a receiver. A run starts
nothing before `start`, and after `wait` nothing of the program runs.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from huddle.errors import HuddleError, PeerError
from huddle.links.wire import WireInfo
from huddle.running.channel import OpenLink, RunChannel
from huddle.running.spec import RunnerExit, RunnerSpec, Watcher
from huddle.running.standstill import Row


class Runner(Protocol):
    """A runner at work, such as a `RunnerProcess`; its methods are documented there."""

    @property
    def os_pid(self) -> int | None: ...

    def open_channels(self, run: "Run", openers: Mapping[int, OpenLink]) -> Mapping[int, RunChannel]: ...

    def send_line(self, line: str) -> None: ...

    def close_stdin(self) -> None: ...

    def stop(self, reason: str, culprit: int | None = None) -> None: ...

    def fault(self, what: str) -> None: ...

    def hold(self, behind: bool) -> None: ...

    def end_stuck(self, reason: str, culprit: int | None) -> None: ...

    def signal_came(self, pid: int, data: bytes) -> None: ...

    async def wait(self) -> RunnerExit: ...

    def close(self) -> None: ...


StartRunner = Callable[[RunnerSpec, Watcher], Awaitable[Runner]]


class RunObserver(Protocol):
    """Whoever watches a run. All calls come from the run's event loop and must not wait."""

    def run_output(self, stream: str, text: str) -> None:
        """The program wrote this; `stream` is stdout or stderr. The text is the program's: hostile."""
        ...

    def run_input(self, waiting: bool, hidden: bool) -> None:
        """The program begins to wait for a line of input, or no longer does; `hidden`: for a secret."""
        ...

    def run_link(self, pid: int, info: WireInfo | None, reason: str) -> None:
        """The link to that peer has a new wire, or (`info` is None) lost the last for this reason."""
        ...

    def run_still(self, row: Row | None) -> None:
        """The program can't go on by itself, with these counts; None: nor by what peers send."""
        ...

    def run_signal(self, pid: int, data: bytes) -> None:
        """Tell this to what holds that peer's runner (`Runner.signal_came`)."""
        ...

    def run_peer_ended(self, pid: int) -> None:
        """That peer's program is over, and all that it sent has arrived."""
        ...


class Run:
    """A program's run at this party. `open_links` maps each peer's pid to what opens its link."""

    def __init__(
        self,
        spec: RunnerSpec,
        open_links: Mapping[int, OpenLink],
        observer: RunObserver,
        start: StartRunner,
    ) -> None:
        self.spec = spec
        self.observer = observer
        self.channels: Mapping[int, RunChannel] = {}
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
    def goes_on(self) -> bool:
        """Whether the program runs."""
        return self._process is not None and not self.exited

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
        self.channels = self._process.open_channels(self, self._open_links)
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

    def fault(self, what: str) -> None:
        """End the program at once: it did something that no honest program does."""
        if self._process:
            self._process.fault(what)

    def end_stuck(self, reason: str, culprit: int | None = None) -> None:
        """Let the program end, for which nothing will come any more; a peer that is over is the culprit."""
        if self._process and not self.exited:
            self._process.end_stuck(reason, culprit)

    def hold(self, behind: bool) -> None:
        """Take none of its output while the screen is behind."""
        if self._process:
            self._process.hold(behind)

    def signal_came(self, pid: int, data: bytes) -> None:
        """What holds that peer's runner says this to what holds the one here."""
        if self._process and not self.exited:
            self._process.signal_came(pid, data)

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

    # --- news of the runner

    def output(self, stream: str, text: str) -> None:
        """The program wrote something."""
        self.observer.run_output(stream, text)

    def input(self, waiting: bool, hidden: bool = False) -> None:
        """The program waits for a line, or no longer."""
        self._waiting_for_input = waiting
        self.observer.run_input(waiting, hidden)

    def still(self, row: Row | None) -> None:
        """The program can't go on by itself."""
        self.observer.run_still(row)
