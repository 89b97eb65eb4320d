"""The short code at a real rendezvous: guests get the invitation for it, and it ends with the session."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from huddle.ceremony.invitation import Invitation
from huddle.errors import HuddleError, LocalError
from huddle.identity.keys import Identity
from huddle.identity.native import NativeCrypto
from huddle.rendezvous.server.server import RendezvousServer, ServerConfig
from huddle.shortcode.driver import SpokenCode, redeem
from huddle.shortcode.machine import CodeHost

CRYPTO = NativeCrypto()


@pytest.fixture
async def invitation() -> AsyncIterator[Invitation]:
    async with asyncio.timeout(40), RendezvousServer(ServerConfig()) as server:
        url = f"http://127.0.0.1:{server.port}"
        yield Invitation.fresh(CRYPTO, url, Identity.fresh(CRYPTO).did)


async def test_guests_get_the_invitation_for_the_code(invitation: Invitation) -> None:
    notices: list[str] = []
    async with AsyncExitStack() as stack:
        spoken = await SpokenCode.open(CRYPTO, invitation, 2, stack, notices.append)
        got = await asyncio.gather(*(redeem(CRYPTO, spoken.text, invitation.rendezvous) for _ in range(2)))
        assert [one.url for one in got] == [invitation.url] * 2
    assert any("came in by the short code" in notice for notice in notices)
    with pytest.raises(HuddleError):
        await redeem(CRYPTO, spoken.text, invitation.rendezvous)
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "short code"]


async def test_a_wrong_code_is_told_to_both(invitation: Invitation) -> None:
    notices: list[str] = []
    async with AsyncExitStack() as stack:
        spoken = await SpokenCode.open(CRYPTO, invitation, 1, stack, notices.append)
        number, *words = spoken.text.split("-")
        wrong = "-".join((number, *reversed(words))) if words[0] != words[-1] else f"{number}-apple-river"
        with pytest.raises(LocalError, match="code is wrong"):
            await redeem(CRYPTO, wrong, invitation.rendezvous)
    assert any("2 of 3 tries left" in notice for notice in notices)


async def test_a_bug_in_the_code_is_told_and_the_link_still_works(
    invitation: Invitation, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = asyncio.Event()
    notices: list[str] = []

    def notice(text: str) -> None:
        notices.append(text)
        told.set()

    def bug(*_: object) -> list[bytes]:
        raise KeyError("hunter2")

    monkeypatch.setattr(CodeHost, "receive", bug)
    async with AsyncExitStack() as stack:
        spoken = await SpokenCode.open(CRYPTO, invitation, 1, stack, notice)
        trying = asyncio.create_task(redeem(CRYPTO, spoken.text, invitation.rendezvous))
        await told.wait()
        trying.cancel()
        await asyncio.gather(trying, return_exceptions=True)
    assert "no longer works" in notices[0] and "hunter2" not in notices[0]


async def test_a_code_without_its_rendezvous_is_this_partys_error() -> None:
    with pytest.raises(LocalError, match="rendezvous"):
        await redeem(CRYPTO, "1234-apple-river", None)
