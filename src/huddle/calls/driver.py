"""Calls at work: the host's, which stands until the session begins, and the guest who waits for it."""

import asyncio
import contextlib
import time
from collections.abc import Callable

from huddle.calls.call import CallBox
from huddle.ceremony.invitation import Invitation
from huddle.errors import HuddleError, PeerError, unexpected
from huddle.identity.crypto import Crypto
from huddle.rendezvous.client.dialing import host_of
from huddle.rendezvous.client.room import RoomClient, RoomGone
from huddle.tasks import cancel

WAIT = 600.0  # seconds for a call to come: as long as a short code is good
_AGAIN = 3  # times that a call is made anew where its room has gone, as when a guest gave up


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
        self._notice(f"{self._name} can't be called at {where}: {problem.message} The link serves as ever.")

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


async def answer(crypto: Crypto, box: CallBox, rendezvous: str, name: str) -> Invitation:
    """The invitation of that host's call, as soon as there is one; PeerError where none comes in `WAIT` s."""
    async with _room(box, rendezvous) as room:
        invitation = None
        try:
            async with asyncio.timeout(WAIT):
                invitation = await _newest(crypto, box, room)
        except TimeoutError:
            pass
        finally:
            if invitation is None:  # nobody called: nothing stays behind
                await _delete(room)
    if invitation is None:
        raise PeerError(
            f"{name} has not called at {host_of(rendezvous)}.",
            peer=name,
            hint=f"{name} calls you with: huddle host PROGRAM --with YOU. Or ask for a link.",
        )
    return invitation


async def _newest(crypto: Crypto, box: CallBox, room: RoomClient) -> Invitation:
    """The last call of those that stand in the room; else the first that comes."""
    found = None
    async for index, record in room:
        found = box.open(crypto, record, time.time()) or found
        if found is not None and index + 1 >= room.found:
            return found
    raise AssertionError("a room ends by an error")


def _room(box: CallBox, rendezvous: str) -> RoomClient:
    return RoomClient(rendezvous, box.room, create=True, owner_key=box.owner)


async def _delete(room: RoomClient) -> None:
    with contextlib.suppress(HuddleError):
        await room.delete()
