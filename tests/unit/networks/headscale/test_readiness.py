"""Nobody speaks in the tailnet before both have a way: who is ready first waits, at a real rendezvous."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

import pytest

from huddle.errors import NetworkError
from huddle.networks.base import PeerOffer
from huddle.networks.headscale.readiness import both_ready, has_way
from huddle.networks.tailscale.api import Node
from huddle.rendezvous.server.server import RendezvousServer, ServerConfig

NOWHERE = Node("nodekey:1", "bob", ("100.64.0.1",))
HOME = replace(NOWHERE, relay="huddle")
BOB = PeerOffer(1, "Bob", b"", bytes(32), lower=True)  # as Ada sees him
ADA = PeerOffer(0, "Ada", b"", bytes(32), lower=False)


@pytest.fixture
async def url() -> AsyncIterator[str]:
    async with RendezvousServer(ServerConfig()) as server:
        yield f"http://127.0.0.1:{server.port}"


class Map:
    """What one tailscaled knows of the other's machine."""

    def __init__(self, *known: Node) -> None:
        self.known = list(known)
        self._looks: asyncio.Queue[None] = asyncio.Queue()

    async def looked(self, times: int) -> None:
        """Wait until so many looks were had, from the last wait on."""
        for _ in range(times):
            await self._looks.get()

    async def find(self) -> Node:
        self._looks.put_nowait(None)
        if not self.known:
            raise NetworkError("Bob's machine is not in the session's tailnet yet.")
        return self.known[-1]


def ready(url: str, peer: PeerOffer, find: Callable[[], Awaitable[Node]]) -> "asyncio.Task[None]":
    return asyncio.create_task(both_ready(url, peer, find))


async def test_who_has_a_way_waits_for_the_other_to_have_one(url: str) -> None:
    hers, his = Map(HOME), Map()
    tasks = [ready(url, BOB, hers.find), ready(url, ADA, his.find)]
    async with asyncio.timeout(20):
        await his.looked(3)
        his.known.append(NOWHERE)  # in the network map, and not known where
        await his.looked(3)
        assert not any(task.done() for task in tasks)
        his.known.append(replace(NOWHERE, direct="10.77.0.1:41641"))
        await asyncio.gather(*tasks)


async def test_who_comes_to_nobody_comes_again(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huddle.networks.headscale.readiness._MEET", 0.1)
    hers = Map(HOME)
    waiting = ready(url, BOB, hers.find)
    async with asyncio.timeout(20):
        await hers.looked(3)
        monkeypatch.setattr("huddle.networks.headscale.readiness._MEET", 5.0)
        await asyncio.gather(waiting, ready(url, ADA, Map(HOME).find))


def test_a_way_is_an_address_a_peer_relay_or_a_home_derp() -> None:
    assert not has_way(NOWHERE) and has_way(HOME)
    assert has_way(replace(NOWHERE, direct="10.77.0.1:41641")) and has_way(replace(NOWHERE, peer_relay="a"))
