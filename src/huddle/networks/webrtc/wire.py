"""A wire on a data channel. What is sent is cut into messages; their bounds mean nothing to the link.

`send` never waits: what SCTP can't take yet stays in the library, which the link's window bounds. What
arrives before somebody starts the wire waits in it, up to a limit, beyond which the wire is dropped.
"""

import asyncio
from collections.abc import Callable

from huddle.links.wire import WireInfo, WireReceiver
from huddle.networks.webrtc.library import Channel
from huddle.networks.webrtc.limits import MAX_MESSAGE

HELD = 1 << 20  # bytes that may wait for a receiver; a link proof is a few hundred
LINGER = 2.0  # seconds that a closed wire may still take to send what is left


class RtcWire:
    """A `Wire`; `ended` is called once with the wire when its channel is closed or given up."""

    def __init__(self, channel: Channel, info: WireInfo, ended: Callable[["RtcWire"], None]) -> None:
        self.channel = channel
        self.info = info
        self._ended: Callable[[RtcWire], None] | None = ended
        self._receiver: WireReceiver | None = None
        self._held: list[bytes] = []
        self._held_bytes = 0
        self._lost: str | None = None  # why, until a receiver has been told
        self._over = False  # closed or aborted here
        channel.listen(self)

    def __repr__(self) -> str:
        state = "over" if self._over else "lost" if self._ended is None else "open"
        return f"<RtcWire {self.info.path}, {state}>"

    @property
    def over(self) -> bool:
        """Whether nobody here uses it any more."""
        return self._over

    # --- Wire

    def start(self, receiver: WireReceiver) -> None:
        """Deliver to this receiver from now on, and first what arrived before."""
        self._receiver = receiver
        while self._held and self._receiver is receiver and not self._over:
            data = b"".join(self._held)
            self._held.clear()
            self._held_bytes = 0
            receiver.wire_data(data)
        if self._lost is not None and self._receiver is receiver and not self._over:
            reason, self._lost = self._lost, None
            receiver.wire_lost(reason)

    def send(self, data: bytes) -> None:
        """Send, in messages that every WebRTC takes; does nothing on a lost or closed wire."""
        if self._over or self._ended is None:
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

    # --- ChannelListener

    def channel_data(self, data: bytes) -> None:
        """Bytes have arrived."""
        if self._over:
            return
        if self._receiver is not None:
            self._receiver.wire_data(data)
            return
        self._held.append(data)
        self._held_bytes += len(data)
        if self._held_bytes > HELD:
            self.abort()

    def channel_closed(self, reason: str) -> None:
        """The channel is gone."""
        self._end()
        if self._over:
            return
        if self._receiver is not None and not self._held:
            self._receiver.wire_lost(reason)
        else:
            self._lost = reason

    # --- inside

    def _shut(self) -> None:
        self._over = True
        self._receiver = None
        self._held.clear()

    def _end(self) -> None:
        ended, self._ended = self._ended, None
        if ended is not None:
            ended(self)
