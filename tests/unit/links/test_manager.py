"""Keepers: links that open late, wires that come early, and strangers."""

import asyncio
from dataclasses import replace

import pytest

from huddle.links import manager as keeper_module
from huddle.links.manager import DialTarget, LinkManager
from huddle.links.wire import Wire
from tests.unit.links.support import (
    CRYPTO,
    KEY,
    NAMES,
    QUICK,
    SOME,
    Program,
    Two,
    lonely,
    memory_wires,
    until,
)


@pytest.mark.parametrize("first", [0, 1])
async def test_a_wire_may_come_before_its_link_is_open(two: Two, first: int) -> None:
    two.open(first)
    await until(lambda: two.keepers[1 - first]._parked)
    two.open(1 - first)
    await two.online()


async def test_a_link_is_opened_once(two: Two) -> None:
    two.open(0, 1)
    with pytest.raises(ValueError, match="opened before"):
        two.open(0)
    two.programs[0].end.abort()
    with pytest.raises(ValueError, match="opened before"):
        two.open(0)


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


class Prepared:
    """Two keepers, of which Alice's dials in memory; all `runs` that she dials are noted."""

    def __init__(self) -> None:
        self.runs: list[int] = []
        alice = LinkManager(0, [DialTarget(1, NAMES[1], KEY)], [("memory", self.dial)], CRYPTO, timing=QUICK)
        bob = LinkManager(1, [DialTarget(0, NAMES[0], KEY)], [], CRYPTO, timing=QUICK)
        self.keepers = [alice, bob]

    async def dial(self, pid: int, run: int) -> Wire:
        self.runs.append(run)
        mine, theirs = memory_wires()
        self.keepers[pid].accepted(0, run, theirs)
        return mine

    def open(self, pid: int, run: int) -> Program:
        program = Program()
        program.end = self.keepers[pid].open(1 - pid, run, program)
        return program


@pytest.mark.parametrize("preparing", [(0, 1), (0,)])
async def test_a_link_is_prepared_beside_the_control_link_and_keeps_what_comes(
    preparing: tuple[int, ...],
) -> None:
    both = Prepared()
    for pid in preparing:
        both.keepers[pid].prepare(1 - pid, 1)
    assert not both.runs
    both.open(0, 0)
    both.open(1, 0)
    await until(lambda: both.runs == [0, 1])
    alice = both.open(0, 1)
    alice.end.write(SOME)
    if 1 in preparing:
        early = both.keepers[1]._early[0, 1]
        await until(lambda: early.stats.bytes_received == len(SOME))
    bob = both.open(1, 1)
    await until(lambda: bob.size == len(SOME) and alice.end.stats.queued == 0)
    bob.end.write(SOME)
    await until(lambda: alice.size == len(SOME))
    assert (alice.told, bob.told) == (["restored"], ["restored"]) and both.runs == [0, 1]
    with pytest.raises(ValueError, match="opened before"):
        both.open(1, 1)
    await asyncio.gather(*(keeper.close(0.2) for keeper in both.keepers))


async def test_who_left_before_a_prepared_link_was_used_has_left() -> None:
    both = Prepared()
    for pid in (0, 1):
        both.keepers[pid].prepare(1 - pid, 1)
        both.open(pid, 0)
    await until(lambda: all((1 - pid, 1) in both.keepers[pid]._early for pid in (0, 1)))
    early = both.keepers[1]._early[0, 1]
    await until(lambda: early.online)
    await both.keepers[0].close(0.2)
    await until(lambda: not early.online)
    bob = both.open(1, 1)
    await until(lambda: bob.told[-1:] == ["failed"])
    await both.keepers[1].close(0.2)
