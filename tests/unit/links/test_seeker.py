"""Which wire a link takes: order, crossing dials, stale wires."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

from huddle.errors import NetworkError
from huddle.links.frames import RESUME, control
from huddle.links.keeper import Dial
from huddle.links.proof import Ends, Proof
from huddle.links.wire import Wire

from .support import (
    KEY,
    QUICK,
    SOME,
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
