"""What a run's data links carry, and by which way, as this party tells its person once a second."""

import asyncio
from collections.abc import Collection
from dataclasses import replace

from huddle import events
from huddle.links.wire import WireInfo
from huddle.running.plain_run import PlainRun
from huddle.running.proxy import Proxy
from huddle.running.run import Run
from huddle.session import control_messages as control
from huddle.session.context import PartyContext
from huddle.session.peers import PeerMonitor


def milliseconds(seconds: float | None) -> float | None:
    """A time as events tell it; None stays None."""
    return None if seconds is None else round(seconds * 1000, 3)


def link_event(name: str, info: WireInfo, run: int) -> events.Link:
    """The event of a link to this peer that got this wire."""
    tried = tuple({"network": network, "outcome": outcome} for network, outcome in info.tried)
    return events.Link(name, info.network, info.path, milliseconds(info.rtt), run, tried)


class RunStats:
    """Of run `number`; `names` are all parties', `over` grows by those whose part is over."""

    def __init__(
        self,
        number: int,
        names: tuple[str, ...],
        group: PeerMonitor,
        over: Collection[int],
        context: PartyContext,
    ) -> None:
        self.last: events.Stats | None = None
        self._number = number
        self._names = names
        self._group = group
        self._over = over
        self._emit = context.emit
        self._memory = context.platform.peak_memory
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self._paths: dict[int, tuple[str, str]] = {}  # network and path that a link has, or had

    @property
    def seconds(self) -> float:
        """Since the run began."""
        return round(self._loop.time() - self._began, 3)

    def has_been_linked(self, pid: int) -> bool:
        """Whether there was a data link to that peer."""
        return pid in self._paths

    def busy(self) -> list[str]:
        """Who of the others is at work, and at what."""
        return [
            f"{self._names[pid]} is {'typing' if peer.state == control.INPUT else 'computing'}"
            for pid, peer in self._group.peers.items()
            if peer.state in (control.COMPUTING, control.INPUT)
        ]

    def link(self, pid: int, info: WireInfo | None, reason: str) -> None:
        """A data link got or lost its wire."""
        name = self._names[pid]
        if info is None:
            self._emit(events.Reconnect(name, "lost", reason, self._number))
        else:
            self._paths[pid] = info.network, info.path
            self._emit(link_event(name, info, self._number))

    def tell(self, run: Run | Proxy | PlainRun) -> None:
        """Tell how things are now."""
        rows, rounds = [], 0
        for pid, stats in run.stats().items():
            rounds = max(rounds, stats.rounds)
            if stats.network:
                self._paths[pid] = stats.network, stats.path
            elif pid in self._over:  # its link is closed: the path that it had is what matters
                network, path = self._paths.get(pid, ("", ""))
                stats = replace(stats, network=network, path=path)
            rows.append(
                {
                    "name": self._names[pid],
                    "pid": pid,
                    "state": control.STATES[self._group.peers[pid].state],
                    "network": stats.network,
                    "path": stats.path,
                    "rtt_ms": milliseconds(stats.rtt),
                    "bytes_sent": stats.bytes_sent,
                    "bytes_received": stats.bytes_received,
                    "messages_sent": stats.messages_sent,
                    "messages_received": stats.messages_received,
                    "queued": stats.queued,
                    "reconnects": stats.reconnects,
                }
            )
        self.last = events.Stats(self._number, tuple(rows), rounds, self.seconds, self._memory())
        self._emit(self.last)
