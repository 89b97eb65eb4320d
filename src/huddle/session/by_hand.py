"""MPyC that people start by hand in the place of a run's program: who waits for whom, and when all is over.

    its person starts it -> it connects -> it closes its connections -> it comes again, or the run ends
    INPUT                   COMPUTING      HUNG_UP, in a notebook INPUT

Nobody can see whether an MPyC that has closed its connections has its result or has failed. Where the parts
of all are over or have hung up like this one, and none comes again, the run is over, and taken to be well.
"""

import asyncio
from collections.abc import Callable, Mapping

from huddle.running.proxy import HUNG_UP, Proxy
from huddle.session import control_messages as control
from huddle.session.peers import PeerMonitor

ALL_HUNG_UP = 15.0  # seconds for one of those that have all hung up to come again


class StartedByHand:
    """Of run `number`: the MPyC here, if its person starts it by hand, and those of others."""

    def __init__(
        self,
        number: int,
        group: PeerMonitor,
        outcomes: Mapping[int, control.Outcome],
        notice: Callable[[str], None],
    ) -> None:
        self._number = number
        self._group = group
        self._outcomes = outcomes
        self._notice = notice
        self._hung_up: set[int] = set()  # the pids of those who have said so
        self._since: float | None = None  # nobody is connected any more
        self._loop = asyncio.get_running_loop()

    def begins(self, run: object) -> None:
        """The program here starts; where it is a proxy's, that is for its person to do."""
        by_hand = isinstance(run, Proxy)
        self._group.set_state(self._number, control.INPUT if by_hand else control.COMPUTING)

    def connected(self) -> None:
        """The MPyC here has made a connection."""
        self._group.set_state(self._number, control.COMPUTING)

    def hung_up(self, seconds: float | None) -> None:
        """The MPyC here has closed its connections while others go on; see `ProxyObserver`."""
        self._group.set_state(self._number, control.INPUT if seconds is None else control.HUNG_UP)
        if seconds is not None:
            self._notice(
                "The MPyC that you started by hand has closed its connections. Unless it connects again, "
                f"the run ends in {seconds:.0f} s."
            )

    def tick(self, run: object) -> None:
        """Look how it is with the others; ends a `run` that is a proxy once nobody is there any more."""
        peers = self._group.peers
        now = {
            pid
            for pid, peer in peers.items()
            if (peer.run, peer.state) == (self._number, control.HUNG_UP) and pid not in self._outcomes
        }
        for pid in sorted(now - self._hung_up):
            self._notice(
                f"The MPyC that {peers[pid].member.name} started by hand has closed its connections. "
                f"Unless it connects again, the run ends in {HUNG_UP:.0f} s."
            )
        self._hung_up = now
        if isinstance(run, Proxy) and run.hung_up and peers.keys() <= now | self._outcomes.keys():
            self._wait(run)
        else:
            self._since = None

    def _wait(self, run: Proxy) -> None:
        if self._since is None:
            self._since = self._loop.time()
            self._notice(
                "No program is connected any more. Unless one connects again, the run is over in "
                f"{ALL_HUNG_UP:.0f} s."
            )
        elif self._loop.time() - self._since >= ALL_HUNG_UP:
            run.finish()
