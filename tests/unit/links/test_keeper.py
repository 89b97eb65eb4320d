"""Keepers over loopback TCP and in memory: links come up, survive their wires, and end."""

import asyncio
import hashlib
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

import pytest

from huddle.errors import HuddleError, NetworkError, PeerError
from huddle.identity.native import NativeCrypto
from huddle.links import keeper as keeper_module
from huddle.links.frames import END, PING, RESUME, control, data_frames
from huddle.links.keeper import Dial, Keeper, LinkEnd, Peer, Timing
from huddle.links.link import SLACK, WINDOW
from huddle.links.proof import Ends, Proof
from huddle.links.stream import StreamWire
from huddle.links.wire import Receiver, Wire, WireInfo

KEY = bytes(range(32))
CRYPTO = NativeCrypto()
NAMES = {0: "Alice", 1: "Bob"}
QUICK = Timing(
    head_start=0.2, reversal=0.01, dial=1.0, proof=0.5, backoff=0.01, backoff_most=0.05, settle=0.05
)
SEALED = WireInfo("memory", "in memory", b"A" * 32, b"B" * 32, True)


async def until(ready: Callable[[], object], seconds: float = 10.0) -> None:
    for _ in range(int(seconds * 500)):
        if ready():
            return
        await asyncio.sleep(0.002)
    raise AssertionError("it never happened")


class Program:
    """The receiver of a link: takes all, and remembers what it was told."""

    def __init__(self) -> None:
        self.end: LinkEnd
        self.digest = hashlib.sha256()
        self.size = 0
        self.told: list[str] = []
        self.error: HuddleError | None = None
        self.writable = asyncio.Event()

    def link_frames(self, frames: bytes) -> None:
        self.digest.update(frames)
        self.size += len(frames)
        self.end.delivered(self.size)

    def link_writable(self) -> None:
        self.writable.set()

    def link_lost(self, reason: str) -> None:
        self.told.append("lost")

    def link_restored(self, info: WireInfo) -> None:
        self.told.append("restored")

    def link_failed(self, error: HuddleError) -> None:
        self.told.append("failed")
        self.error = error


class MemoryWire:
    """One end of a wire in memory; `hold` keeps what arrives until `release`."""

    def __init__(self, info: WireInfo) -> None:
        self.info = info
        self.peer: MemoryWire
        self.receiver: Receiver | None = None
        self.early: list[bytes] = []
        self.hold = False
        self.open = True

    def start(self, receiver: Receiver) -> None:
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
        server = await loop.create_server(lambda: Hop(self, port), "127.0.0.1", 0)
        try:
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
        self.keepers: list[Keeper] = []
        self.ports: list[int] = []
        self.programs = [Program(), Program()]
        self.dialled = [0, 0]

    async def start(self, listen: Callable[..., Awaitable[int]], timing: Timing = QUICK) -> None:
        for pid in (0, 1):
            self.ports.append(await listen(self.accept(pid)))
        for pid in (0, 1):
            peer = Peer(1 - pid, NAMES[1 - pid], KEY)
            self.keepers.append(Keeper(pid, [peer], [("tcp", self.dialer(pid))], CRYPTO, timing=timing))

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


@pytest.fixture
async def two(listen: Callable[..., Awaitable[int]]) -> AsyncIterator[Two]:
    two = Two()
    await two.start(listen)
    yield two
    await asyncio.gather(*(keeper.close(0.2) for keeper in two.keepers))
    two.proxy.end()
    await asyncio.sleep(0)
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 5)


SOME = data_frames(b"hello", 4)


async def test_a_link_comes_up_and_carries_both_ways(two: Two) -> None:
    two.open(0, 1)
    two.programs[0].end.write(SOME)
    await two.online()
    two.programs[1].end.write(SOME + SOME)
    await until(lambda: two.programs[0].size == 26 and two.programs[1].size == 13)
    stats = two.programs[0].end.stats
    assert (stats.bytes_sent, stats.bytes_received) == (13, 26)
    assert (stats.messages_sent, stats.messages_received, stats.rounds) == (1, 2, 4)
    assert (stats.network, stats.reconnects) == ("tcp", 0)
    await until(lambda: two.programs[0].end.stats.rtt is not None)
    assert [program.told for program in two.programs] == [["restored"], ["restored"]]


@pytest.mark.parametrize("first", [0, 1])
async def test_a_wire_may_come_before_its_link_is_open(two: Two, first: int) -> None:
    two.open(first)
    await until(lambda: two.keepers[1 - first]._parked)
    two.open(1 - first)
    await two.online()


