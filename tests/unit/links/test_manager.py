"""Keepers: links that open late, wires that come early, and strangers."""

from dataclasses import replace

import pytest

from huddle.links import manager as keeper_module
from tests.unit.links.support import QUICK, Two, lonely, memory_wires, until


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
