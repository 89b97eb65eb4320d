"""Which wire a link takes: order, crossing dials, stale wires."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

from huddle.errors import NetworkError
from huddle.links.frames import RESUME, control
from huddle.links.manager import Dial, DialTarget, LinkManager, Timing
from huddle.links.proof import Ends, Proof
from huddle.links.wire import Wire
from tests.unit.links.support import (
    CRYPTO,
    KEY,
    NAMES,
    QUICK,
    SEALED,
    SOME,
    MemoryWire,
    Program,
    Taker,
    Two,
    lonely,
    memory_wires,
    prove,
    until,
)


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


class Shore:
    """A network in memory between two keepers, which works only when it is told to."""

    def __init__(self, name: str, keepers: list[LinkManager], *, works: bool) -> None:
        self.name = name
        self.works = works
        self.path = f"by {name}"
        self.dialled = 0
        self.wires: list[MemoryWire] = []
        self._keepers = keepers

    def dialer(self, pid: int) -> tuple[str, Dial]:
        async def dial(peer: int, run: int) -> Wire:
            self.dialled += 1
            if not self.works:
                raise NetworkError(f"{self.name} is closed")
            info = replace(SEALED, network=self.name, path=self.path)
            mine, theirs = memory_wires(info)
            if pid == 1:  # `memory_wires` makes the initiator's end first
                mine, theirs = theirs, mine
            self.wires += [mine, theirs]
            asyncio.get_running_loop().call_soon(self._keepers[peer].accepted, pid, run, theirs)
            return mine

        return self.name, dial


def shores(*works: bool, timing: Timing = QUICK) -> tuple[list[Shore], list[LinkManager]]:
    """Networks named a, b, …, the best first, between Alice and Bob."""
    keepers: list[LinkManager] = []
    made = [Shore(chr(ord("a") + number), keepers, works=one) for number, one in enumerate(works)]
    for pid in (0, 1):
        peer = DialTarget(1 - pid, NAMES[1 - pid], KEY)
        keepers.append(LinkManager(pid, [peer], [one.dialer(pid) for one in made], CRYPTO, timing=timing))
    return made, keepers


def opened(keepers: list[LinkManager], run: int) -> list[Program]:
    programs = [Program(), Program()]
    for pid, program in enumerate(programs):
        program.end = keepers[pid].open(1 - pid, run, program)
    return programs


def on(network: str, *programs: Program) -> Callable[[], bool]:
    return lambda: all(one.end.online and one.end.stats.network == network for one in programs)


async def test_what_was_tried_before_the_network_that_worked_is_told() -> None:
    _, keepers = shores(False, False, True)
    programs = opened(keepers, 1)
    await until(on("c", *programs))
    alice = programs[0].info
    assert alice is not None
    assert alice.tried == (("a", "a is closed"), ("b", "b is closed"))
    await asyncio.gather(*(keeper.close(0.2) for keeper in keepers))


async def test_a_link_moves_to_a_better_network_when_one_begins_to_work_and_loses_nothing() -> None:
    made, keepers = shores(False, True, timing=replace(QUICK, improve=0.05))
    programs = opened(keepers, 0)
    await until(on("b", *programs))
    made[0].works = True
    sent = 0
    while not on("a", *programs)():
        programs[0].end.write(SOME)
        programs[1].end.write(SOME)
        sent += len(SOME)
        await asyncio.sleep(0.002)
    await until(lambda: [one.size for one in programs] == [sent, sent])
    # Nobody was told of a loss: the old wire lingers until both have left it.
    assert [one.told for one in programs] == [["restored", "restored"]] * 2
    assert all(one.info and one.info.tried == () for one in programs)
    await until(lambda: not any(wire.open for wire in made[1].wires))
    await asyncio.gather(*(keeper.close(0.2) for keeper in keepers))


async def test_a_link_on_the_best_network_tries_no_other() -> None:
    made, keepers = shores(True, True, timing=replace(QUICK, improve=0.01, head_start=30.0))
    programs = opened(keepers, 0)
    await until(on("a", *programs))
    dialled = made[0].dialled
    await asyncio.sleep(0.1)
    assert (made[0].dialled, made[1].dialled) == (dialled, 0)
    await asyncio.gather(*(keeper.close(0.2) for keeper in keepers))


async def test_a_data_link_begins_on_the_control_link_s_network_and_follows_it() -> None:
    made, keepers = shores(False, True, timing=replace(QUICK, improve=30.0))
    control = opened(keepers, 0)
    await until(on("b", *control))
    before = made[0].dialled
    data = opened(keepers, 1)
    await until(on("b", *data))
    assert made[0].dialled == before
    made[0].works = True
    for program in control:
        program.end.improve()
    await until(on("a", *control, *data))
    assert all(one.told == ["restored", "restored"] for one in (*control, *data))
    await asyncio.gather(*(keeper.close(0.2) for keeper in keepers))


async def test_networks_that_the_peer_has_not_are_not_dialled_and_said() -> None:
    made, _ = shores(True, True)
    peer = DialTarget(1, "Bob", KEY, frozenset({"b"}), (("a", "Bob does not offer it"),))
    keeper = LinkManager(0, [peer], [one.dialer(0) for one in made], CRYPTO, timing=QUICK)
    program = Program()
    program.end = keeper.open(1, 1, program)
    await until(lambda: made[1].dialled)
    assert made[0].dialled == 0
    program.end.abort()

    alone = DialTarget(1, "Bob", KEY, frozenset(), (("a", "Bob does not offer it"),))
    keeper = LinkManager(0, [alone], [one.dialer(0) for one in made], CRYPTO, timing=QUICK)
    program = Program()
    program.end = keeper.open(1, 1, program)
    assert program.end.reason == "no network that both allow (a: Bob does not offer it)"
    program.end.abort()


async def test_a_relayed_wire_is_left_for_a_direct_one_and_never_taken_instead_of_one() -> None:
    made, keepers = shores(True, False, timing=replace(QUICK, improve=0.03, improve_most=0.03))
    made[0].path = "relayed by somebody"
    programs = opened(keepers, 0)
    await until(on("a", *programs))
    made[1].works = True
    await until(on("b", *programs))
    dialled = made[0].dialled
    await until(lambda: made[0].dialled > dialled + 4)
    assert on("b", *programs)()
    assert [one.told for one in programs] == [["restored", "restored"]] * 2
    made[0].path = "direct"
    await until(on("a", *programs))
    await asyncio.gather(*(keeper.close(0.2) for keeper in keepers))
