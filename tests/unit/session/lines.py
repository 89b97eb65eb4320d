"""Control links in memory: what is written at one end arrives at the other in a later tick of the loop."""

import asyncio
from typing import Any

from huddle.links.wire import WireInfo

INFO = WireInfo("memory", "direct", b"A" * 32, b"B" * 32, True)


class Line:
    """One end of a control link. `writable` and `full` stand for a window that the peer does not empty."""

    def __init__(self, receiver: Any) -> None:
        self.receiver = receiver
        self.other: Line | None = None
        self.writable = True
        self.full = False
        self.reason = ""
        self.said: list[bytes] = []
        self.delivered_to = 0
        self.aborted = self.closed = False

    def write(self, data: bytes) -> None:
        if self.full:
            raise BufferError("full")
        self.said.append(data)
        if self.other is not None and not self.other.aborted:
            asyncio.get_running_loop().call_soon(self.other.receiver.link_frames, data)

    def delivered(self, total: int) -> None:
        self.delivered_to = total

    async def close(self, limit: float = 5.0) -> None:
        self.closed = True

    def abort(self) -> None:
        self.aborted = True


class Exchange:
    """Connects the ends that the keepers of all parties open."""

    def __init__(self) -> None:
        self.ends: dict[tuple[int, int], Line] = {}

    def keeper(self, pid: int) -> Any:
        return _Keeper(self, pid)

    def open(self, mine: int, theirs: int, receiver: Any) -> Line:
        line = self.ends[mine, theirs] = Line(receiver)
        other = self.ends.get((theirs, mine))
        if other is not None:
            line.other, other.other = other, line
            for end in (line, other):
                asyncio.get_running_loop().call_soon(end.receiver.link_restored, INFO)
        return line


class _Keeper:
    def __init__(self, exchange: Exchange, pid: int) -> None:
        self._exchange = exchange
        self._pid = pid

    def open(self, pid: int, run: int, receiver: Any) -> Line:
        assert run == 0, "only control links here"
        return self._exchange.open(self._pid, pid, receiver)
