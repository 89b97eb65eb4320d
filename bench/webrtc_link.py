"""What Huddle's link adds to a data channel, natively: `python -m bench.webrtc_link`.

Both ends are in this process and share its loop: a link of run 1 by the network webrtc, with a rendezvous of
its own, and as the reference the channel of aiolibdatachannel's own asyncio interface. Round trips are of 100
bytes, one at a time, the median; 10 MB go one way, and an answer of one byte ends the time.
"""

import argparse
import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable

import aiolibdatachannel as rtc
import uvloop

from bench.figures import say
from huddle.errors import HuddleError
from huddle.identity.native import NativeCrypto
from huddle.links.frames import Slice, data_frames
from huddle.links.manager import DialTarget, Link, LinkManager
from huddle.links.wire import WireInfo
from huddle.networks.base import PeerOffer
from huddle.networks.webrtc.network import WebRtcNetwork
from huddle.rendezvous.server.server import RendezvousServer, ServerConfig

_SIZE = 10_000_000
_PING, _PINGS = b"p" * 100, 2_000
_MESSAGE = 262_144
_REPEATED = 7


class Program:
    """The receiver of a link: counts, and answers as its peer's program would."""

    def __init__(self) -> None:
        self.end: Link
        self.there = asyncio.Event()
        self.size = 0
        self.took: Callable[[int], None] = lambda size: None

    def link_frames(self, frames: Slice) -> None:
        """Take all at once."""
        self.size += len(frames)
        self.end.delivered(self.size)
        self.took(len(frames))

    def link_taken(self, total: int) -> None:
        """There may be room again."""
        if self.end.writable:
            self.there.set()

    def link_restored(self, info: WireInfo) -> None:
        """The link is up."""
        self.there.set()

    def link_lost(self, reason: str) -> None:
        """A wire is lost, which no figure survives."""
        raise RuntimeError(reason)

    def link_failed(self, error: HuddleError) -> None:
        """The link is over."""
        raise error


async def figures(
    ping: Callable[[], Awaitable[None]], block: Callable[[], Awaitable[None]]
) -> tuple[float, float]:
    """The median round trip in milliseconds and the median rate in MB/s."""
    trips, rates = [], []
    for _ in range(_PINGS):
        start = time.perf_counter()
        await ping()
        trips.append((time.perf_counter() - start) * 1000)
    for _ in range(_REPEATED):
        start = time.perf_counter()
        await block()
        rates.append(_SIZE / (time.perf_counter() - start) / 1e6)
    return statistics.median(trips), statistics.median(rates)


async def raw() -> tuple[float, float]:
    """The library by itself."""
    low, high = rtc.PeerConnection(), rtc.PeerConnection()
    options = rtc.DataChannelOptions(negotiated=True, stream_id=0)
    one, other = [await pc.create_data_channel("raw", options) for pc in (low, high)]
    offer = await low.create_offer()
    await high.set_remote_description(offer.sdp, offer.type)
    answered = await high.create_answer()
    await low.set_remote_description(answered.sdp, answered.type)
    await asyncio.gather(one.wait_open(), other.wait_open())

    async def answer() -> None:
        got = 0
        async for message in other:
            got += len(message)
            if message == _PING:
                await other.send(message)
                got = 0
            elif got >= _SIZE:
                await other.send(b"1")
                got = 0

    answering = asyncio.create_task(answer())

    async def ping() -> None:
        await one.send(_PING)
        await one.recv()

    part = bytes(_MESSAGE)

    async def block() -> None:
        for at in range(0, _SIZE, _MESSAGE):
            await one.send(part[: min(_MESSAGE, _SIZE - at)])
        await one.recv()

    try:
        return await figures(ping, block)
    finally:
        answering.cancel()
        await asyncio.gather(answering, return_exceptions=True)
        low.close()
        high.close()


async def linked() -> tuple[float, float]:
    """A link over it."""
    crypto = NativeCrypto()
    programs = Program(), Program()
    async with RendezvousServer(ServerConfig()) as server:
        networks = [WebRtcNetwork(f"http://127.0.0.1:{server.port}", crypto) for _ in programs]
        keepers = []
        for pid, network in enumerate(networks):
            await network.open()
            peer = DialTarget(1 - pid, f"party {1 - pid}", bytes(32))
            keepers.append(LinkManager(pid, [peer], [("webrtc", network.dial)], crypto))
        for pid, network in enumerate(networks):
            offer = PeerOffer(1 - pid, f"party {1 - pid}", networks[1 - pid].offer(), bytes(32), pid == 0)
            network.begin((offer,), keepers[pid].accepted)
        for pid, program in enumerate(programs):
            program.end = keepers[pid].open(1 - pid, 1, program)
        one, other = programs
        await asyncio.gather(one.there.wait(), other.there.wait())
        small, got = len(data_frames(_PING)), 0
        back: asyncio.Queue[int] = asyncio.Queue()
        one.took = back.put_nowait
        whole = len(data_frames(bytes(_SIZE)))

        def answer(size: int) -> None:
            nonlocal got
            got += size
            if got in (small, whole):
                other.end.write(data_frames(_PING if got == small else b"1"))
                got = 0

        other.took = answer

        async def ping() -> None:
            one.end.write(data_frames(_PING))
            await back.get()

        async def block() -> None:
            for at in range(0, _SIZE, 1 << 18):
                if not one.end.writable:
                    one.there.clear()
                    await one.there.wait()
                one.end.write(data_frames(bytes(min(1 << 18, _SIZE - at))))
            await back.get()

        try:
            return await figures(ping, block)
        finally:
            await asyncio.gather(*(keeper.close(1.0) for keeper in keepers))
            await asyncio.gather(*(network.close() for network in networks))


async def main() -> None:
    """Measure both in turn."""
    parser = argparse.ArgumentParser(prog="bench.webrtc_link", description=__doc__)
    parser.add_argument("--times", type=int, default=3, help="runs of each (default 3)")
    taken = [(await linked(), await raw()) for _ in range(parser.parse_args().times)]
    for at, (name, unit) in enumerate((("round trip of 100 bytes", "ms"), ("10 MB one way", "MB/s"))):
        value, reference = (statistics.median(one[which][at] for one in taken) for which in (0, 1))
        say(f"native webrtc link, {name}; reference: aiolibdatachannel", value, unit, reference)


if __name__ == "__main__":
    uvloop.run(main())
