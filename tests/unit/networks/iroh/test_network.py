"""iroh between parties of one process: the real library, on this machine's loopback."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from unittest.mock import Mock

import pytest

from huddle.codec import decode, encode
from huddle.errors import NetworkError, PeerError
from huddle.links.wire import Wire
from huddle.networks.base import PeerOffer
from huddle.networks.iroh import library as iroh_library
from huddle.networks.iroh.library import IrohEndpoint, Reach
from huddle.networks.iroh.network import IrohNetwork, Offer
from huddle.networks.reach.addresses import Endpoint
from tests.unit.networks.takers import Taker

pytestmark = pytest.mark.timeout(120)  # a busy machine carries many megabytes slowly

SOME = bytes(range(256)) * 4096  # 1 MiB


class Accepted:
    """The wires that peers dialled."""

    def __init__(self) -> None:
        self.wires: asyncio.Queue[tuple[int, int, Wire]] = asyncio.Queue()

    def __call__(self, pid: int, run: int, wire: Wire) -> None:
        self.wires.put_nowait((pid, run, wire))


def offers_for(pid: int, offers: Sequence[bytes]) -> tuple[PeerOffer, ...]:
    return tuple(
        PeerOffer(peer, f"party {peer}", offer, bytes(32), pid < peer)
        for peer, offer in enumerate(offers)
        if peer != pid
    )


@asynccontextmanager
async def parties(count: int = 2) -> AsyncIterator[tuple[list[IrohNetwork], list[Accepted]]]:
    """So many parties who know each other's offers."""
    networks = [IrohNetwork(via="127.0.0.1") for _ in range(count)]
    accepted = [Accepted() for _ in networks]
    for network in networks:
        await network.open()
    offers = [network.offer() for network in networks]
    for pid, network in enumerate(networks):
        network.begin(offers_for(pid, offers), accepted[pid])
    try:
        yield networks, accepted
    finally:
        await asyncio.gather(*(network.close() for network in networks))


async def pair(networks: list[IrohNetwork], accepted: list[Accepted], run: int = 7) -> tuple[Wire, Wire]:
    """A wire of that run that party 0 dialled, at both ends."""
    mine = await networks[0].dial(1, run)
    pid, told, theirs = await accepted[1].wires.get()
    assert (pid, told) == (0, run)
    return mine, theirs


def keys(wire: Wire) -> tuple[bytes, bytes]:
    return wire.info.local_key, wire.info.peer_key


async def test_the_library_still_copies_byte_by_byte_and_here_no_more() -> None:
    """If the first line fails, the library has been mended upstream: `mend` can go."""
    assert iroh_library.mend()
    import iroh.iroh_ffi as ffi

    assert not iroh_library.copies_bytewise(ffi._UniffiRustBufferBuilder.write)


async def test_bytes_go_both_ways_and_the_keys_are_those_of_the_offers() -> None:
    async with parties() as (networks, accepted):
        mine, theirs = await pair(networks, accepted)
        one, other = Taker(), Taker()
        mine.start(one)
        mine.send(SOME)
        theirs.send(SOME[::-1])
        await asyncio.sleep(0)
        theirs.start(other)
        assert await one.until(len(SOME)) == SOME[::-1]
        assert await other.until(len(SOME)) == SOME
        told = [decode(Offer, network.offer()).key for network in networks]
        assert keys(mine) == (told[0], told[1])
        assert keys(theirs) == (told[1], told[0])
        assert mine.info.sealed
        # It may have moved to IPv6 by now, of whose addresses only loopback's is bound.
        assert mine.info.path.startswith(("direct, 127.0.0.1 port ", "direct, ::1 port "))


async def test_a_path_is_known_though_the_wire_was_lost_before_anybody_asked() -> None:
    async with parties() as (networks, accepted):
        mine, theirs = await pair(networks, accepted)
        theirs.abort()
        await asyncio.sleep(0.2)
        assert mine.info.path.startswith(("direct, 127.0.0.1 port ", "direct, ::1 port "))


@pytest.mark.parametrize(
    ("paths", "told"),
    [
        ([(False, "1.2.3.4:5", False), (True, "https://relay", True)], ("https://relay", True)),
        ([(False, "1.2.3.4:5", False), (False, "https://relay", True)], ("1.2.3.4:5", False)),
        ([(False, "https://relay", True)], ("https://relay", True)),
        ([], ("", False)),
    ],
)
def test_the_path_is_the_selected_one_or_else_one_that_is_open(
    paths: list[tuple[bool, str, bool]], told: tuple[str, bool]
) -> None:
    connection = Mock()
    connection.remote_id().to_bytes.return_value = bytes(32)
    connection.paths.return_value = [
        Mock(is_selected=selected, remote_addr=where, is_relay=relayed) for selected, where, relayed in paths
    ]
    assert iroh_library.IrohStream(connection, Mock()).path() == told


async def test_64_mib_both_ways_at_once_arrive_whole() -> None:
    async with parties() as (networks, accepted):
        wires = await pair(networks, accepted)
        takers = Taker(), Taker()
        for wire, taker in zip(wires, takers, strict=True):
            wire.start(taker)
            for _ in range(64):
                wire.send(SOME)
        for taker in takers:
            assert await taker.until(64 << 20) == SOME * 64


