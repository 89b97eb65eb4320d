"""What holds for every WebRTC: its limits, and the bookkeeping of a connection and its data channels.

`native` and `browser` have the two classes of each; see `library`.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from huddle.errors import NetworkError

MAX_MESSAGE = 262_144  # of every browser; longer ones are refused or end the connection
MAX_CHANNELS = 128  # of one connection: a data link a run, and what is left of those before

# Many times the window of a link: no honest peer sends so much before the event loop has looked.
MAX_UNREAD = 64 << 20


class ChannelListener(Protocol):
    """Whoever takes what a channel brings."""

    def arrived(self, data: bytes) -> None:
        """What has arrived since the last call, in one piece."""
        ...

    def lost(self, reason: str) -> None:
        """The channel is gone."""
        ...


class BaseChannel(ABC):
    """One data channel, ordered and reliable. Its listener is called on the event loop, once there is one.

    `script` is JavaScript's part in a browser: a data link takes over there what arrives, without any Python.
    """

    script: Any = None

    @property
    @abstractmethod
    def label(self) -> str:
        """What its maker called it."""

    @property
    @abstractmethod
    def unsent(self) -> int:
        """Bytes that wait here to be sent."""

    @abstractmethod
    def listen(self, listener: ChannelListener) -> None:
        """Deliver to this listener from now on, and first what has arrived before."""

    @abstractmethod
    def send(self, data: bytes) -> None:
        """Send one message; does nothing on a closed channel."""

    @abstractmethod
    def close(self) -> None:
        """Send what is left, then close."""

    @abstractmethod
    def release(self) -> None:
        """Give the channel back; nothing is called any more."""

    @abstractmethod
    def last_heard(self) -> float:
        """When something arrived last, in the loop's time."""


@dataclass(frozen=True, slots=True)
class ConnectionEvents[C: BaseChannel]:
    """What a connection tells.

    `on_candidate(line)` is called with each local candidate and with "" when there are no more;
    `on_channel(channel)` with each channel that the peer makes; `on_pair(local, remote)` with the candidates
    on which it settles; `on_over(reason)` once, when it is gone, unless it was closed here.
    """

    on_candidate: Callable[[str], None]
    on_channel: Callable[[C], None]
    on_pair: Callable[[str, str], None]
    on_over: Callable[[str], None]


class BaseConnection[C: BaseChannel](ABC):
    """One connection to one peer; `opened` is done when channel 0, `first`, is open."""

    first: C

    def __init__(self, events: ConnectionEvents[C]) -> None:
        loop = asyncio.get_running_loop()
        self.opened: asyncio.Future[None] = loop.create_future()
        self._described: asyncio.Future[str] = loop.create_future()
        for waited in (self.opened, self._described):
            waited.add_done_callback(_retrieved)
        self._events = events
        self._channels: list[C] = []
        self._over = False

    @abstractmethod
    async def describe(self) -> str:
        """Start to look for candidates; the local description (SDP) without them."""

    @abstractmethod
    async def answer(self, sdp: str) -> None:
        """Take the peer's description."""

    @abstractmethod
    async def candidate(self, line: str) -> None:
        """Take one more candidate of the peer, once its description was taken."""

    @abstractmethod
    def channel(self, label: str) -> C:
        """A new channel, which the peer is told of; it may be sent on at once."""

    @property
    def heard(self) -> float:
        """When something arrived last, in the loop's time."""
        return max(channel.last_heard() for channel in self._channels)

    @property
    def over(self) -> bool:
        """Whether it is gone, or closed here."""
        return self._over

    @property
    def unsent(self) -> int:
        """Bytes that wait here to be sent."""
        return 0 if self._over else sum(channel.unsent for channel in self._channels)

    def forget(self, channel: C) -> None:
        """This channel is closed."""
        if channel in self._channels[1:]:
            self._channels.remove(channel)

    def fail(self, reason: str) -> None:
        """Give the attempt at it up."""
        for waited in (self._described, self.opened):
            if not waited.done():
                waited.set_exception(NetworkError(reason))

    async def close(self) -> None:
        """Take it down, with all its channels."""
        self._over = True
        self.fail("closed")
        channels, self._channels = self._channels, self._channels[:1]
        for channel in channels:
            channel.release()
        await self._destroy()

    # --- for subclasses

    @abstractmethod
    async def _destroy(self) -> None:
        """Give the connection back; its channels are released."""

    def _has(self, channel: C) -> C:
        self._channels.append(channel)
        return channel

    def _came(self, channel: C) -> None:
        """The peer made this channel."""
        if self._over or len(self._channels) >= MAX_CHANNELS:
            channel.close()
            channel.release()
        else:
            self._events.on_channel(self._has(channel))

    def _describes(self, sdp: str) -> None:
        if not self._described.done():
            self._described.set_result(sdp)

    def _found(self, line: str) -> None:
        if not self._over:
            self._events.on_candidate(line)

    def _open(self) -> None:
        if not self.opened.done():
            self.opened.set_result(None)

    def _end(self, reason: str) -> None:
        """It is gone, by the other end or the network."""
        if not self._over:
            self._over = True
            self.fail(reason)
            self._events.on_over(reason)


def _retrieved(future: asyncio.Future[Any]) -> None:
    # Whoever waited may have been cancelled, and asyncio would complain.
    if not future.cancelled():
        future.exception()
