"""WebRTC in a browser, for `library`: connections are the page's, data channels this worker's.

The event loop must be `huddle.browser.loop.MailboxLoop`, which has the page's WebRTC; what comes of it are
notes, called on the loop as everything else. See web/src/core/rtc.ts for the other side.
"""

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Any, cast

from huddle.errors import NetworkError
from huddle.networks.webrtc.base import BaseChannel, BaseConnection, ChannelListener, ConnectionEvents
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


class Channel(BaseChannel):
    """One data channel of the page's."""

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

    def last_heard(self) -> float:
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
            self.listener.arrived(waiting.to_bytes())
        if self._over and not self._closed:
            listener = self.listener
            self.release()
            listener.lost(self._over)


class Connection(BaseConnection[Channel]):
    """One connection of the page's, by these STUN and TURN servers."""

    def __init__(self, servers: Sequence[TurnServer], events: ConnectionEvents[Channel]) -> None:
        super().__init__(events)
        self._loop = _loop()
        told = [{"urls": one.url, "username": one.username, "credential": one.password} for one in servers]
        self._js = self._loop.rtc.open(json.dumps(told))
        self._loop.listen(self._js.id, self._note)
        self.first = self._has(Channel(self._js.first, self._open))

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
        return self._has(Channel(self._js.channel(label), lambda: None))

    async def _destroy(self) -> None:
        self._js.close()
        self._loop.unlisten(self._js.id)

    def _note(self, kind: int, value: Any) -> None:
        if self._over:
            return
        if kind == _DESCRIBED:
            self._describes(str(value))
        elif kind == _CANDIDATE:
            self._found(str(value))
        elif kind == _CHANNEL:
            self._came(Channel(value, lambda: None))
        elif kind == _PAIR:
            self._events.on_pair(str(value.local), str(value.remote))
        elif kind == _OVER:
            self._end(str(value))


def _loop() -> Any:
    return cast(Any, asyncio.get_running_loop())
