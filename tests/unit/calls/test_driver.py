"""Calls at a real rendezvous: whoever comes first waits for the other, and nothing stays behind."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huddle.calls import driver
from huddle.calls.call import LIFETIME, SIZE, CallBox
from huddle.calls.driver import StandingCall, _Answering, _first, answer
from huddle.ceremony.invitation import Invitation
from huddle.errors import PeerError, RendezvousError
from huddle.identity.keys import Identity
from huddle.identity.native import NativeCrypto
from huddle.rendezvous.client.room import RoomClient, RoomGone
from huddle.rendezvous.limits import ServerLimits
from huddle.rendezvous.server.server import RendezvousServer, ServerConfig

CRYPTO = NativeCrypto()
ADA, BEN = (Identity.fresh(CRYPTO).did for _ in range(2))
SECRET = CRYPTO.random(32)
BOX = CallBox.of(SECRET, ADA, BEN)


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
    return await answer(CRYPTO, BOX, [invitation.rendezvous], "Ada")


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


async def test_a_guest_s_wait_outlives_the_room(
    invitation: Invitation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another that waits for the same call gives up, and takes the room away."""
    monkeypatch.setattr(driver, "_LOOK_AGAIN", 0.01)
    waiting = asyncio.create_task(answered(invitation))
    for _ in range(3):
        await appears(invitation)
        async with RoomClient(invitation.rendezvous, BOX.room, owner_key=BOX.owner) as room:
            await room.delete()
    async with calling(invitation):
        assert await waiting == invitation


async def test_a_call_that_stands_twice_outlives_one_of_its_hosts(invitation: Invitation) -> None:
    """Ada has typed it twice, and ends the first, which takes the room away from under the second."""
    second = Invitation.fresh(CRYPTO, invitation.rendezvous, ADA)
    async with calling(second):
        await appears(invitation)
        async with calling(invitation):
            assert await answered(invitation) in (invitation, second)
        assert await answered(invitation) == second
    assert await is_gone(invitation)


async def test_a_call_is_made_three_times_and_then_it_is_told(invitation: Invitation) -> None:
    notices: asyncio.Queue[str] = asyncio.Queue()
    async with calling(invitation, notices.put_nowait):
        for _ in range(3):
            await appears(invitation)
            async with RoomClient(invitation.rendezvous, BOX.room, owner_key=BOX.owner) as room:
                await anext(room)  # the call stands there
                await room.delete()
        notice = await notices.get()
        assert notice.startswith("Ben can't be called") and await is_gone(invitation)


async def test_a_guest_looks_at_both_places_and_leaves_nothing_at_the_other(invitation: Invitation) -> None:
    async with RendezvousServer(ServerConfig()) as other:
        there = Invitation.fresh(CRYPTO, f"http://127.0.0.1:{other.port}", ADA)
        places = [there.rendezvous, invitation.rendezvous]
        waiting = asyncio.create_task(answer(CRYPTO, BOX, places, "Ada"))
        await appears(there)
        await appears(invitation)
        async with calling(invitation):
            assert await waiting == invitation
        assert await is_gone(there)


async def test_a_rendezvous_that_is_away_keeps_nobody_from_a_call_at_the_other(
    invitation: Invitation,
) -> None:
    with nobody_listens() as nowhere:
        async with calling(invitation):
            assert await answer(CRYPTO, BOX, [nowhere, invitation.rendezvous], "Ada") == invitation


async def test_where_no_place_can_be_entered_the_error_of_the_first_is_told() -> None:
    async def refused(text: str) -> Invitation:
        raise RendezvousError(text)

    with pytest.raises(RendezvousError, match="named"):
        await _first([asyncio.create_task(refused(text)) for text in ("the named one", "where they met")])


async def test_one_place_that_fails_does_not_end_the_wait_at_the_other() -> None:
    failed, invitation = asyncio.Event(), Invitation.fresh(CRYPTO, "http://127.0.0.1:1", ADA)

    async def refused() -> Invitation:
        failed.set()
        raise RendezvousError("full")

    async def later() -> Invitation:
        await failed.wait()
        for _ in range(5):  # the failure is looked at before
            await asyncio.sleep(0)
        return invitation

    assert await _first([asyncio.create_task(refused()), asyncio.create_task(later())]) == invitation


