"""WebRTC between parties of one process: the real library, a real rendezvous, on this machine."""

import asyncio
import hashlib
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
import uvloop

from huddle.codec import decode, encode
from huddle.errors import NetworkError
from huddle.identity.native import NativeCrypto
from huddle.links.wire import Wire
from huddle.networks.base import PeerOffer
from huddle.networks.webrtc import attempt as webrtc_attempt
from huddle.networks.webrtc import network as webrtc
from huddle.networks.webrtc import peer as webrtc_peer
from huddle.networks.webrtc.network import WebRtcNetwork
from huddle.networks.webrtc.signals import RtcSignal, RtcSignals
from huddle.rendezvous.server.server import RendezvousServer, ServerConfig
from tests.unit.networks.takers import Taker

Networks = list[WebRtcNetwork]


class Accepted:
    """The wires that peers dialled."""

    def __init__(self) -> None:
        self.wires: asyncio.Queue[tuple[int, int, Wire]] = asyncio.Queue()

    def __call__(self, pid: int, run: int, wire: Wire) -> None:
        self.wires.put_nowait((pid, run, wire))


@pytest.fixture
async def url() -> AsyncIterator[str]:
    async with RendezvousServer(ServerConfig()) as server:
        yield f"http://127.0.0.1:{server.port}"


def secret(one: int, other: int) -> bytes:
    return bytes([min(one, other), max(one, other)]) * 16


@asynccontextmanager
async def parties(url: str, count: int = 2) -> AsyncIterator[tuple[Networks, list[Accepted]]]:
    """So many parties who know each other's offers."""
    networks = [WebRtcNetwork(url, NativeCrypto()) for _ in range(count)]
    accepted = [Accepted() for _ in networks]
    for network in networks:
        await network.open()
    for pid, network in enumerate(networks):
        offers = tuple(
            PeerOffer(peer, f"party {peer}", networks[peer].offer(), secret(pid, peer), pid < peer)
            for peer in range(count)
            if peer != pid
        )
        network.begin(offers, accepted[pid])
    try:
        yield networks, accepted
    finally:
        await asyncio.gather(*(network.close() for network in networks))


async def control(networks: Networks, one: int = 0, other: int = 1) -> tuple[Wire, Wire]:
    """The wires of a control link, dialled from both ends."""
    low, high = await asyncio.gather(networks[one].dial(other, 0), networks[other].dial(one, 0))
    return low, high


