"""What a link and its user are to each other: who takes what a link brings, and what it counts."""

from dataclasses import dataclass
from typing import Protocol

from huddle.errors import HuddleError
from huddle.links.frames import Slice
from huddle.links.wire import WireInfo


class LinkReceiver(Protocol):
    """Whoever takes what a link brings. Each call may write to the link, close or abort it."""

    def link_frames(self, frames: Slice) -> None:
        """Whole stream frames have arrived; tell `Link.delivered` once they are with the program."""
        ...

    def link_taken(self, total: int) -> None:
        """So many bytes of what was written are with the peer's program: there is room for as many more."""
        ...

    def link_restored(self, info: WireInfo) -> None:
        """There is a wire: the first one, or one in place of a lost, half-dead or less good one."""
        ...

    def link_lost(self, reason: str) -> None:
        """The wire is gone; the link seeks another one and keeps everything."""
        ...

    def link_failed(self, error: HuddleError) -> None:
        """The link is over: the peer broke its protocol, or left before its program's END."""
        ...


class EarlyReceiver:
    """Keeps what a link brings, at most a window, until its user is there."""

    def __init__(self) -> None:
        self._frames: list[bytes] = []
        self._info: WireInfo | None = None
        self._error: HuddleError | None = None

    def link_frames(self, frames: Slice) -> None:
        self._frames.append(bytes(frames))

    def link_taken(self, total: int) -> None:
        """Nothing is written before there is a user."""

    def link_restored(self, info: WireInfo) -> None:
        self._info = info

    def link_lost(self, reason: str) -> None:
        self._info = None

    def link_failed(self, error: HuddleError) -> None:
        self._error = error

    def tell(self, receiver: LinkReceiver) -> None:
        """The user is there: this is how it stands, and what has come."""
        if self._info is not None:
            receiver.link_restored(self._info)
        for frames in self._frames:
            receiver.link_frames(frames)
        if self._error is not None:
            receiver.link_failed(self._error)


@dataclass(frozen=True, slots=True)
class LinkStats:
    """Counters of one link. `rtt` is smoothed, `last_rtt` the newest, in seconds; None until known.

    Bytes are those of stream frames; messages are DATA frames; `rounds` is the largest Lamport depth
    seen; `queued` the bytes that the peer has not acknowledged. `network` and `path` are empty while
    there is no wire.
    """

    bytes_sent: int
    bytes_received: int
    messages_sent: int
    messages_received: int
    rounds: int
    rtt: float | None
    last_rtt: float | None
    reconnects: int
    network: str
    path: str
    queued: int
