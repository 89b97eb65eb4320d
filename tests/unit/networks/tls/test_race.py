"""Attempts side by side: the first that succeeds is taken, and nothing is left of the others."""

import asyncio

import pytest

from huddle.links.stream import StreamWire
from huddle.links.wire import WireInfo
from huddle.networks.tls import race


class Wire(StreamWire):
    """A wire that says whether it was dropped."""

    def __init__(self, name: str) -> None:
        super().__init__(WireInfo("tls", name, b"", b"", True))


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(race, "STAGGER", 0.001)


async def test_the_first_that_succeeds_ends_the_others_which_were_begun_in_order() -> None:
    begun: list[str] = []
    given_up: list[str] = []

    async def attempt(address: str) -> StreamWire:
        begun.append(address)
        if address == "third":
            return Wire(address)
        try:
            await asyncio.Event().wait()
        finally:
            given_up.append(address)
        raise AssertionError

    failures: dict[str, str] = {}
    wire = await race.first(["first", "second", "third", "fourth"], attempt, failures)
    assert wire is not None and wire.info.path == "third"
    assert begun == ["first", "second", "third"]
    assert sorted(given_up) == ["first", "second"] and failures == {}


async def test_where_all_fail_each_says_why() -> None:
    async def attempt(address: str) -> StreamWire:
        raise race.AttemptFailed(f"{address} refused")

    failures: dict[str, str] = {}
    assert await race.first(["a", "b"], attempt, failures) is None
    assert failures == {"a": "a refused", "b": "b refused"}


async def test_a_wire_that_comes_too_late_is_dropped() -> None:
    made = {name: Wire(name) for name in ("slow", "quick")}
    begun = asyncio.Event()

    async def attempt(address: str) -> StreamWire:
        if address == "slow":
            try:
                await begun.wait()
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                return made[address]  # it was there before anybody gave it up
        begun.set()
        return made[address]

    assert await race.first(["slow", "quick"], attempt, {}) is made["quick"]
    assert made["slow"].over and not made["quick"].over


async def test_cancelled_it_leaves_nothing() -> None:
    wire = Wire("late")

    async def attempt(address: str) -> StreamWire:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return wire
        raise AssertionError

    task = asyncio.create_task(race.first(["a"], attempt, {}))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert wire.over
