"""WebRTC in a browser, for `library`: connections are the page's, data channels this worker's.

The event loop must be `huddle.browser.loop.MailboxLoop`, which has the page's WebRTC; what comes of it are
notes, called on the loop as everything else. See web/src/core/rtc.ts for the other side.
"""

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Any, cast

from huddle.errors import NetworkError
from huddle.networks.webrtc.limits import MAX_CHANNELS, ChannelListener
from huddle.rendezvous.messages import TurnServer

# Kinds of a connection's notes,
_DESCRIBED, _CANDIDATE, _CHANNEL, _PAIR, _OVER = 1, 2, 3, 4, 5
# and of a channel's.
_OPEN, _DATA, _CLOSED = 1, 2, 3


def available() -> bool:
    """Whether this browser has WebRTC."""
    return _loop().rtc is not None


def check() -> None:
    """Raise NetworkError unless there is one."""
    if not available():
        raise NetworkError("This browser has no WebRTC, or it is turned off.", hint="Allow it, or use relay.")


class Channel:
    """One data channel. Its listener is called on the event loop, once there is one.

    `script` is JavaScript's part: a data link takes over there what arrives, without any Python.
    """

    def __init__(self, channel: Any, opened: Callable[[], None]) -> None:
        self._loop = _loop()
        self.listener: ChannelListener | None = None
        self.script = channel
        self._opened = opened
        self._over = ""  # why, until a listener has been told
        self._closed = False
        self._loop.listen(channel.id, self._note)

    @property
    def label(self) -> str:
        """What its maker called it."""
        return str(self.script.label)

    @property
    def heard(self) -> float:
        """When something arrived last, in the loop's time."""
        quiet: float = self.script.quiet()
        heard: float = self._loop.time() - quiet
        return heard

    @property
    def unsent(self) -> int:
        """Bytes that wait here to be sent."""
        return 0 if self._closed else int(self.script.unsent)

    def listen(self, listener: ChannelListener) -> None:
        """Deliver to this listener from now on, and first what has arrived before."""
        self.listener = listener
        self._loop.call_soon(self._drain)

    def send(self, data: bytes) -> None:
        """Send one message; does nothing on a closed channel."""
        if not self._closed:
            self.script.send(self._loop.array(data))

    def close(self) -> None:
        """Send what is left, then close."""
        if not self._closed:
            self.script.close()

    def release(self) -> None:
        """Give the channel back to the browser; nothing is called any more."""
        self._closed = True
        self.listener = None
        self.script.drop()
        self._loop.unlisten(self.script.id)

    def _note(self, kind: int, value: Any) -> None:
        if kind == _OPEN:
            self._opened()
        elif kind == _DATA:
            self._drain()
        elif kind == _CLOSED:
            self._over = str(value)
            self._drain()

    def _drain(self) -> None:
        if self.listener is None or self._closed:
            return
        waiting = self.script.take()
        if waiting is not None:
            self.listener.channel_data(waiting.to_bytes())
        if self._over and not self._closed:
            listener = self.listener
            self.release()
            listener.channel_closed(self._over)


class Connection:
    """One connection to one peer, made by these STUN and TURN servers; as `webrtc_native.Connection`."""

    def __init__(
        self,
        servers: Sequence[TurnServer],
        *,
        on_candidate: Callable[[str], None],
        on_channel: Callable[[Channel], None],
        on_pair: Callable[[str, str], None],
        on_over: Callable[[str], None],
    ) -> None:
        self._loop = _loop()
        self.opened: asyncio.Future[None] = self._loop.create_future()
        self.opened.add_done_callback(_retrieved)
        self._described: asyncio.Future[str] = self._loop.create_future()
        self._described.add_done_callback(_retrieved)
        self._on_candidate = on_candidate
        self._on_channel = on_channel
        self._on_pair = on_pair
        self._on_over = on_over
        self._over = False
        told = [{"urls": one.url, "username": one.username, "credential": one.password} for one in servers]
        self._js = self._loop.rtc.open(json.dumps(told))
        self._loop.listen(self._js.id, self._note)
        self.first = Channel(self._js.first, self._open)
        self._channels = [self.first]

    async def describe(self) -> str:
        """Start to look for candidates; the local description (SDP) without them."""
        self._js.describe()
        return await self._described

    async def answer(self, sdp: str) -> None:
        """Take the peer's description; where it can't be, the attempt fails."""
        self._js.answer(sdp)

    async def candidate(self, line: str) -> None:
        """Take one more candidate of the peer, once its description was taken."""
        self._js.candidate(line)

    def channel(self, label: str) -> Channel:
        """A new channel, which the peer is told of; it may be sent on at once."""
        channel = Channel(self._js.channel(label), lambda: None)
        self._channels.append(channel)
        return channel

    @property
    def heard(self) -> float:
        """When something arrived last, in the loop's time."""
        return max(channel.heard for channel in self._channels)

    @property
    def over(self) -> bool:
        """Whether it is gone, or closed here."""
        return self._over

    @property
    def unsent(self) -> int:
        """Bytes that wait here to be sent."""
        return 0 if self._over else sum(channel.unsent for channel in self._channels)

    def forget(self, channel: Channel) -> None:
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
        self._js.close()
        self._loop.unlisten(self._js.id)

    def _note(self, kind: int, value: Any) -> None:
        if self._over:
            return
        if kind == _DESCRIBED:
            if not self._described.done():
                self._described.set_result(str(value))
        elif kind == _CANDIDATE:
            self._on_candidate(str(value))
        elif kind == _CHANNEL:
            self._came(value)
        elif kind == _PAIR:
            self._on_pair(str(value.local), str(value.remote))
        elif kind == _OVER:
            self._over = True
            self.fail(str(value))
            self._on_over(str(value))

    def _came(self, channel: Any) -> None:
        if len(self._channels) >= MAX_CHANNELS:
            channel.drop()
            return
        made = Channel(channel, lambda: None)
        self._channels.append(made)
        self._on_channel(made)

    def _open(self) -> None:
        if not self.opened.done():
            self.opened.set_result(None)


def _loop() -> Any:
    return cast(Any, asyncio.get_running_loop())


def _retrieved(future: asyncio.Future[Any]) -> None:
    # Whoever waited may have been cancelled, and asyncio would complain.
    if not future.cancelled():
        future.exception()
