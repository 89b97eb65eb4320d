"""The short code at work: the host answers guests who type it, a guest gets the invitation for it.

Feeds the sans-IO exchange of `huddle.shortcode.machine` with a nameplate's room.
"""

import asyncio
import contextlib
from collections.abc import Callable
from contextlib import AsyncExitStack

from huddle.ceremony.invitation import Invitation
from huddle.errors import HuddleError, LocalError, unexpected
from huddle.identity.crypto import Crypto
from huddle.rendezvous.client.nameplates import allocate, look_up
from huddle.rendezvous.client.room import OWNER_KEY, RoomClient
from huddle.shortcode.code import Code, parse_code
from huddle.shortcode.machine import CodeGuest, CodeHost


class SpokenCode:
    """The host's short code, from its making to its end; `text` is what the person reads out."""

    def __init__(self, code: Code, host: CodeHost, room: RoomClient, notice: Callable[[str], None]) -> None:
        self.text = str(code)
        self._host = host
        self._room = room
        self._notice = notice
        self._task = asyncio.create_task(self._serve(), name="short code")

    @classmethod
    async def open(
        cls,
        crypto: Crypto,
        invitation: Invitation,
        guests: int,
        stack: AsyncExitStack,
        notice: Callable[[str], None],
    ) -> "SpokenCode":
        """Get a number from the rendezvous and wait behind it; the stack takes all of it down."""
        key = crypto.random(OWNER_KEY)
        plate = await allocate(invitation.rendezvous, owner_key=key)
        code = Code.fresh(crypto, str(plate.number))
        room = await stack.enter_async_context(RoomClient(invitation.rendezvous, plate.room, owner_key=key))
        host = CodeHost(crypto, code, invitation, guests, asyncio.get_running_loop().time())
        spoken = cls(code, host, room, notice)
        stack.push_async_callback(spoken.close)
        return spoken

    def give_back(self) -> None:
        """A guest has left: the seat can be had by this code again."""
        self._host.give_back(asyncio.get_running_loop().time())

    async def close(self) -> None:
        """No more guests by this code; its room is deleted."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        for message in self._host.close():
            self._room.append(message)
        with contextlib.suppress(HuddleError):
            await self._room.delete()

    async def _serve(self) -> None:
        now = asyncio.get_running_loop().time
        ticking = asyncio.create_task(self._tick())
        try:
            async for _index, message in self._room:
                # On and on: who comes after its end is told that it is over, and why.
                self._say(self._host.receive(message, now()))
        except Exception as error:  # the link is there without it
            self._notice(f"The short code no longer works: {unexpected(error).message}")
        finally:
            ticking.cancel()
            await asyncio.gather(ticking, return_exceptions=True)

    async def _tick(self) -> None:
        now = asyncio.get_running_loop().time
        while True:
            # In small steps, since a try or a guest who leaves may bring the next tick forward.
            due = self._host.next_tick()
            await asyncio.sleep(1.0 if due is None else min(1.0, max(0.05, due - now())))
            self._say(self._host.tick(now()))

    def _say(self, messages: list[bytes]) -> None:
        for message in messages:
            self._room.append(message)
        for event in self._host.take_events():
            self._notice(event.text[:1].upper() + event.text[1:] + ".")


async def redeem(crypto: Crypto, text: str, rendezvous: str | None) -> Invitation:
    """The invitation for a short code; raises the HuddleError that says why there is none."""
    code = parse_code(text)
    if rendezvous is None:
        raise LocalError(
            "A code needs to know which rendezvous it belongs to.",
            hint="Ask the host for its address and give it with --rendezvous URL, or ask for the link.",
        )
    plate = await look_up(rendezvous, int(code.nameplate))
    now = asyncio.get_running_loop().time
    guest = CodeGuest(crypto, code, now())
    async with RoomClient(rendezvous, plate.room) as room:
        room.append(guest.start())
        while guest.invitation is None:
            try:
                async with asyncio.timeout_at(guest.deadline):
                    _index, message = await anext(room)
            except TimeoutError:
                guest.tick(now())
                continue
            for reply in guest.receive(message, now()):
                room.append(reply)
    return guest.invitation
