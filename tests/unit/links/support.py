"""What the tests of links share: programs, wires in memory, and a proxy that mistreats wires."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import replace

from huddle.errors import HuddleError
from huddle.identity.native import NativeCrypto
from huddle.links.frames import (
    EOF,
    Slice,
    control,
    data_frames,
)
from huddle.links.manager import Dial, DialTarget, Link, LinkManager, Timing
from huddle.links.proof import Ends, Proof
from huddle.links.protocol import LinkProtocol
from huddle.links.stream import StreamWire
from huddle.links.wire import Wire, WireInfo, WireReceiver

KEY = bytes(range(32))
CRYPTO = NativeCrypto()
NAMES = {0: "Alice", 1: "Bob"}
QUICK = Timing(
    head_start=0.2, reversal=0.01, dial=1.0, proof=20.0, backoff=0.01, backoff_most=0.05, settle=0.05
)
SEALED = WireInfo("memory", "in memory", b"A" * 32, b"B" * 32, True)
SOME = data_frames(b"hello", 4)


async def until(ready: Callable[[], object], seconds: float = 10.0) -> None:
    for _ in range(int(seconds * 500)):
        if ready():
            return
        await asyncio.sleep(0.002)
    raise AssertionError("it never happened")


class Program:
    """The receiver of a link: takes all, and remembers what it was told."""

    def __init__(self) -> None:
        self.end: Link
        self.digest = hashlib.sha256()
        self.size = 0
        self.told: list[str] = []
        self.info: WireInfo | None = None
        self.error: HuddleError | None = None
        self.writable = asyncio.Event()

    def link_frames(self, frames: Slice) -> None:
        self.digest.update(frames)
        self.size += len(frames)
        self.end.delivered(self.size)

    def link_taken(self, total: int) -> None:
        if self.end.writable:
            self.writable.set()

    def link_lost(self, reason: str) -> None:
        self.told.append("lost")

    def link_restored(self, info: WireInfo) -> None:
        self.told.append("restored")
        self.info = info

    def link_failed(self, error: HuddleError) -> None:
        self.told.append("failed")
        self.error = error


class Taker:
    def __init__(self) -> None:
        self.got = b""
        self.lost = False

    def wire_data(self, data: bytes) -> None:
        self.got += data

    def wire_lost(self, reason: str) -> None:
        self.lost = True


class MemoryWire:
    """One end of a wire in memory; `hold` keeps what arrives until `release`."""

    def __init__(self, info: WireInfo) -> None:
        self.info = info
        self.peer: MemoryWire
        self.receiver: WireReceiver | None = None
        self.early: list[bytes] = []
        self.hold = False
        self.open = True

    def start(self, receiver: WireReceiver) -> None:
        self.receiver = receiver
        if not self.hold:
            self.release()

    def send(self, data: bytes) -> None:
        if self.open:
            asyncio.get_running_loop().call_soon(self.peer.take, bytes(data))

    def take(self, data: bytes) -> None:
        if self.receiver is None or self.hold:
            self.early.append(data)
        elif self.open:
            self.receiver.wire_data(data)

    def release(self) -> None:
        self.hold = False
        while self.early and self.receiver and self.open:
            self.receiver.wire_data(self.early.pop(0))

    def lose(self) -> None:
        if self.open:
            self.open = False
            if self.receiver:
                self.receiver.wire_lost("cut")

    def close(self) -> None:
        self.abort()

    def abort(self) -> None:
        if self.open:
            self.open = False
            asyncio.get_running_loop().call_soon(self.peer.lose)


def memory_wires(info: WireInfo = SEALED) -> tuple[MemoryWire, MemoryWire]:
    """The ends of a wire: of the initiator, whose key is A, and of the responder."""
    mine = MemoryWire(info)
    theirs = MemoryWire(replace(info, local_key=info.peer_key, peer_key=info.local_key))
    mine.peer, theirs.peer = theirs, mine
    return mine, theirs


class Proxy:
    """Stands between two keepers and mistreats what passes, once or again and again."""

    def __init__(self) -> None:
        self.pairs: list[tuple[asyncio.Transport, asyncio.Transport]] = []
        self.mistreated: list[tuple[asyncio.Transport, asyncio.Transport]] = []

    async def connect(self, port: int) -> StreamWire:
        """Dial through the proxy."""
        loop = asyncio.get_running_loop()
        # A server that serves at once is nobody's where this is cancelled meanwhile.
        server = await loop.create_server(lambda: Hop(self, port), "127.0.0.1", 0, start_serving=False)
        try:
            await server.start_serving()
            _, wire = await loop.create_connection(
                lambda: StreamWire(WireInfo("tcp", "dialled", b"", b"", False)),
                "127.0.0.1",
                server.sockets[0].getsockname()[1],
            )
            return wire
        finally:
            server.close()

    def cut(self) -> None:
        for pair in self.take():
            for side in pair:
                side.abort()

    def black_hole(self) -> None:
        for pair in self.take():
            for side in pair:
                if not side.is_closing():
                    side.pause_reading()

    def half_open(self, which: int) -> None:
        for pair in self.take():
            pair[which].abort()
            if not pair[1 - which].is_closing():
                pair[1 - which].pause_reading()

    def take(self) -> list[tuple[asyncio.Transport, asyncio.Transport]]:
        pairs, self.pairs = self.pairs, []
        self.mistreated += pairs
        return pairs

    def end(self) -> None:
        for pair in [*self.pairs, *self.mistreated]:
            for side in pair:
                side.abort()


class Hop(asyncio.Protocol):
    """A side of a proxied connection; the side that was dialled makes the other one."""

    def __init__(self, proxy: Proxy, port: int = 0, other: "Hop | None" = None) -> None:
        self.proxy, self.port, self.other = proxy, port, other
        self.transport: asyncio.Transport
        self.early = b""
        self.task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        if self.port:
            self.task = asyncio.get_running_loop().create_task(self.join())

    async def join(self) -> None:
        _, other = await asyncio.get_running_loop().create_connection(
            lambda: Hop(self.proxy, 0, self), "127.0.0.1", self.port
        )
        other.transport.write(self.early)
        self.other = other
        self.proxy.pairs.append((self.transport, other.transport))

    def data_received(self, data: bytes) -> None:
        if self.other is None:
            self.early += data
        else:
            self.other.transport.write(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.other is not None and (self.transport, self.other.transport) in self.proxy.pairs:
            self.other.transport.close()
        elif self.other is not None and (self.other.transport, self.transport) in self.proxy.pairs:
            self.other.transport.close()


class Two:
    """Two keepers that can dial each other, through a proxy."""

    def __init__(self) -> None:
        self.proxy = Proxy()
        self.keepers: list[LinkManager] = []
        self.ports: list[int] = []
        self.programs = [Program(), Program()]
        self.dialled = [0, 0]

    async def start(self, listen: Callable[..., Awaitable[int]], timing: Timing = QUICK) -> None:
        for pid in (0, 1):
            self.ports.append(await listen(self.accept(pid)))
        for pid in (0, 1):
            peer = DialTarget(1 - pid, NAMES[1 - pid], KEY)
            self.keepers.append(LinkManager(pid, [peer], [("tcp", self.dialer(pid))], CRYPTO, timing=timing))

    def accept(self, pid: int) -> Callable[[StreamWire], None]:
        return lambda wire: self.keepers[pid].accepted(1 - pid, 1, wire)

    def dialer(self, pid: int) -> Dial:
        async def dial(peer: int, run: int) -> Wire:
            self.dialled[pid] += 1
            return await self.proxy.connect(self.ports[peer])

        return dial

    def open(self, *pids: int) -> None:
        for pid in pids:
            program = self.programs[pid]
            program.end = self.keepers[pid].open(1 - pid, 1, program)

    def wires(self) -> int:
        """How many wires are open between them."""
        return sum(not side.is_closing() for side, _ in self.proxy.pairs)

    async def online(self) -> None:
        await until(lambda: all(program.end.online for program in self.programs))


def lonely(pid: int, *dialers: tuple[str, Dial], timing: Timing = QUICK) -> tuple[LinkManager, Program]:
    keeper = LinkManager(pid, [DialTarget(1 - pid, NAMES[1 - pid], KEY)], dialers, CRYPTO, timing=timing)
    return keeper, Program()


async def prove(wire: MemoryWire, generation: int) -> Taker:
    """Be Alice on this wire up to message 3, which is sent; then take what comes."""
    ends = Ends(0, 1, "Bob", 1, wire.info.local_key, wire.info.peer_key)
    proof = Proof(ends, KEY, bytes(32), generation=generation)
    taker = Taker()
    wire.start(taker)
    wire.send(proof.start())
    await until(lambda: len(taker.got) == 65)
    wire.send(proof.receive(taker.got, 0))
    taker.got = b""
    return taker


class Side:
    """A link, what its program got, and the bytes on their way to it."""

    def __init__(self, peer: str) -> None:
        self.link = LinkProtocol(peer)
        self.got = bytearray()
        self.wire = bytearray()
        self.reads = True


class Pair:
    """Two links and a wire between them that carries as many bytes as it is told to."""

    def __init__(self) -> None:
        self.a, self.b = Side("b"), Side("a")
        self.now = 0.0

    def attach(self) -> None:
        for side in (self.a, self.b):
            side.wire.clear()
            side.link.attach(self.now)

    def cut(self) -> None:
        for side in (self.a, self.b):
            side.wire.clear()
            side.link.detach()

    def carry(self, limit: int = 1 << 60, *, to: Side | None = None) -> bool:
        """Bring at most `limit` bytes to one side, or to both; whether anything moved."""
        self.a.wire += self.b.link.output()
        self.b.wire += self.a.link.output()
        moved = False
        for side in (self.a, self.b) if to is None else (to,):
            data = bytes(side.wire[:limit])
            del side.wire[:limit]
            if data:
                moved = True
                side.got += b"".join(side.link.receive(data, self.now))
                if side.reads:
                    side.link.delivered(len(side.got), self.now)
        return moved

    def settle(self) -> None:
        for _ in range(10_000):
            if not self.carry():
                return
        raise AssertionError("they never come to rest")

    def wait(self, seconds: float) -> None:
        self.now += seconds
        for side in (self.a, self.b):
            side.link.handle_timer(self.now)
        self.settle()


SMALL = data_frames(b"one", 1) + control(EOF) + data_frames(b"second", 2) + data_frames(b"x" * 40, 3)