async def test_all_that_was_sent_before_a_close_arrives_and_then_its_end() -> None:
    async with parties() as (networks, accepted):
        mine, theirs = await pair(networks, accepted)
        mine.send(SOME)
        mine.close()
        taker = Taker()
        theirs.start(taker)
        assert await taker.until(len(SOME)) == SOME
        assert "closed" in await taker.lost()


async def test_an_aborted_wire_is_lost_at_the_other_end_and_takes_nothing() -> None:
    async with parties() as (networks, accepted):
        mine, theirs = await pair(networks, accepted)
        taker, silent = Taker(), Taker()
        theirs.start(taker)
        mine.start(silent)
        mine.abort()
        mine.send(b"nobody hears this")
        assert await taker.lost()
        assert not taker.data
        assert not silent.reasons


async def test_the_end_of_a_network_is_the_end_of_its_wires() -> None:
    async with parties() as (networks, accepted):
        mine, theirs = await pair(networks, accepted)
        taker = Taker()
        theirs.start(taker)
        mine.start(Taker())
        await networks[0].close()
        assert await taker.lost()


async def test_what_nobody_takes_is_not_read_without_end() -> None:
    async with parties() as (networks, accepted):
        mine, theirs = await pair(networks, accepted)
        mine.start(Taker())
        for _ in range(32):
            mine.send(SOME)
        for _ in range(50):
            await asyncio.sleep(0.01)
        assert theirs._held_bytes <= 1 << 20  # type: ignore[attr-defined]
        taker = Taker()
        theirs.start(taker)
        assert await taker.until(32 << 20) == SOME * 32


async def test_a_stranger_gets_no_wire() -> None:
    async with parties() as (networks, accepted):
        offer = decode(Offer, networks[1].offer())
        stranger = await IrohEndpoint.open(["127.0.0.1"], Reach())
        try:
            stream = await stranger.dial(offer.key, "", [(a.host, a.port) for a in offer.addresses])
            with pytest.raises(NetworkError):
                await stream.write(bytes(4))
                await stream.read_exactly(1)
        finally:
            await stranger.close()
        assert accepted[1].wires.empty()


async def test_another_party_at_the_address_is_not_the_peer() -> None:
    networks = [IrohNetwork(via="127.0.0.1") for _ in range(3)]
    for network in networks:
        await network.open()
    try:
        told = [decode(Offer, network.offer()) for network in networks]
        crossed = encode(replace(told[1], addresses=told[2].addresses))
        networks[0].begin(offers_for(0, [b"", crossed]), Accepted())
        networks[2].begin(offers_for(2, [encode(told[0])]), Accepted())
        with pytest.raises(
            NetworkError, match=r"party 1 can't be reached by iroh: .*certificate.*127\.0\.0\.1 port"
        ):
            await networks[0].dial(1, 0)
    finally:
        await asyncio.gather(*(network.close() for network in networks))


async def test_a_dial_that_is_given_up_leaves_nothing() -> None:
    async with parties():
        other = await IrohEndpoint.open(["127.0.0.1"], Reach())
        network = IrohNetwork(via="127.0.0.1")
        await network.open()
        try:
            offer = encode(Offer(other.id, "", (Endpoint("127.0.0.1", 9),)))
            network.begin((PeerOffer(5, "Eve", offer, bytes(32), True),), Accepted())
            dial = asyncio.create_task(network.dial(5, 0))
            await asyncio.sleep(0.05)
            dial.cancel()
            with pytest.raises(asyncio.CancelledError):
                await dial
            assert not network._wires
        finally:
            await network.close()
            await other.close()


@pytest.mark.parametrize(
    "offer",
    [
        b"",
        encode(Offer(bytes(32), "", ())) + b"x",
        encode(Offer(bytes(32), "", (Endpoint("224.0.0.1", 4000),))),
        encode(Offer(bytes(32), "", (Endpoint("host.example", 4000),))),
        encode(Offer(bytes(32), "", (Endpoint("127.0.0.1", 0),))),
        encode(Offer(bytes(32), "file:///etc/passwd", ())),
    ],
)
async def test_an_offer_that_is_none_names_the_peer(offer: bytes) -> None:
    network = IrohNetwork(via="127.0.0.1")
    await network.open()
    try:
        with pytest.raises(PeerError, match="Eve"):
            network.begin((PeerOffer(1, "Eve", offer, bytes(32), True),), Accepted())
    finally:
        await network.close()


async def test_two_parties_with_one_key() -> None:
    network = IrohNetwork(via="127.0.0.1")
    await network.open()
    try:
        with pytest.raises(PeerError, match="another party's"):
            network.begin((PeerOffer(1, "Eve", network.offer(), bytes(32), True),), Accepted())
    finally:
        await network.close()


async def test_only_what_via_names_is_offered_and_no_relay() -> None:
    network = IrohNetwork(via="127.0.0.1")
    await network.open()
    try:
        offer = decode(Offer, network.offer())
        assert {address.host for address in offer.addresses} == {"127.0.0.1"}
        assert offer.relay == ""
    finally:
        await network.close()


async def test_a_relay_that_is_no_url() -> None:
    with pytest.raises(Exception, match="no URL of an iroh relay"):
        await IrohNetwork(via="127.0.0.1", reach=Reach(relay="what")).open()
