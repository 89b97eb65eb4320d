"""A guest that begins a ceremony and then falls silent, in a thread of the test's own process.

It uses the ceremony and the client of rooms as a party does, and keeps back what it is told to keep back.
"""

import contextlib
from collections.abc import Iterator

from huddle.ceremony.guest import GuestCeremony
from huddle.ceremony.messages import Message
from tests.e2e.cheats import cheating_guest


class SilentGuest(GuestCeremony):
    """A guest that follows the ceremony, says only what it is told to say, and no more after a new start."""

    said: tuple[type[Message], ...] = ()

    def _send(self, message: Message) -> None:
        if isinstance(message, self.said) and self.epoch == 1:
            super()._send(message)


@contextlib.contextmanager
def silent_guest(link: str, name: str, *said: type[Message]) -> Iterator[None]:
    """Somebody who comes by this link, says just this, and stays."""
    kind = type("SilentGuest", (SilentGuest,), {"said": said})
    with cheating_guest(link, name, kind):
        yield
