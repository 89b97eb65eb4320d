"""One party's end of the network, with a real Tor that stays offline: who is let in, and what is said."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from huddle.errors import NetworkError, PeerError
from huddle.identity.native import NativeCrypto
from huddle.links.wire import Wire
from huddle.networks.tor import network as tor
from huddle.networks.tor.keys import PairKeys
from huddle.networks.tor.network import TorNetwork, TorOffer
from tests.processes import kill
from tests.tornet.running import tools
from tests.unit.networks.meeting import SECRET, peer
from tests.unit.networks.takers import Taker

BOB = TorOffer(b"b" * 32).key


@pytest.fixture
def config(tmp_path: Path) -> Path:
    tools()
    file = tmp_path / "torrc"
    file.write_text("DisableNetwork 1\n")
    return file


@asynccontextmanager
async def opened(config: Path, notices: list[str]) -> AsyncIterator[TorNetwork]:
    network = TorNetwork("http://127.0.0.1:1", NativeCrypto(), config=config, notice=notices.append)
    await network.open()
    try:
        yield network
    finally:
        await network.close()


async def test_a_peer_is_known_by_its_tag_and_a_stranger_is_not_answered(config: Path) -> None:
    notices: list[str] = []
    taken: asyncio.Queue[tuple[int, int, Wire]] = asyncio.Queue()
    async with opened(config, notices) as network:
        network.begin((peer(1, BOB),), lambda *wire: taken.put_nowait(wire))
        assert network._daemon is not None
        path = network._daemon.service
        tag = PairKeys.derived(SECRET, b"b").tag
        for wrong in (b"x" * 20, PairKeys.derived(SECRET, b"a").tag + b"\0\0\0\1"):
            reader, writer = await asyncio.open_unix_connection(path)
            writer.write(wrong)
            assert await reader.read() == b""
            writer.close()
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(tag + b"\0\0\0\2hello")
        pid, run, wire = await taken.get()
        taker = Taker()
        wire.start(taker)
        assert (pid, run, await taker.until(5)) == (1, 2, b"hello")
        assert (wire.info.path, wire.info.sealed) == ("relayed by Tor", False)
        writer.close()
        await taker.lost()
    assert any("slow" in text and "rendezvous still sees" in text for text in notices)


@pytest.mark.parametrize("whose", ["own", "another's"])
async def test_a_service_that_is_somebody_else_s_is_refused(config: Path, whose: str) -> None:
    async with opened(config, []) as network:
        offers = [network.offer()] if whose == "own" else [BOB, BOB]
        with pytest.raises(PeerError, match="another party's"):
            network.begin(tuple(peer(pid % 2, offer) for pid, offer in enumerate(offers, 1)), lambda *_: None)


async def test_how_far_it_came_is_said(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tor, "DIAL_SECONDS", 0.05)
    async with opened(config, []) as network:
        network.begin((peer(1, BOB),), lambda *_: None)
        with pytest.raises(NetworkError, match=r"Bob is not reached by tor yet: Tor here is at 0% \("):
            await network.dial(1, 0)
        network._published.set()
        with pytest.raises(NetworkError, match="theirs not yet"):
            await network.dial(1, 0)


async def test_a_tor_that_ends_is_named(config: Path) -> None:
    async with opened(config, []) as network:
        network.begin((peer(1, BOB),), lambda *_: None)
        assert network._daemon is not None
        kill("tor", f"{network._daemon.directory}")
        with pytest.raises(
            NetworkError, match="Bob can't be reached by tor: The Tor of this session has ended"
        ):
            await network.dial(1, 0)