async def test_dials_that_cross_leave_one_wire(listen: Callable[..., Awaitable[int]]) -> None:
    for _ in range(10):
        two = Two()
        await two.start(listen, replace(QUICK, reversal=0.0, settle=0.2))
        two.open(0, 1)
        await two.online()
        await until(lambda two=two: two.wires() == 1)
        assert [program.end.stats.reconnects for program in two.programs] == [0, 0]
        await asyncio.gather(*(keeper.close() for keeper in two.keepers))
        two.proxy.end()


async def test_a_lost_wire_is_replaced_at_once(two: Two) -> None:
    two.open(0, 1)
    await two.online()
    two.proxy.cut()
    await until(lambda: [program.end.stats.reconnects for program in two.programs] == [1, 1])
    await two.online()
    assert [program.told for program in two.programs] == [["restored", "lost", "restored"]] * 2


async def test_one_end_believes_in_its_old_wire(two: Two) -> None:
    two.open(0, 1)
    await two.online()
    for which in (0, 1, 0, 1):
        before = [program.end.stats.reconnects for program in two.programs]
        two.proxy.half_open(which)
        await until(
            lambda before=before: all(
                program.end.stats.reconnects > count and program.end.online
                for program, count in zip(two.programs, before, strict=True)
            )
        )


async def pump(program: Program, seed: int, size: int) -> bytes:
    """Write `size` bytes of frames as fast as the window allows; the digest of what was written."""
    source = random.Random(seed)
    wrote = hashlib.sha256()
    done = 0
    while done < size:
        if not program.end.writable:
            program.writable.clear()
            await program.writable.wait()
        frames = data_frames(source.randbytes(source.choice([9, 30, 500, 70_000, 200_000])), 1)
        program.end.write(frames)
        wrote.update(frames)
        done += len(frames)
        await asyncio.sleep(0 if source.random() < 0.7 else 0.002)
        assert program.end.stats.queued <= WINDOW + SLACK
    program.end.write(control(END))
    wrote.update(control(END))
    return wrote.digest()