async def until(condition: Callable[[], bool]) -> None:
    """The library's threads have no hook for tests: look often, and not for ever."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


async def test_both_ends_dial_and_have_one_wire(url: str) -> None:
    async with parties(url) as (networks, accepted):
        low, high = await control(networks)
        takers = Taker(), Taker()
        low.start(takers[0])
        high.start(takers[1])
        low.send(b"to the higher")
        high.send(b"to the lower")
        assert await takers[1].until(13) == b"to the higher"
        assert await takers[0].until(12) == b"to the lower"
        assert accepted[0].wires.empty()
        assert accepted[1].wires.empty()


async def test_what_is_known_of_a_wire(url: str) -> None:
    async with parties(url) as (networks, _):
        low, high = await control(networks)
        assert low.info.network == high.info.network == "webrtc"
        assert low.info.sealed
        assert high.info.sealed
        assert len(low.info.local_key) == 32
        assert low.info.local_key != low.info.peer_key
        assert (low.info.local_key, low.info.peer_key) == (high.info.peer_key, high.info.local_key)
        assert low.info.path.startswith("direct, ")
        assert high.info.path.startswith("direct, ")


@pytest.mark.timeout(120)
async def test_64_mib_both_ways_at_once_arrive_whole(url: str) -> None:
    async with parties(url) as (networks, _):
        wires = await control(networks)
        takers = Taker(), Taker()
        # Once in full; the other event loop is not what this is about.
        size = (64 if isinstance(asyncio.get_running_loop(), uvloop.Loop) else 8) << 20
        blobs = [secrets.token_bytes(size) for _ in wires]
        for wire, taker in zip(wires, takers, strict=True):
            wire.start(taker)

        async def send(wire: Wire, blob: bytes) -> None:
            # Pieces as small as a message of MPyC, so that there are many more than any queue holds, and
            # as large as a window.
            at = 0
            for piece in [100] * 20_000 + [1 << 20] * 64:
                if at >= len(blob):
                    break
                wire.send(blob[at : at + piece])
                at += piece
                await until(lambda: wire.channel.unsent < 8 << 20)  # type: ignore[attr-defined]
                if not at % 64_000:
                    await asyncio.sleep(0)

        await asyncio.gather(*map(send, wires, blobs))
        got = await takers[1].until(size), await takers[0].until(size)
        assert [hashlib.sha256(one).digest() for one in got] == [
            hashlib.sha256(one).digest() for one in blobs
        ]


async def test_three_parties_have_a_connection_for_each_pair(url: str) -> None:
    async with parties(url, 3) as (networks, _):
        pairs = [(0, 1), (0, 2), (1, 2)]
        made = await asyncio.gather(*(control(networks, *pair) for pair in pairs))
        keys = set()
        for (low, high), pair in zip(made, pairs, strict=True):
            taker = Taker()
            high.start(taker)
            low.send(bytes(pair))
            assert await taker.until(2) == bytes(pair)
            keys |= {low.info.local_key, high.info.local_key}
        assert len(keys) == 6, "a certificate serves one connection only"


async def test_a_run_has_a_channel_of_its_own_that_the_peer_is_told_of(url: str) -> None:
    async with parties(url) as (networks, accepted):
        low, _ = await control(networks)
        for dialler, other, run in ((0, 1, 1), (1, 0, 2), (0, 1, 4_294_967_295)):
            wire = await networks[dialler].dial(other, run)
            wire.send(b"sent at once")
            pid, told, answered = await accepted[other].wires.get()
            assert (pid, told) == (dialler, run)
            taker, back = Taker(), Taker()
            answered.start(taker)
            wire.start(back)
            assert await taker.until(12) == b"sent at once"
            answered.send(b"answer")
            assert await back.until(6) == b"answer"
            assert {wire.info.local_key, wire.info.peer_key} == {low.info.local_key, low.info.peer_key}


async def test_what_came_early_waits_and_a_wire_can_be_handed_on(url: str) -> None:
    async with parties(url) as (networks, _):
        low, high = await control(networks)
        back = Taker()
        low.start(back)
        low.send(b"early")
        high.send(b"x")
        await back.until(1)
        link = Taker()

        class Proof(Taker):
            def wire_data(self, data: bytes) -> None:
                super().wire_data(data)
                high.start(link)

        proof = Proof()
        high.start(proof)
        assert await proof.until(5) == b"early"
        low.send(b"late")
        assert await link.until(4) == b"late"


async def test_a_closed_wire_hands_over_all_and_the_other_end_is_told(url: str) -> None:
    async with parties(url) as (networks, _):
        low, high = await control(networks)
        taker, other = Taker(), Taker()
        low.start(other)
        low.send(bytes(3_000_000))
        low.close()
        low.send(b"too late")
        high.start(taker)
        assert await taker.lost()
        assert bytes(taker.data) == bytes(3_000_000)
        high.send(b"into nothing")
        assert not other.reasons
        assert not other.data


async def test_an_aborted_wire_leaves_the_connection_and_another_is_made(url: str) -> None:
    async with parties(url) as (networks, accepted):
        low, high = await control(networks)
        taker = Taker()
        high.start(taker)
        low.abort()
        await taker.lost()
        again = await networks[0].dial(1, 0)
        again.send(b"again")
        _, run, wire = await accepted[1].wires.get()
        assert run == 0
        taker = Taker()
        wire.start(taker)
        assert await taker.until(5) == b"again"
        assert again.info.local_key == low.info.local_key


async def test_after_a_lost_connection_both_dial_a_new_one(url: str) -> None:
    async with parties(url) as (networks, _):
        low, high = await control(networks)
        takers = Taker(), Taker()
        low.start(takers[0])
        high.start(takers[1])
        peer = networks[0]._peers[1]
        peer._drop("cut")
        assert await takers[0].lost() == "cut"
        await takers[1].lost()
        await until(lambda: networks[1]._peers[0]._connection is None)
        low2, high2 = await control(networks)
        assert low2.info.local_key != low.info.local_key
        taker = Taker()
        high2.start(taker)
        low2.send(b"back")
        assert await taker.until(4) == b"back"


async def test_a_connection_on_which_nothing_is_heard_is_replaced(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with parties(url) as (networks, _):
        low, high = await control(networks)
        taker = Taker()
        high.start(taker)
        monkeypatch.setattr(webrtc_peer, "SILENT", -1.0)
        again, _ = await control(networks)
        assert again.info.local_key != low.info.local_key


async def test_a_connection_that_carries_nothing_is_closed(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webrtc_peer, "IDLE", 0.05)
    async with parties(url) as (networks, _):
        low, high = await control(networks)
        taker = Taker()
        high.start(taker)
        low.abort()
        await taker.lost()
        peer = networks[0]._peers[1]
        await until(lambda: peer._connection is None)


async def test_a_dial_that_is_cancelled_leaves_nothing(url: str) -> None:
    async with parties(url) as (networks, _):
        peer = networks[0]._peers[1]
        dials = [asyncio.create_task(networks[0].dial(1, run)) for run in (0, 1)]
        await asyncio.sleep(0.05)
        dials[0].cancel()
        await asyncio.gather(dials[0], return_exceptions=True)
        assert peer._attempt.running, "another one still waits for it"
        dials[1].cancel()
        await asyncio.gather(dials[1], return_exceptions=True)
        await until(lambda: not peer._attempt.running)
        assert peer._connection is None
        low, high = await control(networks)
        taker = Taker()
        high.start(taker)
        low.send(b"as ever")
        assert await taker.until(7) == b"as ever"


async def test_a_peer_that_does_not_come(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webrtc_attempt, "MEET", 0.2)
    async with parties(url) as (networks, _):
        with pytest.raises(NetworkError, match="party 1 did not come to the rendezvous 127"):
            await networks[0].dial(1, 0)


async def test_a_rendezvous_that_is_gone() -> None:
    async with RendezvousServer(ServerConfig()) as server:
        gone = f"http://127.0.0.1:{server.port}"
    async with parties(gone) as (networks, _):
        with pytest.raises(NetworkError, match=r"where .* is met, can't be reached"):
            await networks[0].dial(1, 0)


@pytest.mark.parametrize("offer", [b"", b"\x02", b"\x01\x01"])
async def test_a_peer_without_webrtc_or_with_another_one(url: str, offer: bytes) -> None:
    network = WebRtcNetwork(url, NativeCrypto())
    network.begin((PeerOffer(1, "Bob", offer, secret(0, 1), True),), Accepted())
    for pid in (1, 2):
        with pytest.raises(NetworkError, match="has no WebRTC"):
            await network.dial(pid, 0)
    await network.close()


async def test_nothing_is_dialled_once_closed(url: str) -> None:
    async with parties(url) as (networks, _):
        low, high = await control(networks)
        taker = Taker()
        high.start(taker)
        low.send(b"farewell")
        low.close()
        await networks[0].close()
        assert await taker.until(8) == b"farewell"
        with pytest.raises(NetworkError):
            await networks[0].dial(1, 0)


Change = Callable[[RtcSignal], RtcSignal]


def meddle(monkeypatch: pytest.MonkeyPatch, change: Change) -> None:
    """The lower pid's signals are other ones, as if its own device lied."""
    seal = RtcSignals.seal

    def sealed(self: Any, signal: RtcSignal) -> bytes:
        return seal(self, change(signal) if self.lower else signal)

    monkeypatch.setattr(RtcSignals, "seal", sealed)


