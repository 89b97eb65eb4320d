"""Whether all parties of a run have numpy.

With numpy a program may send other messages than without, such as one array in place of its elements, and
parties that differ may wait for each other for ever. So before a program whose files name numpy starts, each
party says whether it has it, and where one has not, all run without it (MPyC's `--no-numpy`). A program
that names it nowhere is not held up.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping

from huddle.session import control_messages as control


def named(files: Mapping[str, bytes]) -> bool:
    """Whether a program of these files may use numpy; the same at all parties, as the files are."""
    return any(path.endswith(".py") and b"numpy" in data for path, data in files.items())


class NumpyAgreement:
    """What the parties of a session say of it; `tell` says something to all others."""

    def __init__(self, peers: Iterable[int], tell: Callable[[control.Numpy], None]) -> None:
        self._peers = tuple(peers)
        self._tell = tell
        self._said: dict[int, control.Numpy] = {}  # of each peer the last
        self._news = asyncio.Event()

    def take(self, pid: int, said: control.Numpy) -> None:
        """A peer says it, perhaps before this party has come to that run."""
        self._said[pid] = said
        self._news.set()

    async def lacking(self, run: int, here: bool) -> list[int]:
        """Say whether it is here, hear it of all peers, and return those who lack it."""
        self._tell(control.Numpy(run, here))
        while any(pid not in self._said or self._said[pid].run != run for pid in self._peers):
            self._news.clear()
            await self._news.wait()
        return [pid for pid in self._peers if not self._said[pid].there]
