"""A run's side of a link: one `Channel` per peer, between the runner and the link to that peer.

What all channels have in common, however the runner is reached: the end of the peer's stream and of
this party's own, and the news of the link. How the frames get to the runner and back is the business
of a subclass (`huddle.running.mux`).
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from huddle.errors import HuddleError
from huddle.links import frames
from huddle.links.wire import WireInfo

if TYPE_CHECKING:
    from huddle.running.run import Run

END = frames.control(frames.END)


class RunLink(Protocol):
    """What a run needs of a link (see links/manager.py)."""

    @property
    def stats(self) -> Any:
        """The link's counters."""
        ...

    def write(self, frames: bytes) -> None:
        """Take whole stream frames; never waits."""
        ...

    def forward(self, frames: bytes, scanned: frames.Scanned) -> None:
        """As `write`, of frames of which `frames.scan` has said this.

        Raises BufferError where more is written than the window takes.
        """
        ...

    def delivered(self, total: int) -> None:
        """So many stream bytes are with the program, or will never be wanted."""
        ...


class RunChannel(ABC):
    """One peer's channel to the runner, and the receiver of the link to that peer."""

    link: RunLink

    def __init__(self, run: "Run", pid: int) -> None:
        self.pid = pid
        self.peer_ended = False
        self.done = asyncio.Event()  # our END is written, or nobody wants it any more
        self._run = run
        self._received = 0
        self._to_runner = True  # the runner takes what we write
        self._from_runner = True  # what it writes is wanted

    # --- from the runner

    @abstractmethod
    def drain(self, well: bool = True) -> None:
        """The runner is gone: forward what it left, as the window allows, then END.

        What a full window leaves behind is awaited only if the program ended well.
        """

    def finish(self) -> None:
        """The runner writes no more: say END in its place, unless it said so itself."""
        if self._from_runner:
            self.link.write(END)
            self._shut()

    def _shut(self) -> None:
        """Take no more from the runner."""
        self._from_runner = False
        self.done.set()

    # --- from the peer

    @abstractmethod
    def link_frames(self, data: frames.Slice) -> None:
        """Whole stream frames from the peer."""

    def _end_there(self) -> None:
        """The peer's program is over, and all that it sent was brought."""
        self.peer_ended = True
        self._run.peer_ended(self.pid)

    # --- news of the link

    @abstractmethod
    def link_taken(self, total: int) -> None:
        """So many bytes of what the program wrote are with the peer's program."""

    def link_lost(self, reason: str) -> None:
        """The wire is gone; the keeper looks for another."""
        self._run.observer.run_link(self.pid, None, reason)

    def link_restored(self, info: WireInfo) -> None:
        """The link has a wire, the first or a new one."""
        self._run.observer.run_link(self.pid, info, "")

    def link_failed(self, error: HuddleError) -> None:
        """The link is over without an END: the run can't go on, if it still goes."""
        self._shut()
        if not self.peer_ended:
            self._run.fail(self.pid, error)

    def close(self) -> None:
        """Forget the runner."""
        self._to_runner = False
        self._shut()


class OpenLink(Protocol):
    """Opens the link to one peer for a channel; `make` is called as the class of its end."""

    def __call__(self, channel: RunChannel, /, *, make: Callable[..., Any] = ...) -> RunLink: ...
