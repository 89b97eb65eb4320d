"""The network tls between parties of one process, over loopback: honest ones, wrong ones and strangers."""

import asyncio
import socket
import ssl
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import psutil
import pytest

from huddle.codec import decode, encode
from huddle.errors import NetworkError, PeerError
from huddle.links.stream import StreamWire
from huddle.networks.base import PeerOffer
from huddle.networks.reach.addresses import Endpoint
from huddle.networks.tls import network as tls
from huddle.networks.tls import turns
from huddle.networks.tls.certificates import Certificate, client_context, fingerprint, make_certificate
from huddle.networks.tls.network import TlsNetwork
from huddle.networks.tls.offer import Offer

NAMES = ("Ann", "Bob", "Cleo")


class Sink:
    """A receiver that keeps what comes, and lets a test wait for it."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.lost: list[str] = []
        self._changed = asyncio.Event()

    def wire_data(self, data: bytes) -> None:
        self.data += data
        self._changed.set()

    def wire_lost(self, reason: str) -> None:
        self.lost.append(reason)
        self._changed.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(40):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    async def size(self, size: int) -> bytes:
        await self.until(lambda: len(self.data) >= size)
        return bytes(self.data)


class Party:
    """A network with its inbound wires, in the order of their coming."""

    def __init__(self, network: TlsNetwork) -> None:
        self.network = network
        self.inbound: asyncio.Queue[tuple[int, int, Any]] = asyncio.Queue()

    def accepted(self, pid: int, run: int, wire: Any) -> None:
        self.inbound.put_nowait((pid, run, wire))

    async def next(self) -> tuple[int, int, Any]:
        async with asyncio.timeout(10):
            return await self.inbound.get()

    @property
    def key(self) -> bytes:
        return fingerprint(self.offer.certificate)

    @property
    def offer(self) -> Offer:
        return decode(Offer, self.network.offer())


def on_loopback(party: Party, port: int | None = None) -> bytes:
    """The party's offer, with the IPv4 loopback address only."""
    offer = party.offer
    return encode(Offer(offer.certificate, (Endpoint("127.0.0.1", port or party.network.port),)))


async def until(condition: Callable[[], bool]) -> None:
    """Let the event loop work until something is so that nobody is told of."""
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0)


def peer_offer(pid: int, offer: bytes, *, lower: bool = False) -> PeerOffer:
    return PeerOffer(pid, NAMES[pid], offer, bytes(32), lower)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "TURN_SECONDS", 0.0)


@asynccontextmanager
async def opened(count: int, **options: Any) -> AsyncIterator[list[Party]]:
    parties = [Party(TlsNetwork(loopback=True, **options)) for _ in range(count)]
    try:
        for party in parties:
            await party.network.open()
        yield parties
    finally:
        for party in parties:
            await party.network.close()


@asynccontextmanager
async def session(count: int = 2) -> AsyncIterator[list[Party]]:
    async with opened(count) as parties:
        offers = [on_loopback(party) for party in parties]
        for pid, party in enumerate(parties):
            others = tuple(
                peer_offer(other, offers[other], lower=pid < other) for other in range(count) if other != pid
            )
            party.network.begin(others, party.accepted)
        yield parties


async def pair_of_wires(parties: list[Party]) -> tuple[Any, Sink, Any, Sink]:
    one = await parties[0].network.dial(1, 5)
    _, _, other = await parties[1].next()
    sinks = Sink(), Sink()
    one.start(sinks[0])
    other.start(sinks[1])
    return one, sinks[0], other, sinks[1]


async def test_wires_go_both_ways_and_are_attributed() -> None:
    async with session(3) as parties:
        for dialler in range(3):
            for answerer in range(3):
                if dialler == answerer:
                    continue
                wire = await parties[dialler].network.dial(answerer, 1000 + answerer)
                pid, run, inbound = await parties[answerer].next()
                assert (pid, run) == (dialler, 1000 + answerer)
                assert wire.info.local_key == inbound.info.peer_key == parties[dialler].key
                assert wire.info.peer_key == inbound.info.local_key == parties[answerer].key
                assert wire.info.sealed and wire.info.network == "tls"
                assert wire.info.path == f"direct, 127.0.0.1 port {parties[answerer].network.port}"
                sinks = Sink(), Sink()
                wire.send(b"early")
                wire.start(sinks[0])
                inbound.start(sinks[1])
                inbound.send(b"answer")
                assert await sinks[0].size(6) == b"answer"
                assert await sinks[1].size(5) == b"early"


