"""With this directory in PYTHONPATH a party says seconds later than it could how its program ended."""

import asyncio

from huddle.session import control_messages as control
from huddle.session.peers import PeerMonitor

SECONDS = 3.0

broadcast = PeerMonitor.broadcast


def late(self: PeerMonitor, message: control.Message) -> None:
    if isinstance(message, control.Outcome):
        asyncio.get_running_loop().call_later(SECONDS, broadcast, self, message)
    else:
        broadcast(self, message)


PeerMonitor.broadcast = late  # type: ignore[method-assign]
