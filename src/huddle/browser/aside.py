"""Standard error beside standard output, in the order in which a program wrote them.

The two come by ports that do not know of each other, so each piece of standard error says behind how much of
standard output it belongs:

    piece = bytes of standard output before it U64 ‖ its length U32 ‖ its bytes

A runner that lies in it only delays its own words: who reads takes no more until the piece is due, and at
the end all of them are. Knows no ports.
"""

import struct

_HEAD = struct.Struct(">QI")


def piece(behind: int, data: bytes) -> bytes:
    """That much of standard error, behind so many bytes of standard output."""
    return _HEAD.pack(behind, len(data)) + data


class Aside:
    """What has come of standard error and may not be due yet."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._left = 0  # bytes of the piece that has begun

    def early(self, printed: int) -> bool:
        """Whether the next piece waits for more of standard output than has come."""
        if self._left or len(self._data) < _HEAD.size:
            return False
        behind: int = _HEAD.unpack_from(self._data)[0]
        return behind > printed

    def take(self, data: bytes, printed: int, *, over: bool = False) -> bytes:
        """All that is due, with this behind what came before; `over`: standard output has ended."""
        self._data += data
        due = bytearray()
        while self._left or (len(self._data) >= _HEAD.size and (over or not self.early(printed))):
            if not self._left:
                self._left = _HEAD.unpack_from(self._data)[1]
                del self._data[: _HEAD.size]
            part = self._data[: self._left]
            if not part and self._left:
                break
            due += part
            del self._data[: len(part)]
            self._left -= len(part)
        return bytes(due)