async def test_both_ends_notice_a_dead_peer_within_seconds() -> None:
    options = [
        (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
        (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
        (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 4),
    ]
    if sys.platform == "linux":
        options.append((socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 6000))
    async with session() as parties:
        await pair_of_wires(parties)
        for party in parties:
            (transport,) = party.network._transports
            assert transport._tcp is not None
            sock = transport._tcp.get_extra_info("socket")
            assert [sock.getsockopt(level, name) for level, name, _ in options] == [
                value for *_, value in options
            ]


async def test_sixteen_mebibytes_each_way_arrive_intact() -> None:
    async with session() as parties:
        one, at_one, other, at_other = await pair_of_wires(parties)
        there = bytes(range(251)) * 66_842  # no multiple of a record's size
        back = there[::-1]
        for start in range(0, len(there), 1 << 20):
            one.send(there[start : start + (1 << 20)])
            other.send(back[start : start + (1 << 20)])
        assert await at_other.size(len(there)) == there
        assert await at_one.size(len(back)) == back


async def test_close_delivers_what_was_sent_although_the_other_side_still_sends() -> None:
    async with session() as parties:
        one, at_one, other, at_other = await pair_of_wires(parties)
        other.send(bytes(1 << 20))
        one.send(bytes(3 << 20))
        one.close()
        one.send(b"too late")
        await at_other.until(lambda: bool(at_other.lost))
        assert len(at_other.data) == 3 << 20
        assert at_other.lost == ["closed by the other end"]
        assert at_one.lost == []


async def test_abort_is_told_to_the_peer_only() -> None:
    async with session() as parties:
        one, at_one, _, at_other = await pair_of_wires(parties)
        one.abort()
        await at_other.until(lambda: bool(at_other.lost))
        one.send(b"nothing")
        assert len(at_other.lost) == 1 and at_one.lost == []


async def test_a_wire_lost_before_its_start_says_so_at_the_start() -> None:
    async with session() as parties:
        one = await parties[0].network.dial(1, 0)
        _, _, other = await parties[1].next()
        other.send(b"last words")
        other.close()
        await until(lambda: not parties[0].network._transports)
        sink = Sink()
        one.start(sink)
        assert (bytes(sink.data), sink.lost) == (b"last words", ["closed by the other end"])


async def test_a_wire_moves_from_one_receiver_to_another() -> None:
    async with session() as parties:
        one, _, other, first = await pair_of_wires(parties)
        one.send(b"proof")
        await first.size(5)
        second = Sink()
        other.start(second)
        one.send(b"link")
        assert await second.size(4) == b"link"
        assert first.data == b"proof"


async def test_a_roster_certificate_of_another_pid_is_refused() -> None:
    """Cleo's port stands in the offer of Bob: her certificate passes TLS, but is not his."""
    async with opened(3) as (ann, bob, cleo):
        lie = on_loopback(bob, port=cleo.network.port)
        ann.network.begin((peer_offer(1, lie), peer_offer(2, on_loopback(cleo))), ann.accepted)
        cleo.network.begin((peer_offer(0, on_loopback(ann)),), cleo.accepted)
        with pytest.raises(NetworkError, match=r"Bob cannot be reached: 127\.0\.0\.1 port \d+: Cleo answers"):
            await ann.network.dial(1, 0)
        assert cleo.inbound.empty()


async def test_a_stranger_at_the_address_is_refused() -> None:
    async with opened(3) as (ann, bob, stranger):
        lie = on_loopback(bob, port=stranger.network.port)
        ann.network.begin((peer_offer(1, lie),), ann.accepted)
        stranger.network.begin((peer_offer(0, on_loopback(ann)),), stranger.accepted)
        with pytest.raises(NetworkError, match="TLS said: "):
            await ann.network.dial(1, 0)


async def test_a_party_that_this_one_does_not_know_gets_nowhere() -> None:
    async with opened(3) as (ann, bob, stranger):
        bob.network.begin((peer_offer(0, on_loopback(ann)),), bob.accepted)
        stranger.network.begin((peer_offer(1, on_loopback(bob)),), stranger.accepted)
        # With TLS 1.3 the refusal may reach the client only after its own handshake is done.
        try:
            wire = await stranger.network.dial(1, 0)
        except NetworkError:
            pass
        else:
            sink = Sink()
            wire.start(sink)
            await sink.until(lambda: bool(sink.lost))
        assert bob.inbound.empty()


def other_client(own: Certificate | None, server: bytes, version: ssl.TLSVersion) -> ssl.SSLContext:
    context = client_context(own or make_certificate(datetime.now(UTC)), [server])
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.maximum_version = version
    return context


async def test_tls_1_2_is_refused() -> None:
    async with opened(2) as (_, bob):
        own = make_certificate(datetime.now(UTC))
        bob.network.begin((peer_offer(0, encode(Offer(own.der, ()))),), bob.accepted)
        context = other_client(own, bob.offer.certificate, ssl.TLSVersion.TLSv1_2)
        with pytest.raises(ssl.SSLError):
            await asyncio.open_connection("127.0.0.1", bob.network.port, ssl=context, server_hostname="")


async def test_the_preamble_may_come_byte_by_byte_or_never(monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(1) as (bob,):
        own = make_certificate(datetime.now(UTC))
        bob.network.begin((peer_offer(0, encode(Offer(own.der, ()))),), bob.accepted)
        context = other_client(own, bob.offer.certificate, ssl.TLSVersion.TLSv1_3)

        async def connect() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
            return await asyncio.open_connection(
                "127.0.0.1", bob.network.port, ssl=context, server_hostname=""
            )

        _, slow = await connect()
        for byte in (b"\0", b"\0", b"\1", b"\2then more"):
            slow.write(byte)
            await slow.drain()
            await asyncio.sleep(0)
        pid, run, wire = await bob.next()
        sink = Sink()
        wire.start(sink)
        assert (pid, run) == (0, 258)
        assert await sink.size(9) == b"then more"
        monkeypatch.setattr(tls, "INBOUND_SECONDS", 0.3)
        async with asyncio.timeout(20):
            with pytest.raises(ConnectionError):
                reader, silent = await connect()
                try:
                    silent.write(b"\0\0\0")
                    if await reader.read() == b"":
                        raise ConnectionError
                finally:
                    silent.transport.abort()
        assert bob.inbound.empty()
        assert sink.lost == []
        slow.transport.abort()


async def test_strangers_that_only_connect_cannot_keep_a_peer_out() -> None:
    async with session() as parties:
        port = parties[1].network.port
        flood = [await asyncio.open_connection("127.0.0.1", port) for _ in range(tls.MAX_HALF_OPEN + 40)]
        try:
            wire = await parties[0].network.dial(1, 7)
            pid, run, _ = await parties[1].next()
            assert (pid, run) == (0, 7)
            assert len(parties[1].network._half_open) <= tls.MAX_HALF_OPEN
            wire.abort()
        finally:
            for _, writer in flood:
                writer.transport.abort()


async def test_noise_in_place_of_tls_is_dropped_silently(caplog: pytest.LogCaptureFixture) -> None:
    problems: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: problems.append(context))
    async with session() as parties:
        reader, writer = await asyncio.open_connection("127.0.0.1", parties[1].network.port)
        writer.write(b"GET / HTTP/1.1\r\n\r\n" * 100)
        async with asyncio.timeout(5):
            try:
                await reader.read()
            except ConnectionError:
                pass
        writer.transport.abort()
        assert parties[1].inbound.empty()
    assert problems == [] and caplog.records == []


async def test_bad_addresses_first_do_not_matter() -> None:
    with socket.socket() as closed_port, socket.socket() as mute:
        closed_port.bind(("127.0.0.1", 0))
        mute.bind(("127.0.0.1", 0))
        mute.listen(1)
        async with opened(2) as (ann, bob):
            endpoints = (
                Endpoint("127.0.0.1", closed_port.getsockname()[1]),
                Endpoint("127.0.0.1", mute.getsockname()[1]),
                Endpoint("127.0.0.1", bob.network.port),
            )
            offer = encode(Offer(bob.offer.certificate, endpoints))
            ann.network.begin((peer_offer(1, offer),), ann.accepted)
            bob.network.begin((peer_offer(0, on_loopback(ann)),), bob.accepted)
            wire = await ann.network.dial(1, 0)
            assert wire.info.path.endswith(str(bob.network.port))
            assert (await bob.next())[:2] == (0, 0)


async def test_every_address_tried_is_listed_with_its_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tls, "ATTEMPT_SECONDS", 0.3)
    with socket.socket() as closed_port, socket.socket() as mute:
        closed_port.bind(("127.0.0.1", 0))
        mute.bind(("127.0.0.1", 0))
        mute.listen(1)
        async with opened(2) as (ann, bob):
            endpoints = (
                Endpoint("127.0.0.1", closed_port.getsockname()[1]),
                Endpoint("127.0.0.1", mute.getsockname()[1]),
                Endpoint("no-such-host.invalid", 4000),
            )
            offer = encode(Offer(bob.offer.certificate, endpoints))
            ann.network.begin((peer_offer(1, offer),), ann.accepted)
            with pytest.raises(NetworkError) as failure:
                await ann.network.dial(1, 0)
            text = failure.value.message
            assert f"127.0.0.1 port {closed_port.getsockname()[1]}: refused" in text
            assert f"127.0.0.1 port {mute.getsockname()[1]}: timed out" in text
            assert "no-such-host.invalid port 4000: " in text
            assert failure.value.whose == "network" and failure.value.hint


@pytest.mark.parametrize("host", ["::1", "localhost"])
async def test_ipv6_and_names_are_dialled(host: str) -> None:
    async with opened(2) as (ann, bob):
        if host == "::1" and socket.AF_INET6 not in {sock.family for sock in bob.network._listening}:
            pytest.skip("this machine has no IPv6")
        offer = encode(Offer(bob.offer.certificate, (Endpoint(host, bob.network.port),)))
        ann.network.begin((peer_offer(1, offer),), ann.accepted)
        bob.network.begin((peer_offer(0, on_loopback(ann)),), bob.accepted)
        wire = await ann.network.dial(1, 0)
        assert wire.info.path in {f"direct, {ip} port {bob.network.port}" for ip in ("::1", "127.0.0.1")}
        assert (await bob.next())[:2] == (0, 0)


@pytest.mark.parametrize(
    "offer",
    [
        b"",
        b"\0" * 8,
        encode(Offer(b"no certificate", (Endpoint("127.0.0.1", 1),))),
        "control characters",
        "no port",
        "a group",
    ],
)
async def test_an_offer_that_is_none_is_its_partys_fault(offer: bytes | str) -> None:
    async with opened(1) as (ann,):
        good = make_certificate(datetime.now(UTC)).der
        wrong = {
            "control characters": Endpoint("a\x1b[2Jb", 1),
            "no port": Endpoint("127.0.0.1", 0),
            "a group": Endpoint("224.0.0.1", 1),
        }
        data = encode(Offer(good, (wrong[offer],))) if isinstance(offer, str) else offer
        with pytest.raises(PeerError) as failure:
            ann.network.begin((peer_offer(1, data),), ann.accepted)
        assert failure.value.peer == "Bob"
        assert "\x1b" not in failure.value.message


async def test_one_certificate_for_two_parties_is_refused() -> None:
    async with opened(2) as (ann, bob):
        with pytest.raises(PeerError, match="another party's"):
            offers = (peer_offer(1, on_loopback(bob)), peer_offer(2, on_loopback(bob)))
            ann.network.begin(offers, ann.accepted)


async def test_a_dial_can_be_given_up_at_any_time() -> None:
    async with session() as parties:
        for turns in range(12):
            attempt = asyncio.create_task(parties[0].network.dial(1, 0))
            for _ in range(turns):
                await asyncio.sleep(0)
            attempt.cancel()
            for wire in await asyncio.gather(attempt, return_exceptions=True):
                if isinstance(wire, StreamWire):
                    wire.abort()
        await until(lambda: not parties[0].network._transports)


async def test_close_leaves_no_socket() -> None:
    process = psutil.Process()
    before = len(process.net_connections("tcp"))
    async with session(3) as parties:
        wires = [await parties[0].network.dial(pid, 0) for pid in (1, 2)]
        await parties[1].next()
        wires[1].close()
        half_open = socket.create_connection(("127.0.0.1", parties[2].network.port))
        await asyncio.sleep(0)
        assert len(process.net_connections("tcp")) > before
    half_open.close()
    ours = [each for each in process.net_connections("tcp") if each.status != "NONE"]
    assert len(ours) <= before


async def test_a_taken_port_is_explained() -> None:
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", 0))  # noqa: S104 - the same address that a party listens on
        taken.listen(1)
        network = TlsNetwork(port=taken.getsockname()[1])
        with pytest.raises(NetworkError, match="cannot listen on port"):
            await network.open()
        await network.close()


async def test_via_restricts_listening_and_dialling() -> None:
    ann, bob = Party(TlsNetwork(via="127.0.0.1")), Party(TlsNetwork())
    await ann.network.open()
    await bob.network.open()
    assert {endpoint.host for endpoint in ann.offer.endpoints} == {"127.0.0.1"}
    assert [sock.getsockname()[0] for sock in ann.network._listening] == ["127.0.0.1"]
    offer = encode(Offer(bob.offer.certificate, (Endpoint("::1", bob.network.port),)))
    ann.network.begin((peer_offer(1, offer),), ann.accepted)
    with pytest.raises(NetworkError, match=r"127\.0\.0\.1 has no address of that kind"):
        await ann.network.dial(1, 0)
    await ann.network.close()
    await bob.network.close()


async def test_what_the_person_advertises_comes_first() -> None:
    async with opened(1, advertise=["home.example:4000", "198.51.100.7"]) as (ann,):
        endpoints = ann.offer.endpoints
        assert endpoints[0] == Endpoint("home.example", 4000)
        assert endpoints[1] == Endpoint("198.51.100.7", ann.network.port)
        assert Endpoint("127.0.0.1", ann.network.port) in endpoints
