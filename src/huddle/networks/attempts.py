"""One attempt at a time, which all share who want its outcome; the last one to lose interest ends it."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from huddle.tasks import joined


@dataclass(slots=True)
class _UnderWay[T]:
    task: asyncio.Task[T]
    waiting: int = 0


class SharedAttempt[T]:
    """An attempt that `begin` begins, each time that there is none.

    `wanted` says of one for which nobody waits here any more that it is of use all the same.
    """

    def __init__(
        self, begin: Callable[[], Coroutine[Any, Any, T]], *, wanted: Callable[[], bool] = lambda: False
    ) -> None:
        self._begin = begin
        self._wanted = wanted
        self._now: _UnderWay[T] | None = None

    @property
    def running(self) -> bool:
        """Whether there is one."""
        return self._now is not None

    async def outcome(self) -> T:
        """What the attempt under way brings, or a new one; raises what it raises."""
        # One that was given up is not joined, only waited for.
        while self._now is not None and self._now.task.cancelling():
            await asyncio.wait([self._now.task])
        now = self._now
        if now is None:
            now = self._now = _UnderWay(asyncio.get_running_loop().create_task(self._begin()))
            now.task.add_done_callback(self._done)
        now.waiting += 1
        try:
            return await joined(now.task)
        finally:
            now.waiting -= 1
            if not now.waiting and not self._wanted():
                now.task.cancel()

    async def cancel(self) -> None:
        """End it, and wait until it has left nothing."""
        if self._now is not None:
            self._now.task.cancel()
            await asyncio.gather(self._now.task, return_exceptions=True)

    def _done(self, task: asyncio.Task[T]) -> None:
        if self._now is not None and self._now.task is task:
            self._now = None
        if not task.cancelled():
            task.exception()  # those who waited have it, or were cancelled
