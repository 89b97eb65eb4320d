"""A guest's way in: by which invitation, how long it waits for a host, and what counts as a loss."""

import asyncio
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
from huddle.session import joining
from huddle.session.joining import HostIsAway, _host_is_back, join
from huddle.session.plans import GuestPlan
from huddle.session.room_keeping import MAX_RETURNS

CRYPTO = NativeCrypto()
ADA = Identity.fresh(CRYPTO)
URL = "https://huddle.example.org"
LINK = Invitation.fresh(CRYPTO, URL, ADA.did)
CODE = "4821-apple-river"
KNOWN = Contacts().met("Ada", ADA.did, 1).verified([ADA.did]).agreed(ADA.did, MeetingPlace(bytes(32), URL))


class Stages:
    """As much of a party's stages as a way in needs."""

    def __init__(self) -> None:
        self.crypto = CRYPTO
        self.contacts = KNOWN
        self.settings = SimpleNamespace(private_args=())
        self.told: list[str] = []
        self.group = self.together = None

    async def prepare(self) -> None:
        pass

    def notice(self, text: str) -> None:
        self.told.append(text)

    def begin_anew(self, reason: str, what: str) -> None:
        self.told.append(f"{reason}: {what}")

    def result(self, well: bool) -> bool:
        return well


@pytest.fixture
def stages() -> Any:
    return Stages()


@pytest.mark.parametrize("text", [LINK.url, "ada", ADA.did, CODE], ids=["link", "name", "did", "code"])
async def test_a_link_a_name_and_a_code_each_lead_to_the_invitation(
    stages: Any, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ways: list[str] = []

    async def redeem(crypto: Any, code: str, rendezvous: str | None) -> Invitation:
        ways.append("code")
        return LINK

    async def answered(stages: Any, contact: Any, rendezvous: str | None) -> Invitation:
        ways.append(f"call of {contact.name}")
        return LINK

    async def session(stages: Any, plan: Any, invitation: Invitation, runtime: Any, *, back: bool) -> Any:
        assert invitation == LINK and not back
        return True, None

    monkeypatch.setattr("huddle.shortcode.driver.redeem", redeem)
    monkeypatch.setattr(joining, "answered", answered)
    monkeypatch.setattr(joining, "_session", session)
    assert await join(stages, GuestPlan(text, URL), None, None)  # type: ignore[arg-type]
    assert ways == ([] if text == LINK.url else ["code"] if text == CODE else ["call of Ada"])


async def test_a_host_goes_on_where_it_says_and_a_return_is_bounded(
    stages: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    following = Invitation.fresh(CRYPTO, URL, ADA.did)
    here: list[tuple[Invitation, bool]] = []
    away = 2

    async def session(stages: Any, plan: Any, invitation: Invitation, runtime: Any, *, back: bool) -> Any:
        here.append((invitation, back))
        if len(here) <= away:
            raise HostIsAway("Ada", RoomGone("restarted"))
        return True, following if invitation == LINK else None

    async def is_back(invitation: Invitation, gone: RoomGone) -> None:
        pass

    monkeypatch.setattr(joining, "_session", session)
    monkeypatch.setattr(joining, "_host_is_back", is_back)
    assert await join(stages, GuestPlan(LINK.url), None, None)  # type: ignore[arg-type]
    assert here == [(LINK, False), (LINK, True), (LINK, True), (following, True)]
    assert sum("Waiting for Ada to come back" in text for text in stages.told) == 2
    del here[:]
    away = 100
    with pytest.raises(RoomGone):
        await join(stages, GuestPlan(LINK.url), None, None)  # type: ignore[arg-type]
    assert len(here) == MAX_RETURNS + 1


async def test_what_can_be_no_invitation_is_said_before_anything_is_entered(stages: Any) -> None:
    for plan in (GuestPlan("Zoe"), GuestPlan("nonsense/x"), GuestPlan(LINK.url, digest="12")):
        with pytest.raises(LocalError):
            await join(stages, plan, None, None)  # type: ignore[arg-type]


async def test_a_room_that_comes_back_is_found_and_one_that_does_not_is_told_as_it_went(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(joining, "_LOOK_AGAIN", 0.05)
    async with asyncio.timeout(40), RendezvousServer(ServerConfig()) as server:
        invitation = Invitation.fresh(CRYPTO, f"http://127.0.0.1:{server.port}", ADA.did)
        gone = RoomGone("restarted")
        waiting = asyncio.create_task(_host_is_back(invitation, gone))
        async with RoomClient(
            invitation.rendezvous, bytes.fromhex(invitation.room_id), create=True, owner_key=bytes(32)
        ) as room:
            await waiting
            await room.delete()
        monkeypatch.setattr(joining, "MADE_ANEW", 0.2)
        deleted = RoomGone("deleted")  # by its host, who makes it anew at once or never
        with pytest.raises(RoomGone) as caught:
            await _host_is_back(invitation, deleted)
        assert caught.value is deleted
