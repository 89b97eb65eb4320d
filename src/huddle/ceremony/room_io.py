"""What everybody has who takes part in a room, sans-IO: its log, what to write, what has happened, timers.

Records and `now` (seconds, of any clock that does not jump) go in; records, events and the time of the next
timer come out. A message is written to the log when the shell takes it, not before, so that it says what was
seen until then. What a message means is for whoever has this: the ceremony, or a front room of groups.
"""

from collections.abc import Callable, Iterator

from huddle.ceremony.log import Log
from huddle.ceremony.messages import Message
from huddle.codec import encode


class RoomIO[Event, Timer: (str, str | int)]:
    """One party's side of one room; `timers` are when each is due."""

    def __init__(self, log: Log, now: float) -> None:
        self.log = log
        self.now = now
        self.timers: dict[Timer, float] = {}
        self.outgoing: list[tuple[int, Message]] = []  # with the epoch that each belongs to
        self._events: list[Event] = []

    def send(self, message: Message, epoch: int = 1) -> None:
        """Write this message next."""
        self.outgoing.append((epoch, message))

    def tell(self, event: Event) -> None:
        """Something has happened."""
        self._events.append(event)

    def records(self, counts: Callable[[int, Message], bool] = lambda epoch, message: True) -> list[bytes]:
        """The records to append to the room now, in this order, of the messages that still count."""
        outgoing, self.outgoing = self.outgoing, []
        return [
            self.log.write(epoch, message.kind, encode(message))
            for epoch, message in outgoing
            if counts(epoch, message)
        ]

    def events(self) -> list[Event]:
        """What has happened since the last call."""
        happened, self._events = self._events, []
        return happened

    def next_timer(self) -> float | None:
        """When the timers must be looked at, if nothing happens before."""
        return min(self.timers.values(), default=None)

    def due(self, now: float) -> Iterator[Timer]:
        """The timers that are due, each taken away as it comes; what one of them does may stop the next."""
        self.now = now
        for timer in [timer for timer, when in self.timers.items() if when <= now]:
            if self.timers.pop(timer, None) is not None:
                yield timer

    def stop_timers(self, *, but: Timer) -> None:
        """Stop all timers but this one."""
        for timer in self.timers.keys() - {but}:
            del self.timers[timer]
