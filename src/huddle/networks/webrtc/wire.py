"""A wire on a data channel. What is sent is cut into messages; their bounds mean nothing to the link.

`send` never waits: what SCTP can't take yet stays in the library, which the link's window bounds.
"""

import asyncio
from collections.abc import Callable

from huddle.links.buffered_wire import BufferedWire
from huddle.links.wire import WireInfo
from huddle.networks.webrtc.base import MAX_MESSAGE
from huddle.networks.webrtc.library import Channel

LINGER = 2.0  # seconds that a closed wire may still take to send what is left


class RtcWire(BufferedWire):
    """A `Wire`; `ended` is called once with the wire when its channel is closed or given up."""

    LIMIT = 1 << 20  # a data channel can't be paused, so the wire is dropped beyond it

    def __init__(self, channel: Channel, info: WireInfo, ended: Callable[["RtcWire"], None]) -> None:
        super().__init__(info)
        self.channel = channel
        self.script = channel.script
        self._ended: Callable[[RtcWire], None] | None = ended
        channel.listen(self)

    def send(self, data: bytes) -> None:
        """Send, in messages that every WebRTC takes; does nothing on a lost or closed wire."""
        if self.over:
            return
        if len(data) <= MAX_MESSAGE:
            self.channel.send(data)
            return
        for at in range(0, len(data), MAX_MESSAGE):
            self.channel.send(data[at : at + MAX_MESSAGE])

    def close(self) -> None:
        """Send what is left, then close; what does not go out within two seconds is dropped."""
        if not self._over:
            self._shut()
            self.channel.close()
            asyncio.get_running_loop().call_later(LINGER, self._end)

    def abort(self) -> None:
        """Drop the wire at once."""
        if not self._over:
            self._shut()
            self.channel.close()
        self._end()

    def lost(self, reason: str) -> None:
        """The channel is gone."""
        self._end()
        super().lost(reason)

    def _pause(self, paused: bool) -> None:
        if paused:
            self.abort()

    def _end(self) -> None:
        ended, self._ended = self._ended, None
        if ended is not None:
            ended(self)
