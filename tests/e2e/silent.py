"""A guest that begins a ceremony and then falls silent, in a thread of the test's own process.

It uses the ceremony and the client of rooms as a party does, and keeps back what it is told to keep back.
"""

import asyncio
import contextlib
import threading
from collections.abc import Iterator

import mpyc

from huddle import events
from huddle.engine.meet import Meeting
from huddle.identity.keys import Identity
from huddle.identity.native import NativeCrypto
from huddle.rendezvous.client import RoomClient
from huddle.session.ceremony_guest import Guest
from huddle.session.invitation import Invitation
from huddle.session.messages import Message, Offer, Software


class SilentGuest(Guest):
    """A guest that follows the ceremony, says only what it is told to say, and no more after a new start."""

    said: tuple[type[Message], ...] = ()

    def _send(self, message: Message) -> None:
        if isinstance(message, self.said) and self.epoch == 1:
            super()._send(message)


@contextlib.contextmanager
def silent_guest(link: str, name: str, *said: type[Message]) -> Iterator[None]:
    """Somebody who comes by this link, says just this, and stays."""

    async def stay() -> None:
        crypto = NativeCrypto()
        invitation = Invitation.parse(link)
        core = SilentGuest(
            crypto,
            Identity.fresh(crypto),
            invitation,
            name=name,
            software=(Software("mpyc", mpyc.__version__),),
            now=asyncio.get_running_loop().time(),
        )
        core.said = said

        def happened(event: events.Event) -> None:
            if isinstance(event, events.Question):
                asyncio.get_running_loop().call_soon(meeting.accept)

        async with RoomClient(invitation.rendezvous, bytes.fromhex(invitation.room_id)) as room:
            offers = (Offer("relay", b""),)
            meeting = Meeting(core, room, happened, lambda *_: "new", lambda: offers, sandbox=False)
            with contextlib.suppress(Exception):  # however it ends for this one is of no interest
                await meeting.sealed()

    loop = asyncio.new_event_loop()
    task = loop.create_task(stay())
    thread = threading.Thread(target=lambda: loop.run_until_complete(asyncio.wait({task})), daemon=True)
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join(10)
        loop.close()
