"""What holds for every WebRTC, and what takes a data channel's bytes."""

from typing import Protocol

MAX_MESSAGE = 262_144  # of every browser; longer ones are refused or end the connection
MAX_CHANNELS = 128  # of one connection: a data link a run, and what is left of those before

# Many times the window of a link: no honest peer sends so much before the event loop has looked.
MAX_UNREAD = 64 << 20


class ChannelListener(Protocol):
    """Whoever takes what a channel brings."""

    def channel_data(self, data: bytes) -> None:
        """What has arrived since the last call, in one piece."""
        ...

    def channel_closed(self, reason: str) -> None:
        """The channel is gone."""
        ...
