"""The events of one party on their way to whoever reads them: what waits is bounded, and holds output up."""

import asyncio
from collections.abc import Callable

from huddle import events
from huddle.errors import LocalError

MAX_UNREAD = 64 << 20  # bytes of events that nobody reads; a person's screen is never that far behind
MAX_AHEAD = 1 << 20  # from here on nothing more of a program's output is read, until a quarter of it waits
_EVENT = 500  # bytes that an event takes beside its text


class EventQueue:
    """Events in order. `hold` is told to take no more of a program's output, or to go on."""

    def __init__(self, hold: Callable[[bool], None], fail: Callable[[BaseException], None]) -> None:
        self._hold = hold
        self._fail = fail
        self._events: asyncio.Queue[events.Event] = asyncio.Queue()
        self._unread = 0  # what waits there, in bytes
        self._behind = False  # whoever reads the events, so that the program waits

    def put(self, event: events.Event) -> None:
        """One more; where far too much waits, it is the session that ends."""
        self._unread += _weight(event)
        if self._unread > MAX_UNREAD and not isinstance(event, events.Error | events.Ended):
            self._unread -= _weight(event)
            self._fail(
                LocalError(
                    f"Nobody reads the events of this session: {MAX_UNREAD >> 20} MiB wait.",
                    hint="Iterate over the party for as long as it lasts.",
                )
            )
            return
        self._events.put_nowait(event)
        if self._unread > MAX_AHEAD and isinstance(event, events.Output):
            self._set_behind(True)

    async def get(self) -> events.Event:
        """The next one."""
        event = await self._events.get()
        self._unread -= _weight(event)
        if self._behind and self._unread <= MAX_AHEAD // 4:
            self._set_behind(False)
        return event

    def _set_behind(self, behind: bool) -> None:
        self._behind = behind
        self._hold(behind)


def _weight(event: events.Event) -> int:
    return _EVENT + (len(event.text) if isinstance(event, events.Output | events.Chat) else 0)