async def fails(networks: Networks) -> list[str]:
    """How both ends' dials fail."""
    dials: list[Awaitable[Wire]] = [networks[0].dial(1, 0), networks[1].dial(0, 0)]
    results = await asyncio.gather(*dials, return_exceptions=True)
    assert all(isinstance(result, NetworkError) for result in results), results
    return [str(result) for result in results]


async def test_a_certificate_that_was_not_announced_is_refused(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webrtc_attempt, "CHECKS", 3.0)

    def wrong(signal: RtcSignal) -> RtcSignal:
        told = signal.description
        return replace(signal, description=told and replace(told, fingerprint=bytes(32)))

    meddle(monkeypatch, wrong)
    async with parties(url) as (networks, accepted):
        reasons = await fails(networks)
        assert "party 0 can't be reached by WebRTC: the connection failed" in reasons[1]
        assert accepted[0].wires.empty()
        assert accepted[1].wires.empty()


async def test_where_no_packet_gets_through_it_says_what_was_tried(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webrtc_attempt, "CHECKS", 0.5)
    monkeypatch.setattr(webrtc_attempt, "PARTED", 0.1)

    def elsewhere(self: Any, message: bytes) -> RtcSignal:
        signal = opened(self, message)
        return replace(
            signal, candidates=tuple(replace(one, host="192.0.2.77", port=9) for one in signal.candidates[:1])
        )

    opened = RtcSignals.open
    monkeypatch.setattr(RtcSignals, "open", elsewhere)
    # Neither hears of an address at which the other one is.
    async with parties(url) as (networks, _):
        reasons = await fails(networks)
        assert any("nothing came through" in reason and "192.0.2.77 (own)" in reason for reason in reasons)


async def test_what_is_not_sealed_by_the_peer_ends_the_attempt(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with parties(url) as (networks, _):
        peer = networks[1]._peers[0]
        peer._peer = replace(peer._peer, secret=secret(0, 1))
        monkeypatch.setattr(RtcSignals, "seal", lambda self, signal: bytes(100))
        reasons = await fails(networks)
        assert any("it was not sealed by the peer" in reason for reason in reasons)


async def test_strange_channels_are_closed_and_too_many_too(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huddle.networks.webrtc.base.MAX_CHANNELS", 8)
    async with parties(url) as (networks, accepted):
        await control(networks)
        connection = networks[0]._peers[1]._connection
        assert connection is not None
        for label in ("", "huddle", "huddle -1", "huddle 12345678901", "7", "huddle ٣"):
            connection.channel(label)
        for run in range(1, 12):
            connection.channel(f"huddle {run}").send(b"x")
        told = [(await accepted[1].wires.get())[1] for _ in range(1)]
        assert told == [1]
        await until(lambda: len(networks[1]._peers[0]._wires) <= 8)


async def test_without_the_library_it_says_how_to_get_it(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "aiolibdatachannel._core", None)
    with pytest.raises(NetworkError) as caught:
        await WebRtcNetwork(url, NativeCrypto()).open()
    assert "mpyc-huddle[webrtc]" in caught.value.hint


def test_the_offer_is_small_and_says_the_version() -> None:
    offer = WebRtcNetwork("http://127.0.0.1:1", NativeCrypto()).offer()
    assert decode(webrtc.Offer, offer) == webrtc.Offer(1)
    assert encode(webrtc.Offer(1)) == offer
