"""A host's room: where guests meet, what is kept to come back to it, and what makes no sense."""

import time
from contextlib import AsyncExitStack
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from huddle.ceremony.invitation import Invitation
from huddle.errors import LocalError
from huddle.identity.contacts import Contacts, MeetingPlace
from huddle.identity.keys import Identity
from huddle.identity.native import NativeCrypto
from huddle.rendezvous.client.room import RoomClient, RoomGone
from huddle.rendezvous.server.server import RendezvousServer, ServerConfig
from huddle.session.hosting import Hosting, _rendezvous, host
from huddle.session.plans import HostPlan
from huddle.session.program import Program
from huddle.session.room_keeping import KeptRoom, NoKeeper

CRYPTO = NativeCrypto()
ADA, BEN = Identity.fresh(CRYPTO), Identity.fresh(CRYPTO)
URL, HERE = "https://huddle.example.org", "http://192.0.2.1:8080"
PLAN = HostPlan(Program("prog.py", {"prog.py": b"pass\n"}), 2)


class Stages:
    """As much of a host's stages as its room needs; `embedded` says where a rendezvous was wanted."""

    def __init__(self, at: str = HERE) -> None:
        self.crypto, self.identity = CRYPTO, ADA
        known = Contacts().met("Ben", BEN.did, 1).verified([BEN.did])
        self.contacts = known.agreed(BEN.did, MeetingPlace(bytes(32), "http://192.0.2.7:1"))
        self.settings = SimpleNamespace(private_args=())
        self.platform = SimpleNamespace(embed=self._embed)
        self.rooms = SimpleNamespace(keep=self._keep)
        self.embedded: list[str] = []
        self.kept: list[KeptRoom] = []
        self.told: list[str] = []
        self._at = at

    async def _embed(self, settings: Any, stack: Any, at: str = "") -> tuple[str, str]:
        self.embedded.append(at)
        return self._at, "Others on this network reach it."

    def _keep(self, room: KeptRoom) -> None:
        self.kept.append(room)

    def notice(self, text: str) -> None:
        self.told.append(text)

    async def enter(self, room: RoomClient, stack: AsyncExitStack) -> None:
        await stack.enter_async_context(room)


def kept(at: str, *, embedded: bool) -> KeptRoom:
    invitation = Invitation.fresh(CRYPTO, at, ADA.did)
    return KeptRoom(invitation.url, bytes(range(32)), embedded, time.time() + 1000, "prog.py")


@pytest.mark.parametrize(
    ("plan", "before", "where", "asked"),
    [
        (replace(PLAN, rendezvous=URL), None, URL, []),
        (PLAN, None, HERE, [""]),
        (replace(PLAN, called=(BEN.did,)), None, HERE, ["http://192.0.2.7:1"]),
        (PLAN, kept(URL, embedded=False), URL, []),
        (replace(PLAN, rendezvous=f"{URL}/"), kept(URL, embedded=False), URL, []),
        (PLAN, kept(HERE, embedded=True), HERE, [HERE]),
    ],
    ids=["named", "here", "where they met", "as before", "as before, named", "here as before"],
)
async def test_guests_meet_where_the_person_says_where_they_met_or_here(
    plan: HostPlan, before: KeptRoom | None, where: str, asked: list[str]
) -> None:
    stages: Any = Stages()
    async with AsyncExitStack() as stack:
        assert await _rendezvous(stages, plan, before, stack) == where
    assert stages.embedded == asked and bool(stages.told) == bool(asked)


@pytest.mark.parametrize(
    ("plan", "before"),
    [
        (replace(PLAN, rendezvous="https://elsewhere.example.org"), kept(URL, embedded=False)),
        (PLAN, kept("http://192.0.2.2:8080", embedded=True)),  # this machine's address was another one then
    ],
    ids=["named", "moved"],
)
async def test_a_link_that_was_sent_leads_nowhere_else(plan: HostPlan, before: KeptRoom) -> None:
    async with AsyncExitStack() as stack:
        with pytest.raises(LocalError, match="The link that you sent leads to"):
            await _rendezvous(Stages(), plan, before, stack)  # type: ignore[arg-type]


@pytest.mark.parametrize("threshold", [-1, 1, 5])
async def test_a_threshold_that_protects_nobody_is_refused_before_anything(threshold: int) -> None:
    async with AsyncExitStack() as stack:
        with pytest.raises(LocalError, match=f"A threshold of {threshold} does not fit 2 parties"):
            await host(None, replace(PLAN, threshold=threshold), stack)  # type: ignore[arg-type]


async def test_a_room_that_is_come_back_to_is_empty_and_has_the_same_id_and_end() -> None:
    async with RendezvousServer(ServerConfig()) as server, AsyncExitStack() as outside:
        url = f"http://127.0.0.1:{server.port}"
        stages: Any = Stages()
        hosting = Hosting(stages, None, outside, None)  # type: ignore[arg-type]
        plan = replace(PLAN, rendezvous=url)
        await hosting.open(plan)
        (first,) = stages.kept
        assert first.program == "prog.py" and first.returns == 0 and first.expires > time.time() + 3600
        room = bytes.fromhex(first.invitation(ADA.did).room_id)
        await hosting._room.append(b"what stood there")
        async with AsyncExitStack() as again:
            back = Hosting(stages, None, again, None)  # type: ignore[arg-type]
            await back.open(plan, before=replace(first, expires=time.time() + 100))
            assert back._invitation == hosting._invitation and stages.kept[-1].returns == 1
            async with RoomClient(url, room) as guest:
                assert guest.found == 0
            ends = back._room.state.expires
            assert ends is not None and ends < time.time() + 101
        with pytest.raises(RoomGone):  # the host has left it in order
            async with RoomClient(url, room):
                pass


async def test_who_does_not_want_to_come_back_ends_the_session_for_those_who_wait() -> None:
    async with RendezvousServer(ServerConfig()) as server, AsyncExitStack() as outside:
        url = f"http://127.0.0.1:{server.port}"
        stages: Any = Stages()
        await Hosting(stages, None, outside, None).open(replace(PLAN, rendezvous=url))  # type: ignore[arg-type]
        (left,) = stages.kept
        async with RoomClient(url, bytes.fromhex(left.invitation(ADA.did).room_id)) as guest:
            await left.end()
            with pytest.raises(RoomGone) as gone:
                await anext(guest)
        assert gone.value.reason == "deleted"
        await left.end()  # as where it has expired


async def test_where_nothing_is_kept_nobody_is_told_to_come_back() -> None:
    async with RendezvousServer(ServerConfig()) as server, AsyncExitStack() as outside:
        stages: Any = Stages()
        stages.rooms = NoKeeper()
        hosting = Hosting(stages, None, outside, None)  # type: ignore[arg-type]
        await hosting.open(replace(PLAN, rendezvous=f"http://127.0.0.1:{server.port}"))
        assert not hosting.kept
