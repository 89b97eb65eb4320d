"""A run whose program the person runs with plain MPyC, behind a WireGuard app: nothing of it is seen here.

It has the surface of `huddle.running.run.Run`. It is over when all parties that have Huddle say that their
programs ended, which MPyC lets them do only together with this one; when one of them failed; or when the
person ends it. What the person's own terminal shows is not known here.
"""

import asyncio
from collections.abc import Iterable
from typing import Any

from huddle.errors import HuddleError
from huddle.running.spec import RunnerExit


class PlainRun:
    """`others` are the pids of the parties whose programs Huddle runs."""

    def __init__(self, others: Iterable[int]) -> None:
        self.error: HuddleError | None = None
        self._waited = set(others)
        self._over = asyncio.Event()
        self._exit = RunnerExit(0)

    def stats(self) -> dict[int, Any]:
        """Nothing passes here."""
        return {}

    async def start(self) -> None:
        """The person starts it."""

    def ended(self, pid: int) -> None:
        """That party's part is over."""
        self._waited.discard(pid)
        if not self._waited:
            self._over.set()

    def stop(self, reason: str, culprit: int | None = None) -> None:
        """End it here, for this reason; the person's program is theirs to end."""
        if not self._over.is_set():
            self._exit = RunnerExit(None, None, reason, culprit, stopped=True)
            self._over.set()

    async def wait(self) -> RunnerExit:
        """Wait until it is over."""
        await self._over.wait()
        return self._exit

    def close(self) -> None:
        """There is nothing to forget."""
