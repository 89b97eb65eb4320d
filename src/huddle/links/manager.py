"""Keeps a session's links on wires: opens them, and hands each wire that a peer dials to its link.

One keeper serves a whole session, with one control link per peer (run 0) and one data link per peer
and run. It knows pids, names and link keys, and how to dial; networks and runs are not known here.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count

from huddle.identity.crypto import Crypto
from huddle.links.connector import Connector, Dial, DialTarget, Timing
from huddle.links.link import Link
from huddle.links.proof import Proven
from huddle.links.receiver import EarlyReceiver, LinkReceiver, LinkStats
from huddle.links.wire import Wire

__all__ = ["Dial", "DialTarget", "Link", "LinkManager", "LinkReceiver", "LinkStats", "Timing"]

PARKED_LINK = 4  # wires for one link that is not open here yet
PARKED = 64  # and for all of them: strangers may dial too


@dataclass(frozen=True, slots=True)
class _Parked:
    """A wire of a link that is not open here yet."""

    which: tuple[int, int]
    wire: Wire
    timer: asyncio.TimerHandle


class LinkManager:
    """All links of one party in one session.

    `dialers` are the networks' names and dialling functions, the preferred one first; `clock` gives
    seconds, as `time.monotonic` does.
    """

    def __init__(
        self,
        pid: int,
        peers: Sequence[DialTarget],
        dialers: Sequence[tuple[str, Dial]],
        crypto: Crypto,
        *,
        timing: Timing | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pid = pid
        self._peers = {peer.pid: peer for peer in peers}
        self._dialers = tuple(dialers)
        self._crypto = crypto
        self._timing = timing or Timing()
        self._clock = clock
        self._ends: dict[tuple[int, int], Link] = {}
        self._used: set[tuple[int, int]] = set()
        self._wanted: dict[int, int] = {}  # of each peer the run for which a link is prepared
        self._early: dict[tuple[int, int], Link] = {}  # that are prepared
        self._parked: dict[int, _Parked] = {}
        self._numbers = count()
        self._closed = False

    def __repr__(self) -> str:
        return f"<LinkManager of {self._pid}: {list(self._ends.values())!r}, {len(self._parked)} parked>"

    def open(self, pid: int, run: int, receiver: LinkReceiver, *, make: Callable[..., Link] = Link) -> Link:
        """Open the link with that peer for that run (0: the control link); it seeks a wire at once.

        `make` is called as the class of its end. A link is opened once: ValueError where it is, or was, open.
        """
        which = (pid, run)
        if (early := self._early.pop(which, None)) is not None:
            early.hand_over(receiver)
            return early
        if which in self._used or self._closed:
            raise ValueError(f"the link with {pid} for run {run} was opened before, or the keeper is closed")
        peer = self._peers[pid]
        self._used.add(which)
        known = partial(self._network, pid) if run else None
        end = make(peer, run, receiver, self._crypto, self._clock, self._forget, known)
        self._ends[which] = end
        allowed = peer.networks
        dialers = [one for one in self._dialers if allowed is None or one[0] in allowed]

        def found(wire: Wire, proven: Proven) -> None:
            end.found(wire, proven)
            if run == 0:
                self._begin_early(pid)
                self._follow(pid)

        parked = [number for number, one in self._parked.items() if one.which == which]
        # One that the peer has dialled already is mostly proven before this end has to dial.
        delay = self._timing.reversal if parked else 0.0
        seeker = Connector(self._pid, peer, run, dialers, self._crypto, self._timing, self._clock, found)
        end.begin(seeker, delay)
        for number in parked:
            end.accepted(self._take(number))
        return end

    def prepare(self, pid: int, run: int) -> None:
        """Open the link for that run as soon as the control link has a wire, on the same network.

        So the trips of its own wire need not be waited for when the program begins. `open` hands it to its
        receiver.
        """
        self._wanted[pid] = run

    def accepted(self, pid: int, run: int, wire: Wire) -> None:
        """A network has a wire that somebody dialled, as it seems this peer for this run."""
        which = (pid, run)
        end = self._ends.get(which)
        if end is not None:
            end.accepted(wire)
            return
        same = sum(parked.which == which for parked in self._parked.values())
        if (
            self._closed
            or pid not in self._peers
            or which in self._used
            or same >= PARKED_LINK
            or len(self._parked) >= PARKED
        ):
            wire.abort()
            return
        number = next(self._numbers)
        timer = asyncio.get_running_loop().call_later(self._timing.parked, self._unpark, number)
        self._parked[number] = _Parked(which, wire, timer)

    async def close_link(self, pid: int, run: int, limit: float = 5.0) -> None:
        """Close that link, if it is open."""
        end = self._ends.get((pid, run))
        if end is not None:
            await end.close(limit)

    async def close(self, limit: float = 5.0) -> None:
        """Close all links, in at most `limit` seconds."""
        self._closed = True
        for number in list(self._parked):
            self._unpark(number)
        await asyncio.gather(*(end.close(limit) for end in list(self._ends.values())))

    def _network(self, pid: int) -> str:
        """The network on which the control link to that peer is; empty where it has no wire."""
        end = self._ends.get((pid, 0))
        return end.stats.network if end is not None else ""

    def _begin_early(self, pid: int) -> None:
        """The control link has a wire: open what was to be prepared, unless it is open by now."""
        run = self._wanted.pop(pid, None)
        if run is not None and (pid, run) not in self._used and not self._closed:
            self._early[pid, run] = self.open(pid, run, EarlyReceiver())

    def _follow(self, pid: int) -> None:
        """The control link has a wire: other links of the pair may want one of its network."""
        for (other, run), end in list(self._ends.items()):
            if other == pid and run:
                end.improve()

    def _forget(self, end: Link) -> None:
        self._ends.pop((end.pid, end.run), None)

    def _take(self, number: int) -> Wire:
        parked = self._parked.pop(number)
        parked.timer.cancel()
        return parked.wire

    def _unpark(self, number: int) -> None:
        self._take(number).abort()
