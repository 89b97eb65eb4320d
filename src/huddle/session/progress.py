"""Whether this party's program can still go on, and its end where it can't: one `Progress` a run.

    it stands still, and so do all others that live     nothing can come any more (running/standstill.py)
    it stands still, and hears nobody                   nothing could move it
    it does nothing, and has never connected            the others wait for it in vain

None of this ends a program that works, waits for its person, or waits for somebody who may still send.
Knows processes only by the work that they have done.
"""

import asyncio
import os
from collections.abc import Mapping

from huddle.running import processes
from huddle.running.run import Run
from huddle.running.standstill import Counts, Row, Standstill
from huddle.session import control_messages as control
from huddle.session.peers import PeerMonitor

COUNTS_EVERY = 0.2  # seconds at least between two counts that the others are told
UNCONNECTED = 120.0  # seconds for a program that does nothing, not even connect, while others wait for it
WORK = 0.05  # the part of these that it may compute


class Progress:
    """Of the program that `run` runs for party `pid`; `names` are all parties', `outcomes` grow."""

    def __init__(
        self,
        number: int,
        pid: int,
        names: tuple[str, ...],
        group: PeerMonitor,
        outcomes: Mapping[int, control.Outcome],
    ) -> None:
        self.hopeless = ""  # why nobody's program can go on, though none is over
        self.run: Run | None = None  # while it runs
        self._number = number
        self._pid = pid
        self._names = names
        self._group = group
        self._outcomes = outcomes
        self._standstill = Standstill(pid)
        self._loop = asyncio.get_running_loop()
        self._telling: asyncio.TimerHandle | None = None
        self._idle_since: tuple[float, float] | None = None  # the time, and the work done by then

    def peer_still(self, pid: int, still: control.Still) -> None:
        """A peer's program stands still."""
        if still.run == self._number:
            row = {one.pid: Counts(one.written, one.read, one.ended) for one in still.streams}
            self._standstill.take(pid, row)
            self._examine()

    def own_still(self, row: Row | None) -> None:
        """The program here stands still; None: and hears nobody."""
        if self.run is None:
            return
        if row is None:
            self.run.fault("it waits for something that will never come, and not for the others")
            return
        self._standstill.take(self._pid, row)
        if self._telling is None:
            self._telling = self._loop.call_later(COUNTS_EVERY, self._tell)
        self._examine()

    def tick(self, moved: float) -> None:
        """Look whether it does anything at all; `moved` is the time of its last output or message."""
        if self.run is None or self.run.status != "computing" or not self._waited_for():
            self._idle_since = None
            return
        now, work = self._loop.time(), _work(self.run.os_pid)
        if self._idle_since is None or moved > self._idle_since[0]:
            self._idle_since = now, work
        began, before = self._idle_since
        if now - began > UNCONNECTED:
            if work - before > WORK * (now - began):
                self._idle_since = now, work
            else:
                self.run.fault(f"it has not connected, and done nothing else, for {UNCONNECTED:.0f} s")

    def close(self) -> None:
        """The program is over."""
        self.run = None
        if self._telling is not None:
            self._telling.cancel()

    def _waited_for(self) -> bool:
        """Whether a peer's program has connected, and this one has not."""
        assert self.run
        stats = [one for one in self.run.stats().values() if one is not None]
        return any(one.bytes_received for one in stats) and not any(one.bytes_sent for one in stats)

    def _tell(self) -> None:
        self._telling = None
        if row := self._standstill.row(self._pid):
            streams = [
                control.StreamCounts(pid, one.written, one.read, one.ended) for pid, one in row.items()
            ]
            self._group.broadcast(control.Still(self._number, tuple(streams)))

    def _examine(self) -> None:
        """End the program if nothing can come for it any more."""
        if self.run is None or not self._standstill.holds():
            return
        ended = self._standstill.ended()
        self._tell()
        self._standstill.void()
        if not ended:
            self.hopeless = "all programs wait for each other, and nothing is under way between them"
            self.run.end_stuck(self.hopeless)
            return
        failed = [pid for pid in ended if pid in self._outcomes and not self._outcomes[pid].ok]
        culprit = (failed or ended)[0]
        self.run.end_stuck(
            f"the program of {self._names[culprit]} ended before this one was done with it", culprit
        )


def _work(root: int | None) -> float:
    """Seconds that this process, all below it and their ended children computed; 0 where nobody can tell."""
    if root is None or not processes.known():
        return 0.0
    ticks = sum(int(word) for fields in processes.family(root).values() for word in fields[processes.WORK])
    return ticks / os.sysconf("SC_CLK_TCK")
