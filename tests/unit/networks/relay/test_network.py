"""Wires through a real rendezvous, between two parties' relay networks."""

import asyncio
import hashlib
import secrets
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection
from websockets.asyncio.server import serve as websocket_server

from huddle.errors import NetworkError
from huddle.links.wire import Wire, WireInfo
from huddle.networks.base import PeerOffer
from huddle.networks.relay import network as relay
from huddle.networks.relay.network import RelayNetwork
from huddle.rendezvous.messages import Gone, Message, Paired, Refused, pack
from huddle.rendezvous.server.server import RendezvousServer, ServerConfig

SECRET = b"s" * 32


class Taker:
    """A receiver that keeps what it gets."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.reasons: list[str] = []
        self._changed = asyncio.Event()

    def wire_data(self, data: bytes) -> None:
        self.data += data
        self._changed.set()

    def wire_lost(self, reason: str) -> None:
        self.reasons.append(reason)
        self._changed.set()

    async def until(self, size: int) -> bytes:
        while len(self.data) < size:
            assert not self.reasons, self.reasons
            self._changed.clear()
            await self._changed.wait()
        return bytes(self.data)

    async def lost(self) -> str:
        while not self.reasons:
            self._changed.clear()
            await self._changed.wait()
        return self.reasons[0]


@pytest.fixture
async def server() -> AsyncIterator[RendezvousServer]:
    async with RendezvousServer(ServerConfig()) as server:
        yield server


def network(url: str, pid: int, *, lower: bool, offer: bytes | None = None) -> RelayNetwork:
    """A network that knows one peer, `pid`."""
    made = RelayNetwork(url)
    offered = made.offer() if offer is None else offer
    made.begin((PeerOffer(pid, f"party {pid}", offered, SECRET, lower),), lambda *_: None)
    return made


@pytest.fixture
async def networks(server: RendezvousServer) -> AsyncIterator[tuple[RelayNetwork, RelayNetwork]]:
    url = f"http://127.0.0.1:{server.port}"
    low, high = network(url, 1, lower=True), network(url, 0, lower=False)
    yield low, high
    await low.close()
    await high.close()


async def until(condition: Callable[[], object]) -> None:
    for _ in range(100_000):
        if condition():
            return
        await asyncio.sleep(0)
    raise AssertionError("it did not come to pass")


async def wires(networks: tuple[RelayNetwork, RelayNetwork], run: int = 0) -> tuple[Wire, Wire]:
    low, high = await asyncio.gather(networks[0].dial(1, run), networks[1].dial(0, run))
    return low, high


async def test_two_parties_exchange_megabytes_both_ways_at_once(networks: Any) -> None:
    low, high = await wires(networks)
    blobs = secrets.token_bytes(6_000_000), secrets.token_bytes(5_000_001)
    takers = Taker(), Taker()
    low.start(takers[0])
    high.start(takers[1])
    low.send(blobs[0])  # far over what one message may hold
    for at in range(0, len(blobs[1]), 70_001):
        high.send(blobs[1][at : at + 70_001])
    got = await takers[1].until(len(blobs[0])), await takers[0].until(len(blobs[1]))
    assert [hashlib.sha256(data).digest() for data in got] == [
        hashlib.sha256(data).digest() for data in blobs
    ]


async def test_what_is_known_of_a_wire(networks: Any, server: RendezvousServer) -> None:
    low, high = await wires(networks)
    expected = WireInfo("relay", f"relayed by 127.0.0.1:{server.port}", b"", b"", sealed=False)
    assert low.info == high.info == expected


async def test_small_messages_are_not_held_back_by_the_kernel(networks: Any) -> None:
    low, _ = await wires(networks)
    sock = low._pipe.transport.get_extra_info("socket")  # type: ignore[attr-defined]
    assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


async def test_runs_and_peers_have_channels_of_their_own(networks: Any) -> None:
    control, data = await wires(networks, 0), await wires(networks, 1)
    takers = Taker(), Taker()
    control[1].start(takers[0])
    data[1].start(takers[1])
    control[0].send(b"control")
    data[0].send(b"data")
    assert (await takers[0].until(7), await takers[1].until(4)) == (b"control", b"data")


async def test_what_came_early_is_delivered_first_and_a_wire_can_be_handed_on(networks: Any) -> None:
    low, high = await wires(networks)
    ready = Taker()
    high.start(ready)
    low.send(b"early")
    high.send(b"x")

    link = Taker()

    class Proof(Taker):
        def wire_data(self, data: bytes) -> None:
            super().wire_data(data)
            low.start(link)

    proof = Proof()
    low.start(proof)
    assert await proof.until(1) == b"x"
    high.send(b"for the link")
    assert await link.until(12) == b"for the link"
    assert await ready.until(5) == b"early"


async def test_more_than_a_megabyte_that_comes_early_waits_in_the_network(networks: Any) -> None:
    low, high = await wires(networks)
    blob = secrets.token_bytes(3_000_000)
    low.send(blob)
    back = Taker()
    low.start(back)
    high.send(b"so far")
    await back.until(6)
    taker = Taker()
    high.start(taker)
    assert await taker.until(len(blob)) == blob


async def test_closing_sends_what_is_left_and_only_the_peer_is_told(networks: Any) -> None:
    low, high = await wires(networks)
    takers = Taker(), Taker()
    low.start(takers[0])
    high.start(takers[1])
    blob = secrets.token_bytes(2_000_000)
    low.send(blob)
    low.close()
    low.send(b"after the end")
    assert await takers[1].until(len(blob)) == blob
    assert await takers[1].lost() == "the other side left"
    high.send(b"into the void")
    assert takers[1].reasons == ["the other side left"]
    assert takers[0].reasons == []


async def test_a_loss_before_anybody_listens_is_told_once(networks: Any) -> None:
    low, high = await wires(networks)
    low.abort()
    early = Taker()
    await until(lambda: not networks[1]._wires)
    high.start(early)
    assert await early.lost()
    later = Taker()
    high.start(later)
    assert len(early.reasons + later.reasons) == 1


async def test_dialling_again_replaces_a_wire_at_both_ends(networks: Any) -> None:
    low, high = await wires(networks)
    takers = Taker(), Taker()
    low.start(takers[0])
    high.start(takers[1])
    dialling = asyncio.create_task(networks[0].dial(1, 0))
    assert await takers[0].lost() == "the same party connected again"
    assert await takers[1].lost() == "the other side connected again"
    again, other = await asyncio.gather(dialling, networks[1].dial(0, 0))
    taker = Taker()
    other.start(taker)
    again.send(b"anew")
    assert await taker.until(4) == b"anew"


async def test_a_dial_that_is_cancelled_leaves_nothing(networks: Any, server: RendezvousServer) -> None:
    dialling = asyncio.create_task(networks[0].dial(1, 0))
    await until(lambda: networks[0]._wires)
    dialling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await dialling
    await until(lambda: not networks[0]._wires)
    low, high = await wires(networks)
    assert low.info == high.info


async def test_a_peer_that_does_not_come_is_named(networks: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay, "_MEET", 0.1)
    with pytest.raises(NetworkError, match="party 1 did not come to the relay") as caught:
        await networks[0].dial(1, 0)
    assert caught.value.hint


async def test_the_end_of_the_rendezvous_ends_wires_and_dials(
    networks: Any, server: RendezvousServer
) -> None:
    low, _ = await wires(networks)
    waiting = asyncio.create_task(networks[0].dial(1, 7))
    await until(lambda: len(networks[0]._wires) == 2)
    taker = Taker()
    low.start(taker)
    await server.stop()
    assert await taker.lost()
    with pytest.raises(NetworkError):
        await waiting
    with pytest.raises(NetworkError, match="can't be reached: nothing listens there"):
        await networks[0].dial(1, 0)


async def test_who_offers_no_relay_is_not_dialled(server: RendezvousServer) -> None:
    url = f"http://127.0.0.1:{server.port}"
    with pytest.raises(NetworkError, match="Party 5 offers no relay"):
        await network(url, 1, lower=True).dial(5, 0)
    with pytest.raises(NetworkError, match="can't be read"):
        await network(url, 1, lower=True, offer=b"\0\0").dial(1, 0)


@asynccontextmanager
async def liar(*messages: Message | bytes | str) -> AsyncIterator[str]:
    """A relay that says this to whoever connects."""

    async def talk(connection: ServerConnection) -> None:
        for message in messages:
            await connection.send(message if isinstance(message, bytes | str) else pack(message))
        await connection.wait_closed()

    async with websocket_server(talk, "127.0.0.1", 0) as lying:
        yield f"http://127.0.0.1:{next(iter(lying.sockets)).getsockname()[1]}"


@pytest.mark.parametrize(
    ("said", "error"),
    [
        (Refused("channels-per-address", "Too many channels.", "Wait.", 5), "Too many channels"),
        (Gone("expired"), "does not keep to the protocol"),
        (b"nonsense", "does not keep to the protocol"),
        ("text", "ended the connection"),
    ],
)
async def test_a_relay_that_refuses_or_lies_is_an_error(said: Any, error: str) -> None:
    async with liar(said) as url:
        with pytest.raises(NetworkError, match=error):
            await network(url, 1, lower=True).dial(1, 0)


async def test_a_text_message_loses_the_wire() -> None:
    async with liar(Paired(), b"bytes", "text") as url:
        wire = await network(url, 1, lower=True).dial(1, 0)
        taker = Taker()
        wire.start(taker)
        assert await taker.until(5) == b"bytes"
        assert await taker.lost()
