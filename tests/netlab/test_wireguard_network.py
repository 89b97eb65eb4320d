"""The network wireguard by itself: two parties of one process, in a network namespace of their own."""

import asyncio
import contextlib
import re
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager

import pytest
import uvloop

from huddle.codec import encode
from huddle.errors import NetworkError
from huddle.identity.native import NativeCrypto
from huddle.links.wire import Wire
from huddle.networks.base import PeerOffer
from huddle.networks.wireguard import tunnel as wireguard_tunnel
from huddle.networks.wireguard.keys import Key, owner_of
from huddle.networks.wireguard.network import Offer, WireGuardNetwork
from huddle.rendezvous.server.server import RendezvousServer, ServerConfig
from tests import wireguard_go
from tests.netlab.net import Net, _ip
from tests.unit.networks.takers import Taker

SECRET = b"s" * 32
Networks = tuple[WireGuardNetwork, WireGuardNetwork]
Accepted = list[tuple[int, int, Wire]]
Run = Callable[[Coroutine[None, None, None]], None]

# Where wireguard-go has to be built first, that takes a minute.
pytestmark = pytest.mark.timeout(600)


@pytest.fixture(params=["asyncio", "uvloop"])
def run(net: Net, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Run:
    """Run a test in the network of a node, on this event loop; nothing of it may be left."""
    wireguard_go.on_path(monkeypatch)
    node = net.node("10.77.0.1/24", "fd77::1/64")
    factory = uvloop.new_event_loop if request.param == "uvloop" else asyncio.new_event_loop

    def here(work: Coroutine[None, None, None]) -> None:
        with node.inside():
            with asyncio.Runner(loop_factory=factory) as runner:
                runner.run(work)
            assert not [name for _, name in socket.if_nameindex() if owner_of(name)]

    return here


@asynccontextmanager
async def parties(offers: tuple[bytes, ...] = ()) -> AsyncIterator[tuple[Networks, list[Accepted]]]:
    """Two who know each other's offers, or have been told these."""
    async with RendezvousServer(ServerConfig()) as server:
        url = f"http://127.0.0.1:{server.port}"
        networks = tuple(WireGuardNetwork(url, NativeCrypto(), loopback=True) for _ in range(2))
        accepted: list[Accepted] = [[], []]
        try:
            for network in networks:
                await network.open()
            told = offers or tuple(network.offer() for network in networks)
            for pid, network in enumerate(networks):
                peer = PeerOffer(1 - pid, f"party {1 - pid}", told[1 - pid], SECRET, pid == 0)
                network.begin((peer,), lambda *wire, mine=accepted[pid]: mine.append(wire))
            yield (networks[0], networks[1]), accepted
        finally:
            await asyncio.gather(*(network.close() for network in networks))


async def control(networks: Networks) -> tuple[Wire, Wire]:
    """The first wire of each, which dials as a link does: until there is one."""

    async def dialled(network: WireGuardNetwork, pid: int) -> Wire:
        while True:
            try:
                return await network.dial(pid, 0)
            except NetworkError:
                await asyncio.sleep(0.2)

    return await asyncio.gather(dialled(networks[0], 1), dialled(networks[1], 0))


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - it is only looked at
            await asyncio.sleep(0.005)


def test_wires_carry_what_is_sent_and_the_keys_of_both(run: Run) -> None:
    async def work() -> None:
        async with parties() as (networks, accepted):
            wire, other = await control(networks)
            keys = tuple(network.offer()[1:] for network in networks)
            assert (wire.info.local_key, wire.info.peer_key) == keys
            assert (other.info.local_key, other.info.peer_key) == keys[::-1]
            assert wire.info.sealed and wire.info.network == "wireguard"
            await until(lambda: accepted[1])
            pid, number, there = accepted[1][0]
            assert (pid, number, there.info.peer_key) == (0, 0, keys[0])
            taker = Taker()
            there.start(taker)
            wire.send(b"x" * 300_000)
            assert await taker.until(300_000) == b"x" * 300_000
            # One more goes through the same tunnel.
            seventh = await networks[0].dial(1, 7)
            await until(lambda: len(accepted[1]) == 2)
            assert accepted[1][1][:2] == (0, 7)
            assert len([name for _, name in socket.if_nameindex() if owner_of(name)]) == 2
            back = Taker()
            seventh.start(back)
            await networks[1].close()
            assert await back.lost()

    run(work())


def test_a_peer_that_has_not_the_key_of_its_offer_gets_no_tunnel(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wireguard_tunnel, "HANDSHAKE", 2.0)

    async def work() -> None:
        stranger = encode(Offer(1, Key.fresh().public))
        mine = Key.fresh()
        monkeypatch.setattr(Key, "fresh", classmethod(lambda _: mine))
        own = encode(Offer(1, mine.public))
        async with RendezvousServer(ServerConfig()) as server:
            url = f"http://127.0.0.1:{server.port}"
            honest = WireGuardNetwork(url, NativeCrypto(), loopback=True)
            monkeypatch.undo()
            wireguard_tunnel.HANDSHAKE = 2.0
            liar = WireGuardNetwork(url, NativeCrypto(), loopback=True)
            try:
                for network in (honest, liar):
                    await network.open()
                honest.begin((PeerOffer(1, "Bob", stranger, SECRET, True),), lambda *_: None)
                liar.begin((PeerOffer(0, "Ada", own, SECRET, False),), lambda *_: None)
                found = await asyncio.gather(honest.dial(1, 0), liar.dial(0, 0), return_exceptions=True)
            finally:
                await asyncio.gather(honest.close(), liar.close())
        assert isinstance(found[0], NetworkError) and "handshake" in found[0].message, found
        assert isinstance(found[1], NetworkError), found

    run(work())


def test_nobody_reaches_a_tunnel_s_port_but_through_the_tunnel(run: Run, net: Net) -> None:
    """A neighbour who knows address and port is refused, another process of the machine is dropped."""
    neighbour = net.node("fd77::2/64")

    async def work() -> None:
        async with parties() as (networks, accepted):
            await control(networks)
            await until(lambda: accepted[0] and accepted[1])
            before = len(accepted[0]), len(accepted[1])
            for host, port in await listening():
                _ip("-n", neighbour.name, "route", "add", f"{host}/128", "via", "fd77::1")
                with neighbour.inside(), pytest.raises(ConnectionRefusedError):
                    socket.create_connection((host, port), 5)
                with contextlib.suppress(ConnectionError):
                    async with asyncio.timeout(5):
                        reader, writer = await asyncio.open_connection(host, port)
                        writer.write(bytes(100))
                        assert await reader.read() == b""
                        writer.close()
            assert (len(accepted[0]), len(accepted[1])) == before

    run(work())


async def listening() -> list[tuple[str, int]]:
    """Where the tunnels' TCP listens, as ss(8) says it."""
    process = await asyncio.create_subprocess_exec("ss", "-Htln6", stdout=asyncio.subprocess.PIPE)
    said, _ = await process.communicate()
    found = re.findall(r"\[(fd[0-9a-f:]+)\]%hw\w+:(\d+)", said.decode())
    assert len(found) == 2, said
    return [(host, int(port)) for host, port in found]
