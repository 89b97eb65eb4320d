"""Calls at work: the host's, which stands until the session begins, and the guest who waits for it."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, AsyncExitStack

from huddle.calls.call import CallBox
from huddle.ceremony.invitation import Invitation
from huddle.errors import HuddleError, PeerError, unexpected
from huddle.identity.crypto import Crypto
from huddle.rendezvous.client.dialing import host_of
from huddle.rendezvous.client.room import RoomClient, RoomGone
from huddle.tasks import cancel

WAIT = 600.0  # seconds for a call to come: as long as a short code is good
_AGAIN = 3  # times that a call is made, the first among them: its room goes where a guest gives up
_LOOK_AGAIN = 1.0  # seconds until a guest enters a room again that has gone

Slow = Callable[[str], AbstractContextManager[None]]


def _untold(rendezvous: str) -> AbstractContextManager[None]:
    return contextlib.nullcontext()


class StandingCall:
    """The host's call to one contact at one rendezvous, from its making until it is closed."""

    def __init__(
        self,
        crypto: Crypto,
        box: CallBox,
        rendezvous: str,
        invitation: Invitation,
        name: str,
        notice: Callable[[str], None],
    ) -> None:
        self._crypto = crypto
        self._box = box
        self._rendezvous = rendezvous
        self._invitation = invitation
        self._name = name
        self._notice = notice
        self._task = asyncio.create_task(self._stand(), name="call")

    async def close(self) -> None:
        """Take the call back."""
        await cancel(self._task)

    async def _stand(self) -> None:
        problem: HuddleError
        try:
            for _ in range(_AGAIN):
                await self._once()
        except HuddleError as error:
            problem = error
        except Exception as error:
            problem = unexpected(error)
        else:
            problem = RoomGone("deleted")
        where = host_of(self._rendezvous)
        self._notice(f"{self._name} can't be called at {where}: {problem.message} The link still works.")

    async def _once(self) -> None:
        """One room, until it is gone."""
        async with _room(self._box, self._rendezvous) as room:
            try:
                room.append(self._box.seal(self._crypto, self._invitation, time.time()))
                with contextlib.suppress(RoomGone):
                    async for _record in room:
                        pass
            except asyncio.CancelledError:
                await _delete(room)
                raise


async def answer(
    crypto: Crypto, box: CallBox, places: Sequence[str], name: str, slow: Slow = _untold
) -> Invitation:
    """The invitation of that host's call, from whichever of these rendezvous it comes first.

    PeerError where none comes in `WAIT` seconds; where no rendezvous can be entered, the error of the first.
    `slow` is held, with its address, while a rendezvous is being entered.
    """
    answering = [_Answering(crypto, box, where, slow) for where in places]
    tasks = [asyncio.create_task(one.answer(), name="answering a call") for one in answering]
    try:
        async with asyncio.timeout(WAIT):
            return await _first(tasks)
    except TimeoutError:
        pass
    finally:
        await cancel(*tasks)
    if any(one.late for one in answering):
        raise PeerError(
            f"{name} called, and by the clock of this machine that call is over.",
            peer=name,
            hint=f"Compare the date and time of both machines, or ask {name} to call again.",
        )
    raise PeerError(
        f"{name} has not called at {' or '.join(map(host_of, places))}.",
        peer=name,
        hint=f"{name} calls you with: huddle host PROGRAM --with YOU. Or ask for a link.",
    )


class _Answering:
    """A guest at one rendezvous; `late`: a call stood there that was over."""

    def __init__(self, crypto: Crypto, box: CallBox, rendezvous: str, slow: Slow) -> None:
        self.late = False
        self._crypto = crypto
        self._box = box
        self._rendezvous = rendezvous
        self._slow = slow

    async def answer(self) -> Invitation:
        """The invitation of a call, once there is one."""
        while True:
            try:
                return await self._once()
            except RoomGone:  # whoever waited there too has given up, or the rendezvous was restarted
                await asyncio.sleep(_LOOK_AGAIN)

    async def _once(self) -> Invitation:
        room = _room(self._box, self._rendezvous)
        async with AsyncExitStack() as stack:
            with self._slow(self._rendezvous):
                await stack.enter_async_context(room)
            invitation = None
            try:
                invitation = await self._newest(room)
            finally:
                if invitation is None:  # nobody called: nothing stays behind
                    await _delete(room)
            return invitation

    async def _newest(self, room: RoomClient) -> Invitation:
        """The last call of those that stand in the room; else the first that comes."""
        found = None
        async for index, record in room:
            call = self._box.open(self._crypto, record)
            if call is not None and call.is_over(time.time()):
                self.late = True
            elif call is not None:
                found = call.invitation
            if found is not None and index + 1 >= room.found:
                return found
        raise AssertionError("a room ends by an error")


async def _first(tasks: Sequence[asyncio.Task[Invitation]]) -> Invitation:
    """What the first of these has that succeeds; the error of the first of all where none does."""
    waiting = set(tasks)
    while waiting:
        done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            if task.exception() is None:
                return task.result()
    return tasks[0].result()


def _room(box: CallBox, rendezvous: str) -> RoomClient:
    return RoomClient(rendezvous, box.room, create=True, owner_key=box.owner)


async def _delete(room: RoomClient) -> None:
    with contextlib.suppress(HuddleError):
        await room.delete()
