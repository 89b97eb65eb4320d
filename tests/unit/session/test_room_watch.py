"""A guest does not wait for ever where the host has gone, nor the first of a group for a member."""

import asyncio
from collections.abc import Callable

import pytest

from huddle import events
from huddle.ceremony import manifest as manifests
from huddle.ceremony.events import HostCame
from huddle.ceremony.guest import GuestCeremony
from huddle.ceremony.host import HostCeremony
from huddle.ceremony.invitation import Invitation
from huddle.ceremony.messages import Software
from huddle.errors import PeerError
from huddle.identity.keys import Identity
from huddle.identity.native import NativeCrypto
from huddle.rendezvous.client.room import RoomClient
from huddle.rendezvous.server.server import RendezvousServer, ServerConfig
from huddle.session import ceremony_driver, room_watch
from huddle.session.ceremony_driver import CeremonyDriver

CRYPTO = NativeCrypto()


async def waiting_guest(
    room: RoomClient, invitation: Invitation, told: Callable[[events.Event], None] | None = None
) -> None:
    """A guest in the room, whose host was seen there, until its meeting ends with an error."""
    core = GuestCeremony(
        CRYPTO,
        Identity.fresh(CRYPTO),
        invitation,
        name="Bob",
        software=(Software("mpyc", "0.11"),),
        now=asyncio.get_running_loop().time(),
    )
    meeting = CeremonyDriver(core, room, told or (lambda _: None), lambda *_: "new", lambda: (), locked=None)
    meeting._tell(HostCame("did:key:ann", "Ann"))
    await meeting.sealed()


async def test_a_guest_whose_host_has_gone_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ceremony_driver, "HOST_MISSED", 1.0)
    async with RendezvousServer(ServerConfig()) as server:
        url = f"http://127.0.0.1:{server.port}"
        invitation = Invitation.fresh(CRYPTO, url, Identity.fresh(CRYPTO).did)
        room = bytes.fromhex(invitation.room_id)
        async with RoomClient(url, room, create=True, owner_key=bytes(32)):
            pass  # the host makes the room, and goes
        async with RoomClient(url, room) as mine:
            with pytest.raises(PeerError, match="has gone"):
                await asyncio.wait_for(waiting_guest(mine, invitation), 20)


async def test_a_host_that_is_there_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ceremony_driver, "HOST_MISSED", 1.0)
    async with RendezvousServer(ServerConfig()) as server:
        url = f"http://127.0.0.1:{server.port}"
        invitation = Invitation.fresh(CRYPTO, url, Identity.fresh(CRYPTO).did)
        room = bytes.fromhex(invitation.room_id)
        async with RoomClient(url, room, create=True, owner_key=bytes(32)), RoomClient(url, room) as mine:
            waiting = asyncio.create_task(waiting_guest(mine, invitation))
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(waiting, 3)


async def test_a_guest_hears_within_five_seconds_that_the_host_is_away_and_that_it_is_back() -> None:
    async with RendezvousServer(ServerConfig()) as server:
        url = f"http://127.0.0.1:{server.port}"
        invitation = Invitation.fresh(CRYPTO, url, Identity.fresh(CRYPTO).did)
        room = bytes.fromhex(invitation.room_id)
        states: asyncio.Queue[str] = asyncio.Queue()

        def told(event: events.Event) -> None:
            if isinstance(event, events.Party) and event.name == "Ann":
                states.put_nowait(event.state)

        async with RoomClient(url, room, create=True, owner_key=bytes(32)):
            pass
        async with RoomClient(url, room) as mine:
            waiting = asyncio.create_task(waiting_guest(mine, invitation, told))
            assert await states.get() == "admitted"
            assert room_watch.HOST_SILENT < 5
            assert await asyncio.wait_for(states.get(), 20) == "silent"
            async with RoomClient(url, room, owner_key=bytes(32)):
                assert await asyncio.wait_for(states.get(), 20) == "admitted"
            waiting.cancel()


async def test_the_first_of_a_group_waits_for_no_member_that_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room_watch, "MEMBER_MISSED", 1.0)
    async with RendezvousServer(ServerConfig()) as server:
        ada = Identity.fresh(CRYPTO)
        url = f"http://127.0.0.1:{server.port}"
        invitation = Invitation.fresh(CRYPTO, url, ada.did)
        room = bytes.fromhex(invitation.room_id)
        files = {"prog.py": b"pass\n"}
        core = HostCeremony(
            CRYPTO,
            ada,
            invitation,
            name="Ada",
            software=(Software("mpyc", "0.11"),),
            manifest=manifests.build("prog.py", files, versions=(Software("mpyc", "0.11"),)),
            files=files,
            parties=3,
            now=asyncio.get_running_loop().time(),
        )
        async with RoomClient(url, room, create=True, owner_key=bytes(32)) as own, RoomClient(url, room):
            meeting = CeremonyDriver(
                core, own, lambda _: None, lambda *_: "new", lambda: (), locked=None, whole=3
            )
            waiting = asyncio.create_task(meeting.sealed())
            async with RoomClient(url, room):
                done, _ = await asyncio.wait({waiting}, timeout=3)
                assert not done  # all three are there
            with pytest.raises(PeerError, match="Somebody of the group"):
                await asyncio.wait_for(waiting, 20)
