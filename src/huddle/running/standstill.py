"""Whether the programs of a run can still go on, by what their supervisors say to each other.

A program *stands still* when only a peer's bytes can move it (running/runner/standstill.py). Its runner then
counts, for each peer, the bytes of frames that it has written and read. All parties whose programs live say
their counts to each other. The programs can't go on when

    every program that lives stands still, each pair has read what the other wrote, and
    all have read the END of each program that is over.

The counts are of different moments, and that does no harm: a program that was moved after it had counted
was moved by bytes that it had not read by then, so the first such bytes are missing in somebody's count
(F. Mattern, Algorithms for distributed termination detection, 1987, section 6, the vector method).

So a program's end alone condemns nobody: not while this program works, and not while any other works that
may still send. Knows no processes, links or clocks.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Counts:
    """What a program has exchanged with one peer: bytes of frames, and whether it has read the peer's END.

    `awaited`: MPyC waits for a message of that peer, as far as can be seen; nobody else is told.
    """

    written: int
    read: int
    ended: bool
    awaited: bool = False


Row = Mapping[int, Counts]  # by the peer's pid


class Standstill:
    """The last counts of each party's program, of one run. `pid` is this party's."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._rows: dict[int, Row] = {}

    def take(self, pid: int, row: Row) -> None:
        """That party's program, perhaps this one, stands still with these counts."""
        self._rows[pid] = row

    def row(self, pid: int) -> Row | None:
        """That party's last counts, where it stands still."""
        return self._rows.get(pid)

    def void(self) -> None:
        """This party's program was moved otherwise, so its counts are void."""
        self._rows.pop(self._pid, None)

    def holds(self) -> bool:
        """Whether no program can go on any more."""
        mine = self._rows.get(self._pid)
        if mine is None:
            return False
        over = {pid for pid, counts in mine.items() if counts.ended}
        living = [self._pid, *(pid for pid in mine if pid not in over)]
        for pid in living:
            row = self._rows.get(pid)
            if row is None or {peer for peer, counts in row.items() if counts.ended} != over:
                return False
        return all(
            (there := self._rows[other].get(pid)) is not None and counts.written == there.read
            for pid in living
            for other, counts in self._rows[pid].items()
            if other not in over
        )

    def ended(self) -> list[int]:
        """The peers without whose programs this one can't go on: those it waits for first."""
        mine = self._rows.get(self._pid, {})
        over = [pid for pid, counts in mine.items() if counts.ended]
        return sorted(over, key=lambda pid: (not mine[pid].awaited, pid))
