"""Two parties of one network in one process, however that network meets: for the contract of all networks."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from huddle.errors import NetworkError
from huddle.identity.native import NativeCrypto
from huddle.links.wire import Wire
from huddle.networks.base import Network, NetworkContext, NetworkKind, PeerOffer
from huddle.rendezvous.server.server import RendezvousServer, ServerConfig
from tests.unit.networks.takers import Taker

SECRET = b"s" * 32  # of the pair


@dataclass
class Party:
    """A network, and the wires that its peer dialled."""

    network: Network
    accepted: asyncio.Queue[tuple[int, int, Wire]] = field(default_factory=asyncio.Queue)

    def take(self, pid: int, run: int, wire: Wire) -> None:
        """The network's callback."""
        self.accepted.put_nowait((pid, run, wire))


Parties = tuple[Party, Party]


@asynccontextmanager
async def opened(kind: NetworkKind, options: Any) -> AsyncIterator[Parties]:
    """Two parties whose networks are open, with a rendezvous of their own; all are closed at the end."""
    async with RendezvousServer(ServerConfig(hosts=("127.0.0.1",))) as server:
        context = NetworkContext(f"http://127.0.0.1:{server.port}", NativeCrypto(), near=True)
        parties = Party(kind.create(context, options)), Party(kind.create(context, options))
        try:
            for party in parties:
                await party.network.open()
            yield parties
        finally:
            for party in parties:
                await party.network.close()


def begin(parties: Parties, offers: tuple[bytes | None, bytes | None] = (None, None)) -> None:
    """Both begin with each other's offers, or with these."""
    for pid, party in enumerate(parties):
        told = offers[1 - pid]
        offer = parties[1 - pid].network.offer() if told is None else told
        party.network.begin((peer(1 - pid, offer),), party.take)


def peer(pid: int, offer: bytes) -> PeerOffer:
    """That party as the other one knows it."""
    names = ("Ada", "Bob")
    dids = ("did:key:zAda", "did:key:zBob")
    return PeerOffer(pid, names[pid], offer, SECRET, pid == 1, dids[pid], 1 - pid, dids[1 - pid])


@asynccontextmanager
async def begun(kind: NetworkKind, options: Any) -> AsyncIterator[Parties]:
    """Two parties of a sealed session."""
    async with opened(kind, options) as parties:
        begin(parties)
        yield parties


async def meet(parties: Parties, run: int = 0) -> tuple[Wire, Wire]:
    """One wire, at both its ends: that which party 0 dials, where both dial, as links do.

    Some networks hand it over at the other end to `accepted`, some to whoever dialled there too.
    """
    one, other = parties
    dials = [asyncio.create_task(_dialled(*one)) for one in ((one.network, 1, run), (other.network, 0, run))]
    taking = asyncio.create_task(other.accepted.get())
    mark = secrets.token_bytes(8)
    found = asyncio.Queue[Wire]()
    try:
        mine = await dials[0]
        mine.send(mark)
        waiting: set[asyncio.Task[Any]] = {dials[1], taking}
        candidates: list[Wire] = []
        takers: list[asyncio.Task[None]] = []
        while found.empty():
            watched = {asyncio.create_task(found.get())} if candidates else set()
            done, _ = await asyncio.wait(waiting | watched, return_when=asyncio.FIRST_COMPLETED)
            for task in done & waiting:
                waiting.discard(task)
                if task is taking:
                    pid, told, wire = taking.result()
                    if (pid, told) != (0, run):  # of a dial that was given up
                        wire.abort()
                        taking = asyncio.create_task(other.accepted.get())
                        waiting.add(taking)
                        continue
                else:
                    wire = task.result()
                candidates.append(wire)
                takers.append(asyncio.create_task(_marked(wire, mark, found)))
            for task in watched:
                if task in done:
                    found.put_nowait(task.result())
                task.cancel()
        theirs = found.get_nowait()
        for wire in candidates:
            if wire is not theirs:
                wire.abort()
        for each in takers:
            each.cancel()
        await asyncio.gather(*takers, return_exceptions=True)
    finally:
        for task in (*dials, taking):
            task.cancel()
        await asyncio.gather(*dials, taking, return_exceptions=True)
    spare = dials[1]  # it may have come while it was no longer waited for
    if not spare.cancelled() and spare.result() is not theirs:
        spare.result().abort()
    while not one.accepted.empty():
        one.accepted.get_nowait()[2].abort()
    return mine, theirs


async def _dialled(network: Network, pid: int, run: int) -> Wire:
    """As links do: where an attempt fails, as it may where one was given up before, there is another."""
    while True:
        try:
            return await network.dial(pid, run)
        except NetworkError:
            await asyncio.sleep(0.05)


async def _marked(wire: Wire, mark: bytes, found: "asyncio.Queue[Wire]") -> None:
    taker = Taker()
    wire.start(taker)
    await taker.until(len(mark))
    assert bytes(taker.data) == mark
    found.put_nowait(wire)
