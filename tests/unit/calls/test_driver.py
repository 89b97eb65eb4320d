"""Calls at a real rendezvous: whoever comes first waits for the other, and nothing stays behind."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import pytest

from huddle.calls import driver
from huddle.calls.call import LIFETIME, CallBox
from huddle.calls.driver import StandingCall, answer
from huddle.ceremony.invitation import Invitation
from huddle.errors import PeerError
from huddle.identity.keys import Identity
from huddle.identity.native import NativeCrypto
from huddle.rendezvous.client.room import RoomClient, RoomGone
from huddle.rendezvous.server.server import RendezvousServer, ServerConfig

CRYPTO = NativeCrypto()
ADA, BEN = (Identity.fresh(CRYPTO).did for _ in range(2))
BOX = CallBox.of(CRYPTO.random(32), ADA, BEN)


@pytest.fixture
async def invitation() -> AsyncIterator[Invitation]:
    async with asyncio.timeout(40), RendezvousServer(ServerConfig()) as server:
        yield Invitation.fresh(CRYPTO, f"http://127.0.0.1:{server.port}", ADA)


@asynccontextmanager
async def calling(
    invitation: Invitation, notice: Callable[[str], None] = lambda text: None
) -> AsyncIterator[None]:
    standing = StandingCall(CRYPTO, BOX, invitation.rendezvous, invitation, "Ben", notice)
    try:
        yield
    finally:
        await standing.close()


async def answered(invitation: Invitation) -> Invitation:
    return await answer(CRYPTO, BOX, invitation.rendezvous, "Ada")


async def appears(invitation: Invitation) -> None:
    """Wait until somebody has made the room."""
    async with asyncio.timeout(20):
        while await is_gone(invitation):
            pass


async def is_gone(invitation: Invitation) -> bool:
    try:
        async with RoomClient(invitation.rendezvous, BOX.room):
            return False
    except RoomGone:
        return True


async def test_whoever_comes_first_waits_for_the_other(invitation: Invitation) -> None:
    async with calling(invitation):
        assert await answered(invitation) == invitation
        assert await answered(invitation) == invitation  # whose first try failed tries again
    waiting = asyncio.create_task(answered(invitation))
    await appears(invitation)
    async with calling(invitation):
        assert await waiting == invitation
    assert await is_gone(invitation)


async def test_the_last_call_counts_and_what_is_no_call_is_passed_over(invitation: Invitation) -> None:
    """Ada's first Huddle was killed, and somebody who keeps what stood in the room writes it again."""
    old = Invitation.fresh(CRYPTO, invitation.rendezvous, ADA)
    records = [
        BOX.seal(CRYPTO, old, _now()),
        BOX.seal(CRYPTO, invitation, _now()),
        b"noise",
        BOX.seal(CRYPTO, old, _now() - LIFETIME - 1),
    ]
    async with RoomClient(invitation.rendezvous, BOX.room, create=True, owner_key=BOX.owner) as room:
        for record in records:
            await room.append(record)
        assert await answered(invitation) == invitation


async def test_nobody_calls_and_nothing_stays_behind(
    invitation: Invitation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "WAIT", 0.2)
    with pytest.raises(PeerError, match="Ada has not called") as caught:
        await answered(invitation)
    assert "--with" in caught.value.hint and await is_gone(invitation)


async def test_who_stops_waiting_leaves_nothing_behind(invitation: Invitation) -> None:
    waiting = asyncio.create_task(answered(invitation))
    await appears(invitation)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert await is_gone(invitation)


async def test_a_call_whose_room_goes_is_made_anew(invitation: Invitation) -> None:
    """A guest gave up in the very moment in which the host called."""
    async with calling(invitation):
        assert await answered(invitation) == invitation
        async with RoomClient(invitation.rendezvous, BOX.room, owner_key=BOX.owner) as room:
            await room.delete()
        assert await answered(invitation) == invitation


async def test_a_rendezvous_that_is_not_there_is_told_and_ends_nothing() -> None:
    notices: list[str] = []
    told = asyncio.Event()

    def note(text: str) -> None:
        notices.append(text)
        told.set()

    with nobody_listens() as url:
        async with asyncio.timeout(40), calling(Invitation.fresh(CRYPTO, url, ADA), note):
            await told.wait()
    assert notices[0].startswith("Ben can't be called at 127.0.0.1") and "The link" in notices[0]


@contextmanager
def nobody_listens() -> Iterator[str]:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # and does not listen
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"


def _now() -> float:
    return time.time()
