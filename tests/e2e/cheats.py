"""Parties that cheat, in a thread of the test's own process, on the real rendezvous.

They are made of Huddle's own ceremony and client of rooms, with one thing changed by a subclass of
`GuestCeremony` or `HostCeremony`: whoever attacks can write whatever program they like, and this is the
shortest one.
"""

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import mpyc

from huddle import events
from huddle.ceremony import manifest as manifests
from huddle.ceremony.guest import GuestCeremony
from huddle.ceremony.host import HostCeremony
from huddle.ceremony.invitation import Invitation
from huddle.ceremony.messages import Offer, Software
from huddle.identity.keys import Identity
from huddle.identity.native import NativeCrypto
from huddle.rendezvous.client.room import OWNER_KEY, RoomClient
from huddle.session.ceremony_driver import CeremonyDriver

SOFTWARE = (Software("mpyc", mpyc.__version__),)
OFFERS = (Offer("relay", b""),)


@contextlib.contextmanager
def beside(work: Callable[[], Coroutine[Any, Any, None]]) -> Iterator[None]:
    """Have this done on a loop and a thread of its own while the block lasts; then it is cancelled."""
    loop = asyncio.new_event_loop()
    task = loop.create_task(work())

    async def whole() -> None:
        await asyncio.wait({task})
        # What it let go of, as a WebSocket, closes in tasks of its own.
        if rest := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(rest, timeout=2)
        await asyncio.sleep(0.1)

    thread = threading.Thread(target=lambda: loop.run_until_complete(whole()), daemon=True)
    thread.start()
    try:
        yield
    finally:
        if not loop.is_closed():
            loop.call_soon_threadsafe(task.cancel)
        thread.join(10)
        loop.close()


class Cheat:
    """One such party: its core, what it heard, and why it is over."""

    def __init__(self) -> None:
        self.core: GuestCeremony | HostCeremony | None = None
        self.link = ""  # of a host
        self.files: dict[str, bytes] = {}
        self.error: Exception | None = None
        self._heard: list[events.Event] = []
        self._news = threading.Condition()

    def wait[T: events.Event](self, kind: type[T], found: Callable[[T], bool] = lambda _: True) -> T:
        """The first event of this kind that `found` accepts."""
        deadline = time.monotonic() + 30
        with self._news:
            while True:
                for event in self._heard:
                    if isinstance(event, kind) and found(event):
                        return event
                left = deadline - time.monotonic()
                if left <= 0:
                    raise AssertionError(f"no {kind.__name__}; {self.error!r}; {self._heard}")
                self._news.wait(left)

    def wait_link(self) -> str:
        """A host's invitation, once its room is there."""
        with self._news:
            assert self._news.wait_for(lambda: self.link, 20), self.error
        return self.link

    async def attend(self, core: GuestCeremony | HostCeremony, room: RoomClient) -> None:
        """Go through the ceremony as far as it goes; admit everybody, accept everything."""
        self.core = core
        loop = asyncio.get_running_loop()

        def happened(event: events.Event) -> None:
            if isinstance(event, events.Question):
                if event.what == "accept":
                    self.files = meeting.files
                act = meeting.accept if event.what == "accept" else lambda: meeting.admit(event.did)
                loop.call_soon(act)
            with self._news:
                self._heard.append(event)
                self._news.notify_all()

        meeting = CeremonyDriver(core, room, happened, lambda *_: "new", lambda: OFFERS, locked=None)
        try:
            await meeting.sealed()
            await asyncio.Event().wait()  # stay, and say nothing more
        except Exception as error:
            self.error = error

    def invited(self, link: str) -> None:
        """A host's room is there."""
        with self._news:
            self.link = link
            self._news.notify_all()


@contextlib.contextmanager
def cheating_guest(
    link: str, name: str, kind: type[GuestCeremony] = GuestCeremony, identity: Identity | None = None
) -> Iterator[Cheat]:
    """A guest of that kind, who comes by this link and stays."""
    cheat = Cheat()

    async def stay() -> None:
        crypto, invitation = NativeCrypto(), Invitation.parse(link)
        who = identity or Identity.fresh(crypto)
        now = asyncio.get_running_loop().time()
        core = kind(crypto, who, invitation, name=name, software=SOFTWARE, now=now)
        async with RoomClient(invitation.rendezvous, bytes.fromhex(invitation.room_id)) as room:
            await cheat.attend(core, room)

    with beside(stay):
        yield cheat


@contextlib.contextmanager
def cheating_host(
    url: str,
    manifest: manifests.Manifest,
    files: dict[str, bytes],
    *,
    parties: int = 3,
    kind: type[HostCeremony] = HostCeremony,
    name: str = "Ada",
) -> Iterator[Cheat]:
    """A host of that kind, whose room goes with it."""
    cheat = Cheat()

    async def stay() -> None:
        crypto = NativeCrypto()
        identity, key = Identity.fresh(crypto), crypto.random(OWNER_KEY)
        invitation = Invitation.fresh(crypto, url, identity.did)
        now = asyncio.get_running_loop().time()
        core = kind(
            crypto, identity, invitation, name=name, software=SOFTWARE, manifest=manifest, files=files,
            parties=parties, now=now,
        )  # fmt: skip
        where = bytes.fromhex(invitation.room_id)
        async with RoomClient(url, where, create=True, owner_key=key) as room:
            cheat.invited(invitation.url)
            try:
                await cheat.attend(core, room)
                await asyncio.Event().wait()  # the room is there for as long as the test wants
            finally:
                await room.delete()

    with beside(stay):
        yield cheat
