"""What peers say in a session, as far as anybody could read it."""

from collections.abc import Callable

from huddle import events
from huddle.errors import LocalError
from huddle.session import control_messages as control
from huddle.session.allowance import Allowance


class ChatLines:
    """Shows a line of a peer, but not more of them than anybody could read."""

    def __init__(self, emit: Callable[[events.Event], None], now: Callable[[], float]) -> None:
        self._emit = emit
        self._now = now
        self._allowed: dict[int, Allowance] = {}
        self._loud: set[int] = set()  # whose lines are left out now

    def take(self, pid: int, name: str, text: str) -> None:
        """A line of this peer."""
        now = self._now()
        if self._allowed.setdefault(pid, Allowance(now)).take(now):
            self._loud.discard(pid)
            self._emit(events.Chat(name, text))
        elif pid not in self._loud:
            self._loud.add(pid)
            self._emit(events.Notice(f"{name} says more than anybody can read; some of it is left out."))


def chat(text: str) -> control.Chat:
    """A line of this person, for all; LocalError where it is too long."""
    if len(text.encode()) > control.MAX_CHAT:
        raise LocalError(f"A line has at most {control.MAX_CHAT} bytes.", hint="Say it in two.")
    return control.Chat(text)
