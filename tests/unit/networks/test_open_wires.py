"""Wires that end with their network: those in use at once, closed ones after a moment."""

import asyncio

from huddle.networks.open_wires import OpenWires


class Wire:
    def __init__(self, *, over: bool = False, stuck: bool = False) -> None:
        self.over = over
        self.dropped = 0
        self._stuck = stuck

    def drop(self, wires: "OpenWires[Wire]") -> None:
        self.dropped += 1
        if not self._stuck:
            wires.discard(self)


def those(*wires: Wire) -> OpenWires[Wire]:
    found: OpenWires[Wire] = OpenWires(lambda wire: wire.over, lambda wire: wire.drop(found))
    for wire in wires:
        found.add(wire)
    return found


async def test_what_is_in_use_is_dropped_at_once_and_what_was_closed_may_send_its_rest() -> None:
    used, closed = Wire(), Wire(over=True)
    wires = those(used, closed)
    end = asyncio.create_task(wires.end(60))
    await asyncio.sleep(0)
    assert (used.dropped, closed.dropped, end.done(), len(wires)) == (1, 0, False, 1)
    wires.discard(closed)
    await end
    assert not closed.dropped and not wires


async def test_what_was_closed_and_never_goes_is_dropped_in_the_end() -> None:
    closed = Wire(over=True, stuck=True)
    await those(closed).end(0.01)
    assert closed.dropped == 1
    await those(closed).end(0)  # no moment, no waiting
    assert closed.dropped == 2


async def test_a_wire_that_comes_back_after_all_had_gone_is_waited_for_too() -> None:
    first, second = Wire(over=True), Wire(over=True)
    wires = those(first)
    wires.discard(first)
    wires.add(second)
    end = asyncio.create_task(wires.end(60))
    await asyncio.sleep(0)
    assert not end.done()
    wires.discard(second)
    await end
