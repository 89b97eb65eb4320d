"""A guest's way into its group on a real rendezvous, and its reports from there.

Feeds the sans-IO `GroupGuest` with the front room. It stays there while the group's session lasts, and is
never needed by it: a host that has gone, or a rendezvous that is away, ends no group.
"""

import asyncio
import contextlib
from collections.abc import Callable
from contextlib import AsyncExitStack

from huddle import events
from huddle.ceremony.invitation import Invitation
from huddle.ceremony.messages import Software
from huddle.ceremony.silence import HOST_MISSED, host_gone
from huddle.errors import HuddleError, unexpected
from huddle.groups.guest import Assignment, GroupGuest
from huddle.identity.crypto import Crypto
from huddle.identity.keys import Identity
from huddle.rendezvous.client.absence import absent
from huddle.rendezvous.client.room import RoomClient
from huddle.tasks import cancel

_FAREWELL = 2.0  # seconds for the last records


class FrontRoom:
    """One guest in one front room."""

    def __init__(self, core: GroupGuest, room: RoomClient, name: str) -> None:
        self.name = name
        self._core = core
        self._room = room
        self._state = ""
        self._dealt = False
        self._last: asyncio.Future[int] | None = None
        self._changed = asyncio.Event()
        self._undone = asyncio.Event()
        self._tasks = [
            asyncio.create_task(self._read(), name="front room"),
            asyncio.create_task(self._watch_host(), name="host watch"),
        ]

    @classmethod
    async def enter(
        cls,
        crypto: Crypto,
        identity: Identity,
        invitation: Invitation,
        name: str,
        software: tuple[Software, ...],
        stack: AsyncExitStack,
        *,
        patient: bool,
    ) -> "FrontRoom":
        """Enter it; the stack leaves it. `patient`: refused by the host's person, it stays."""
        now = asyncio.get_running_loop().time()
        core = GroupGuest(
            crypto, identity, invitation, name=name, software=software, now=now, patient=patient
        )
        client = RoomClient(invitation.rendezvous, bytes.fromhex(invitation.room_id))
        front = cls(core, await stack.enter_async_context(client), name)
        stack.push_async_callback(front.close)
        return front

    async def host(self) -> tuple[str, str]:
        """The name and did of the host, once it is known; raises the HuddleError that ends the room."""
        while not self._core.host_did:
            await self._news()
        return self._core.host_name, self._core.host_did

    async def placed(self, refused: Callable[[bool], None]) -> Assignment:
        """This guest's place, once it can be taken; raises the HuddleError that ends the room.

        `refused` is called where the host has not let this guest in, and where it is dealt after all.
        """
        told = False
        while self._core.placed is None:
            await self._news()
            if self._core.refused != told:
                told = not told
                refused(told)
        self._dealt = True
        return self._core.placed

    async def undone(self) -> None:
        """Until the host takes this guest's group apart; where the room has ended, never."""
        await self._undone.wait()

    @property
    def waits_in_vain(self) -> bool:
        """Whether its host deals nobody any more."""
        return self._core.waits_in_vain

    def back(self) -> None:
        """This guest has left its group, which has lost somebody, and waits for another place."""
        self._state = ""
        self._undone.clear()
        self._core.back()
        self._send()

    @property
    def dealt(self) -> bool:
        """Whether this guest has had a place before."""
        return self._dealt

    def opened(self) -> None:
        """The first of a group has made the group's room."""
        self._core.opened()
        self._send()

    def note(self, event: events.Event) -> None:
        """Report what an event of the group's session means for the host of the front room."""
        state = _meaning(event)
        if state and state != self._state and self._core.placed is not None:
            self._state = state
            self._core.report(state)
            self._send()

    async def close(self) -> None:
        """Say goodbye, which is bounded, and leave."""
        self._core.leave("left")
        self._send()
        if self._last is not None:
            with contextlib.suppress(TimeoutError, HuddleError):
                await asyncio.wait_for(self._last, _FAREWELL)
        await cancel(*self._tasks)

    async def _news(self) -> None:
        if self._core.error is not None:
            raise self._core.error
        self._changed.clear()
        try:
            async with asyncio.timeout_at(self._core.deadline):
                await self._changed.wait()
        except TimeoutError:
            self._core.expire()

    async def _watch_host(self) -> None:
        """Who waits for a place does not wait for ever for a host that is not there any more."""
        await absent(HOST_MISSED, lambda: self._core.placed is None and self._room.state.maker is False)
        self._core.error = self._core.error or host_gone(self._core.host_name or "the host", HOST_MISSED)
        self._changed.set()

    async def _read(self) -> None:
        try:
            async for _index, record in self._room:
                self._core.receive(record)
                self._send()
                self._changed.set()
                if self._core.undone:
                    self._undone.set()
        except Exception as error:
            self._core.error = self._core.error or unexpected(error)
            self._changed.set()

    def _send(self) -> None:
        for record in self._core.records_to_send():
            self._last = self._room.append(record)


def _meaning(event: events.Event) -> str:
    """The state of STATES that begins with an event of this party's session; empty where none does."""
    match event:
        case events.Words():
            return "in"
        case events.Party(standing="self", state="accepted"):
            return "words"
        case events.Run(state="started"):
            return "computing"
        case events.Run(state="finished"):
            return "result"
        case events.Run(state="failed") | events.Error():
            return "failed"
    return ""
