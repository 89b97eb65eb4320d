"""Who dials first for a run: the peer with the lower pid, where it has reached this party before.

Both ends of a link dial, and two dials are two handshakes at either end. For control links one dial mostly
waits long enough for the other (`huddle.links.connector`). For a run it does not on a busy machine, since
either end dials when its own runner is there. But by then it is known whose dials get through, and there is
no link before the runner of the lower pid is there, which dials at once.
"""

import asyncio

TURN_SECONDS = 3.0  # for the other end's dial, once a run; a lost wire is dialled for at once


class Turns:
    """What one party knows of its peers' dials."""

    def __init__(self) -> None:
        self._lower: set[int] = set()
        self._reached_by: set[int] = set()
        self._had: set[tuple[int, int]] = set()  # peers and runs

    def begin(self, pid: int, *, lower: bool) -> None:
        """Here is a peer; `lower`: its pid is the lower one."""
        if lower:
            self._lower.add(pid)

    def reached_by(self, pid: int) -> None:
        """A dial of that peer has come through."""
        self._reached_by.add(pid)

    async def mine(self, pid: int, run: int) -> None:
        """Wait until this party should dial that peer for that run."""
        if not run:
            self._reached_by.discard(pid)  # the control link has no wire: what was so may be no longer
        elif pid in self._lower & self._reached_by and (pid, run) not in self._had:
            self._had.add((pid, run))
            await asyncio.sleep(TURN_SECONDS)
