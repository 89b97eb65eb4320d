"""What this end of a link wrote and the peer has not acknowledged, to be sent again on the next wire."""

from collections import deque

from huddle.links.frames import scan


class Unacknowledged:
    """Blobs of whole frames, by their offsets in the stream; new ones are appended to `blobs`."""

    __slots__ = ("_start", "blobs")

    def __init__(self) -> None:
        self.blobs: deque[bytes] = deque()
        self._start = 0  # offset of the first byte

    def forget(self, offset: int) -> None:
        """Drop the blobs that end at this offset or before it."""
        blobs, start = self.blobs, self._start
        while blobs and start + len(blobs[0]) <= offset:
            start += len(blobs.popleft())
        self._start = start

    def since(self, offset: int) -> list[bytes] | None:
        """What follows this offset; None where that is inside a frame."""
        found: list[bytes] = []
        at = self._start
        for blob in self.blobs:
            if at >= offset:
                found.append(blob)
            elif at + len(blob) > offset:
                # Scanning the part before the offset says whether a frame ends there.
                if scan(blob[: offset - at])[0] != offset - at:
                    return None
                found.append(blob[offset - at :])
            at += len(blob)
        return found