@pytest.mark.parametrize("seed", [1, 2])
async def test_wires_cut_again_and_again(two: Two, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huddle.links.link.SILENCE", 0.3)
    monkeypatch.setattr("huddle.links.link.PING_EVERY", 0.1)
    two.open(0, 1)
    chance = random.Random(seed)
    pumps = [asyncio.create_task(pump(program, pid, 12 << 20)) for pid, program in enumerate(two.programs)]
    harm = [
        two.proxy.cut,
        two.proxy.cut,
        two.proxy.black_hole,
        lambda: two.proxy.half_open(0),
        lambda: two.proxy.half_open(1),
    ]
    for _ in range(30):
        await asyncio.sleep(chance.uniform(0.01, 0.12))
        chance.choice(harm)()
    wrote = await asyncio.wait_for(asyncio.gather(*pumps), 20)
    await until(lambda: all(program.end.stats.queued == 0 for program in two.programs), 20)
    assert two.programs[1].digest.digest() == wrote[0]
    assert two.programs[0].digest.digest() == wrote[1]
    assert all(program.end.stats.reconnects >= 3 for program in two.programs)
    assert all("failed" not in program.told for program in two.programs)


# --- the end of a link


async def test_close_waits_until_the_peer_has_everything(two: Two) -> None:
    two.open(0, 1)
    frames = data_frames(bytes(1 << 20))
    for _ in range(6):
        two.programs[0].end.write(frames)
    two.programs[0].end.write(control(END))
    await two.keepers[0].close_link(1, 1)
    assert two.programs[1].size == 6 * len(frames) + 8
    await until(lambda: not two.keepers[1]._ends)
    assert two.programs[1].told == ["restored"]
    two.programs[1].end.write(SOME)
    await two.programs[1].end.close()


async def test_who_leaves_before_the_end_is_named(two: Two) -> None:
    two.open(0, 1)
    await two.online()
    await two.keepers[0].close()
    await until(lambda: two.programs[1].error)
    assert isinstance(two.programs[1].error, PeerError)
    assert (two.programs[1].error.message, two.programs[1].error.peer) == ("Alice has left", "Alice")
    assert two.programs[0].told == ["restored"]


async def test_both_close_at_once(two: Two) -> None:
    two.open(0, 1)
    await two.online()
    for program in two.programs:
        program.end.write(SOME + control(END))
    async with asyncio.timeout(1):
        await asyncio.gather(*(keeper.close() for keeper in two.keepers))
    assert all("failed" not in program.told for program in two.programs)


async def test_close_does_not_wait_for_a_peer_that_is_gone(two: Two) -> None:
    two.open(0, 1)
    await two.online()
    two.programs[1].end.abort()
    two.programs[0].end.write(SOME)
    async with asyncio.timeout(2):
        await two.programs[0].end.close(0.1)
    assert two.programs[0].told == ["restored"]


async def test_close_survives_a_cut(two: Two) -> None:
    two.open(0, 1)
    await two.online()
    two.programs[0].end.write(data_frames(bytes(4 << 20)) + control(END))
    closing = asyncio.create_task(two.programs[0].end.close())
    await asyncio.sleep(0)
    two.proxy.cut()
    await closing
    assert two.programs[1].size == (4 << 20) + 64 * 8 + 8


async def test_a_link_is_opened_once(two: Two) -> None:
    two.open(0, 1)
    with pytest.raises(ValueError, match="opened before"):
        two.open(0)
    two.programs[0].end.abort()
    with pytest.raises(ValueError, match="opened before"):
        two.open(0)


# --- one keeper against wires in memory


def lonely(pid: int, *dialers: tuple[str, Dial], timing: Timing = QUICK) -> tuple[Keeper, Program]:
    keeper = Keeper(pid, [Peer(1 - pid, NAMES[1 - pid], KEY)], dialers, CRYPTO, timing=timing)
    return keeper, Program()


class Taker:
    def __init__(self) -> None:
        self.got = b""
        self.lost = False

    def wire_data(self, data: bytes) -> None:
        self.got += data

    def wire_lost(self, reason: str) -> None:
        self.lost = True


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


async def test_an_old_wire_can_not_come_back() -> None:
    keeper, program = lonely(1)
    program.end = keeper.open(0, 1, program)
    old, bobs_old = memory_wires()
    keeper.accepted(0, 1, bobs_old)
    ends = Ends(0, 1, "Bob", 1, old.info.local_key, old.info.peer_key)
    proof = Proof(ends, KEY, bytes(32), generation=1)
    taker = Taker()
    old.start(taker)
    old.send(proof.start())
    await until(lambda: len(taker.got) == 65)
    bobs_old.hold = True
    old.send(proof.receive(taker.got, 0))
    new, bobs_new = memory_wires()
    keeper.accepted(0, 1, bobs_new)
    newer = await prove(new, 2)
    await until(lambda: newer.got == control(RESUME, 0))
    bobs_old.release()
    await until(lambda: taker.lost)
    assert (newer.lost, bobs_new.open) == (False, True)
    for generation in (1, 2):
        stale, bobs_stale = memory_wires()
        keeper.accepted(0, 1, bobs_stale)
        late = Taker()
        stale.start(late)
        stale.send(Proof(ends, KEY, bytes(32), generation=generation).start())
        await until(lambda late=late: late.lost)
        assert late.got == b""
    assert f"after {2}" in program.end.reason
    program.end.abort()


async def test_a_newer_wire_takes_over_from_one_that_still_works() -> None:
    keeper, program = lonely(1)
    program.end = keeper.open(0, 1, program)
    first, bobs_first = memory_wires()
    keeper.accepted(0, 1, bobs_first)
    taker = await prove(first, 1)
    first.send(control(RESUME, 0) + SOME + SOME[:7])
    await until(lambda: program.size == 13)
    second, bobs_second = memory_wires()
    keeper.accepted(0, 1, bobs_second)
    newer = await prove(second, 5)
    # The half of a frame that came on the old wire is not counted.
    await until(lambda: newer.got == control(RESUME, 13))
    assert taker.lost
    second.send(control(RESUME, 0) + SOME)
    await until(lambda: program.size == 26)
    assert program.told == ["restored", "restored"]
    program.end.abort()


async def test_a_wire_that_goes_on_after_its_end_reaches_nobody() -> None:
    keeper, program = lonely(1)
    program.end = keeper.open(0, 1, program)
    first, bobs_first = memory_wires()
    keeper.accepted(0, 1, bobs_first)
    await prove(first, 1)
    first.send(control(RESUME, 0) + SOME)
    await until(lambda: program.size == 13)
    old = bobs_first.receiver
    assert old
    second, bobs_second = memory_wires()
    keeper.accepted(0, 1, bobs_second)
    newer = await prove(second, 2)
    await until(lambda: newer.got == control(RESUME, 13))
    second.send(control(RESUME, 0))
    old.wire_data(SOME)
    old.wire_lost("late")
    second.send(SOME)
    await until(lambda: program.size >= 26)
    assert (program.size, program.told) == (26, ["restored", "restored"])
    program.end.abort()


async def test_a_dial_that_crossed_is_not_taken_for_a_new_wire() -> None:
    first, bobs = memory_wires()

    async def dial(pid: int, run: int) -> Wire:
        return first

    keeper, program = lonely(0, ("memory", dial), timing=replace(QUICK, settle=0.1))
    program.end = keeper.open(1, 1, program)
    taker = Taker()
    bobs.start(taker)
    await until(lambda: len(taker.got) == 47)
    proof = Proof(Ends(1, 0, "Alice", 1, bobs.info.local_key, bobs.info.peer_key), KEY, bytes(32))
    bobs.send(proof.receive(taker.got, 0))
    await until(lambda: len(taker.got) == 47 + 33 + 16)
    crossed, bobs_crossed = memory_wires()
    late = Taker()
    bobs_crossed.start(late)
    keeper.accepted(1, 1, crossed)
    for _ in range(10):
        await asyncio.sleep(0)
    assert late.got == b""
    await until(lambda: len(late.got) == 47)
    program.end.abort()


async def test_a_program_that_was_closed_may_still_count(two: Two) -> None:
    two.open(0, 1)
    await two.online()
    end = two.programs[1].end
    closing = asyncio.create_task(end.close())
    two.programs[0].end.write(SOME)
    await closing
    end.delivered(0)
    assert two.programs[1].size == 0


async def test_a_peer_that_breaks_the_protocol_is_named() -> None:
    keeper, program = lonely(1)
    program.end = keeper.open(0, 1, program)
    wire, bobs = memory_wires()
    keeper.accepted(0, 1, bobs)
    taker = await prove(wire, 1)
    wire.send(control(PING, 1))
    await until(lambda: program.error)
    assert isinstance(program.error, PeerError)
    assert program.error.peer == "Alice"
    await until(lambda: taker.lost)
    assert not keeper._ends


async def test_strangers_fill_nothing() -> None:
    keeper, program = lonely(1)
    parked = [memory_wires() for _ in range(100)]
    for number, (_, wire) in enumerate(parked):
        keeper.accepted(0, 1 + number // 20, wire)
    keeper.accepted(7, 1, memory_wires()[1])
    assert sum(wire.open for _, wire in parked) == 5 * keeper_module.PARKED_LINK
    program.end = keeper.open(0, 1, program)
    more = [memory_wires() for _ in range(50)]
    for _, wire in more:
        keeper.accepted(0, 1, wire)
    assert sum(wire.open for _, wire in more) == 4
    for wire, _ in [*parked[:4], *more[:4]]:
        wire.send(b"\x00 let me in")
    await until(lambda: not any(wire.open for _, wire in [*parked[:20], *more]))
    program.end.abort()
    late = memory_wires()[1]
    keeper.accepted(0, 1, late)
    assert not late.open
    await keeper.close()
    assert not any(wire.open for _, wire in parked)


async def test_a_wire_that_nobody_wants_is_dropped() -> None:
    keeper, _ = lonely(1, timing=replace(QUICK, parked=0.02))
    _, wire = memory_wires()
    keeper.accepted(0, 1, wire)
    await until(lambda: not wire.open)
    assert not keeper._parked


async def test_a_silent_stranger_has_a_time_limit() -> None:
    keeper, program = lonely(0, timing=replace(QUICK, proof=0.02))
    program.end = keeper.open(1, 1, program)
    wire, _ = memory_wires()
    keeper.accepted(1, 1, wire)
    await until(lambda: not wire.open)
    assert program.end.reason == "no proof within 0.02 s"
    program.end.abort()


async def test_networks_are_dialled_in_order_of_preference() -> None:
    dialled: list[str] = []

    def network(name: str, *, fails: bool) -> tuple[str, Dial]:
        async def dial(pid: int, run: int) -> Wire:
            if name not in dialled:
                dialled.append(name)
            if fails:
                raise NetworkError("no way")
            await asyncio.Event().wait()
            raise AssertionError

        return name, dial

    keeper, program = lonely(
        0,
        network("fails", fails=True),
        network("hangs", fails=False),
        network("late", fails=True),
        timing=replace(QUICK, head_start=30.0),
    )
    program.end = keeper.open(1, 1, program)
    await until(lambda: len(dialled) == 2)
    await asyncio.sleep(0.05)
    assert dialled == ["fails", "hangs"]
    assert program.end.reason == "fails: no way"
    program.end.abort()

    dialled.clear()
    keeper, program = lonely(
        0, network("hangs", fails=False), network("late", fails=True), timing=replace(QUICK, head_start=0.01)
    )
    program.end = keeper.open(1, 1, program)
    await until(lambda: dialled == ["hangs", "late"])
    program.end.abort()


async def test_a_link_without_a_wire_keeps_no_more_than_its_window() -> None:
    keeper, program = lonely(0)
    program.end = keeper.open(1, 1, program)
    frames = data_frames(bytes(60_000))
    while program.end.writable:
        program.end.write(frames)
    assert program.end.stats.queued < WINDOW + len(frames)
    assert (program.end.stats.network, program.end.online) == ("", False)
    async with asyncio.timeout(1):
        await program.end.close(0.01)
    program.end.write(frames)
    assert program.end.stats.queued <= WINDOW + len(frames)