async def test_a_call_that_is_over_by_this_clock_is_told_as_that(
    invitation: Invitation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "WAIT", 5.0)
    async with RoomClient(invitation.rendezvous, BOX.room, create=True, owner_key=BOX.owner) as room:
        await room.append(BOX.seal(CRYPTO, invitation, _now() - LIFETIME - 1))
        with pytest.raises(PeerError, match="by the clock of this machine that call is over") as caught:
            await answered(invitation)
    assert "time of both machines" in caught.value.hint


async def test_a_host_whose_clock_is_ahead_is_answered(invitation: Invitation) -> None:
    async with RoomClient(invitation.rendezvous, BOX.room, create=True, owner_key=BOX.owner) as room:
        await room.append(BOX.seal(CRYPTO, invitation, _now() + 400 * 86_400))
        assert await answered(invitation) == invitation


async def test_a_flood_of_a_thief_keeps_nobody_from_a_call_that_fits_in(invitation: Invitation) -> None:
    async with RoomClient(invitation.rendezvous, BOX.room, create=True, owner_key=BOX.owner) as room:
        junk = [room.append(bytes([number % 256]) * SIZE) for number in range(500)]
        await junk[-1]
        async with calling(invitation):
            assert await answered(invitation) == invitation


async def test_a_room_that_is_full_is_told_and_the_link_serves() -> None:
    notices: asyncio.Queue[str] = asyncio.Queue()
    limits = ServerLimits(room_records=4)
    async with asyncio.timeout(40), RendezvousServer(ServerConfig(limits=limits)) as server:
        invitation = Invitation.fresh(CRYPTO, f"http://127.0.0.1:{server.port}", ADA)
        async with RoomClient(invitation.rendezvous, BOX.room, create=True, owner_key=BOX.owner) as room:
            await asyncio.gather(*(room.append(b"x" * SIZE) for _ in range(4)))
            async with calling(invitation, notices.put_nowait):
                notice = await notices.get()
    assert "Ben can't be called" in notice and "The link still works" in notice


CALLS = [Invitation.fresh(CRYPTO, f"http://127.0.0.1:{port}", ADA) for port in (1, 2, 3)]


@given(st.data())
def test_whatever_a_rendezvous_shows_a_guest_answers_a_call_of_that_host_or_none(
    data: st.DataObject,
) -> None:
    """It drops, repeats, reorders and changes what was left there, and lies about how much there is."""
    real = [BOX.seal(CRYPTO, one, _now()) for one in CALLS]
    over = BOX.seal(CRYPTO, CALLS[0], _now() - LIFETIME - 1)
    others = CallBox.of(bytes(32), ADA, BEN).seal(CRYPTO, CALLS[0], _now())
    back = Invitation.fresh(CRYPTO, "http://127.0.0.1:4", BEN)
    reflected = CallBox.of(SECRET, BEN, ADA).seal(CRYPTO, back, _now())
    records = data.draw(st.lists(st.sampled_from([*real, over, others, reflected, b"", bytes(SIZE)])))
    spoilt = data.draw(st.sets(st.integers(0, 40)))
    shown = [bytes([one[0] ^ 1, *one[1:]]) if one and i in spoilt else one for i, one in enumerate(records)]
    said = data.draw(st.one_of(st.just(len(shown)), st.integers(0, 2**32 - 1)))
    room = ShownRoom(shown, said)
    guest = _Answering(CRYPTO, BOX, "http://127.0.0.1:1", lambda where: nullcontext())
    good = [CALLS[real.index(one)] for i, one in enumerate(records) if one in real and i not in spoilt]
    try:
        found = asyncio.run(guest._newest(room))  # type: ignore[arg-type]
    except RoomGone:
        assert not good or said > len(shown)
    else:
        assert found == good[-1] if said == len(shown) else found in good


class ShownRoom:
    """A room as a rendezvous pleases to show it."""

    def __init__(self, records: list[bytes], found: int) -> None:
        self.found = found
        self._records = enumerate(records)

    def __aiter__(self) -> "ShownRoom":
        return self

    async def __anext__(self) -> tuple[int, bytes]:
        for index, record in self._records:
            return index, record
        raise RoomGone("expired")


@contextmanager
def nobody_listens() -> Iterator[str]:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # and does not listen
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"


def _now() -> float:
    return time.time()
