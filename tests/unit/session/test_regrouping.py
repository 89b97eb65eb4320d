"""Who is lost, who is told, and which invitation counts: by each party's own word, and the host's alone."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from huddle.ceremony.invitation import Invitation
from huddle.errors import PeerError
from huddle.identity.keys import Identity
from huddle.session import regrouping as module
from huddle.session.control_messages import Lost, Regroup
from huddle.session.regrouping import Regrouping
from tests.unit.session.company import CRYPTO

NAMES = {0: "Hanna", 1: "Ann", 2: "Bob"}
HOST = Identity.fresh(CRYPTO)
URL = "https://rendezvous.example"


class Peers:
    def __init__(self, me: int) -> None:
        self.peers = {pid: SimpleNamespace(silent=False, lost_at=None) for pid in NAMES if pid != me}
        self.sent: list[tuple[int, Any]] = []

    def send(self, pid: int, message: Any) -> None:
        self.sent.append((pid, message))


def party(pid: int, *, may: bool = True) -> tuple[Regrouping, Peers]:
    peers = Peers(pid)
    return Regrouping(cast(Any, peers), NAMES, host=pid == 0, may=may), peers


def invitation(identity: Identity = HOST, url: str = URL) -> Invitation:
    return Invitation.fresh(CRYPTO, url, identity.did)


async def test_a_guest_tells_the_host_whom_it_needs_and_nobody_of_the_host(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "HOST_SECONDS", 0.01)
    ann, peers = party(1)
    ann.lose(2, "gone")
    assert peers.sent == [] and ann.may, "who leaves when all is done is missed by nobody"
    await ann.host_s_word()
    assert peers.sent == [(0, Lost(2, "gone"))]
    ann.lose(0, "gone")
    assert not ann.may and not await ann.host_s_word() and len(peers.sent) == 1


def test_the_host_calls_those_who_are_still_here_into_a_new_room() -> None:
    hanna, peers = party(0)
    hanna.lose(2, "gone")
    assert hanna.stayed() == [1] and not hanna.over
    new = invitation()
    hanna.call(new, "Bob was lost")
    assert peers.sent == [(1, Regroup(new.url, "Bob was lost"))] and hanna.over


def test_a_host_without_a_person_lets_nobody_else_in() -> None:
    assert not party(0, may=False)[0].may


def test_only_the_host_hears_who_was_lost_and_only_of_other_guests() -> None:
    hanna, _ = party(0)
    error = hanna.heard(1, Lost(2, "gone"))
    assert isinstance(error, PeerError) and error.peer == "Bob" and "Ann has lost Bob" in error.message
    for wrong in (Lost(1, "me"), Lost(0, "you"), Lost(9, "nobody")):
        assert hanna.heard(1, wrong) is None
    assert hanna.wanted and not hanna.lost, "who is still heard here keeps the seat"
    assert party(2)[0].heard(1, Lost(2, "gone")) is None


def test_who_is_silent_here_too_is_lost_when_a_guest_says_so() -> None:
    hanna, peers = party(0)
    peers.peers[2].silent = True
    hanna.heard(1, Lost(2, "gone"))
    assert hanna.lost == {2: "gone"} and hanna.stayed() == [1]


def test_a_guest_goes_where_its_host_is_and_nowhere_else() -> None:
    new = invitation()
    for url in (
        invitation(Identity.fresh(CRYPTO)).url,  # somebody else's
        invitation(url="https://elsewhere.example").url,
        "nonsense",
        "",
    ):
        ann, _ = party(1)
        wrong = ann.take(Regroup(url, "x"), HOST.did, URL)
        assert isinstance(wrong, PeerError) and wrong.peer == "Hanna" and not ann.over, url
    ann, _ = party(1)
    assert ann.take(Regroup(new.url, "Bob was lost"), HOST.did, URL) is None
    assert ann.over and ann.invitation == new and ann.reason == "Bob was lost"


async def test_a_guest_waits_for_the_host_s_word_until_it_comes_or_can_t(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ann, _ = party(1)
    ann.lose(2, "gone")
    waiting = asyncio.create_task(ann.host_s_word())
    await asyncio.sleep(0)
    ann.take(Regroup(invitation().url, "x"), HOST.did, URL)
    assert await waiting
    left, _ = party(1)
    waiting = asyncio.create_task(left.host_s_word())
    await asyncio.sleep(0)
    left.lose(0, "gone")
    async with asyncio.timeout(10):  # a host that is gone says nothing more
        assert not await waiting
    monkeypatch.setattr(module, "HOST_SECONDS", 0.01)
    assert not await party(1)[0].host_s_word()
