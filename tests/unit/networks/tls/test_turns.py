"""Whose turn it is to dial for a run."""

import asyncio

import pytest

from huddle.networks.tls import turns
from huddle.networks.tls.turns import Turns

PAUSE = 0.05


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "TURN_SECONDS", PAUSE)


async def waited(known: Turns, pid: int, run: int) -> bool:
    """Whether it was not at once this party's turn."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    await known.mine(pid, run)
    return loop.time() - began >= PAUSE


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
