"""Whose turn it is to dial for a run."""

import asyncio

import pytest

from huddle.networks.tls import turns
from huddle.networks.tls.turns import Turns
from tests.unit.networks.tls.test_network import session


async def waited(known: Turns, pid: int, run: int) -> bool:
    """Whether it is not at once this party's turn."""
    task = asyncio.create_task(known.mine(pid, run))
    for _ in range(3):
        await asyncio.sleep(0)
    over = task.done()
    task.cancel()
    return not over


def all_known() -> Turns:
    known = Turns()
    known.begin(0, lower=True)
    known.begin(1, lower=True)
    known.begin(3, lower=False)
    known.reached_by(0)
    known.reached_by(3)
    return known


async def test_a_peer_that_is_known_to_get_through_has_the_first_turn_in_a_run() -> None:
    assert await waited(all_known(), 0, 1)


async def test_nobody_waits_for_a_peer_that_never_got_through_or_that_waits_itself() -> None:
    known = all_known()
    assert not await waited(known, 1, 1)
    assert not await waited(known, 3, 1)


async def test_a_control_link_and_a_lost_wire_are_dialled_for_at_once() -> None:
    known = all_known()
    assert await waited(known, 0, 1)
    assert not await waited(known, 0, 1)
    assert await waited(known, 0, 2)
    assert not await waited(known, 0, 0)


async def test_after_a_new_control_link_it_counts_who_dialled_that() -> None:
    known = all_known()
    await known.mine(0, 0)
    assert not await waited(known, 0, 1)
    known.reached_by(0)
    assert await waited(known, 0, 2)


async def test_in_a_run_one_dial_is_enough_where_the_other_end_is_known_to_get_through(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(turns, "TURN_SECONDS", 60.0)
    async with session() as parties:
        await parties[0].network.dial(1, 0)
        assert (await parties[1].next())[:2] == (0, 0)
        late = asyncio.create_task(parties[1].network.dial(0, 1))
        wire = await parties[0].network.dial(1, 1)
        assert (await parties[1].next())[:2] == (0, 1)
        assert not late.done() and parties[0].inbound.empty()
        late.cancel()
        wire.abort()
