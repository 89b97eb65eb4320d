"""What a session's events mean for the host of its class: one word, and nothing of what was said."""

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest

from huddle import events
from huddle.errors import PeerError
from huddle.groups import front_room
from huddle.groups.front_room import FrontRoom, _meaning
from huddle.groups.messages import STATES
from huddle.rendezvous.client import absence

OWN, OTHER = ("self", "new")


@pytest.mark.parametrize(
    ("event", "word"),
    [
        (events.Words(("a", "b", "c", "d")), "in"),
        (events.Party("Ada", "did:ada", "accepted", OWN, 0), "words"),
        (events.Party("Bob", "did:bob", "accepted", OTHER, 1), ""),
        (events.Run(1, "started"), "computing"),
        (events.Run(1, "finished"), "result"),
        (events.Run(1, "failed", reason="a secret"), "failed"),
        (events.Error("local", "a secret"), "failed"),
        (events.Output("stdout", "a secret"), ""),
        (events.Chat("Ada", "a secret"), ""),
        (events.Input(True), ""),
    ],
)
def test_an_event_is_one_word_or_nothing(event: events.Event, word: str) -> None:
    assert _meaning(event) == word and (not word or word in STATES)


class Room:
    """A room in which nothing is said, and of whose maker the rendezvous says this."""

    def __init__(self) -> None:
        self.state = SimpleNamespace(maker=True)

    async def __aiter__(self) -> AsyncIterator[tuple[int, bytes]]:
        await asyncio.Event().wait()
        yield 0, b""  # never


class Guest:
    """A guest who has seen the host, and waits for a place, or has one."""

    host_did, host_name = "did:tia", "Tia"
    error: Any = None
    deadline = None

    refused = False

    def __init__(self, placed: Any) -> None:
        self._placed = placed
        self._looks = 0

    @property
    def placed(self) -> Any:
        self._looks += 1
        return self._placed

    async def looked_at(self, times: int) -> None:
        until = self._looks + times
        async with asyncio.timeout(5):
            while self._looks < until:  # noqa: ASYNC110
                await asyncio.sleep(0.001)

    def leave(self, reason: str) -> None:
        pass

    def records_to_send(self) -> list[bytes]:
        return []


@pytest.mark.parametrize("placed", [None, "a place"])
async def test_who_waits_in_a_class_that_its_host_has_left_for_good_is_told(
    monkeypatch: pytest.MonkeyPatch, placed: Any
) -> None:
    monkeypatch.setattr(absence, "LOOK", 0.001)
    monkeypatch.setattr(front_room, "HOST_MISSED", 0.005)
    guest, room = Guest(placed), Room()
    front = FrontRoom(guest, room, "Ada")  # type: ignore[arg-type]
    await guest.looked_at(20)
    assert guest.error is None, "while the host is there"
    room.state.maker = False
    if placed is None:
        async with asyncio.timeout(5):
            with pytest.raises(PeerError, match="Tia has gone: nobody has seen the host"):
                await front.placed(lambda refused: None)
    else:
        await guest.looked_at(20)
        assert guest.error is None, "whoever has a place needs the host no more"
    await front.close()
