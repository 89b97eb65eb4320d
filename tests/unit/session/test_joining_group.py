"""A guest's way through a class: what counts as a loss, and how often another place is waited for."""

from types import SimpleNamespace
from typing import Any

import pytest

from huddle.ceremony.invitation import Invitation
from huddle.errors import LocalError, PeerError
from huddle.groups.front_room import FrontRoom
from huddle.identity.keys import Identity
from huddle.identity.native import NativeCrypto
from huddle.rendezvous.client.room import RoomGone
from huddle.session.group_seat import GroupSeat
from huddle.session.joining_group import _has_lost_somebody, join_group
from huddle.session.plans import GuestPlan
from huddle.session.room_keeping import MAX_RETURNS

CRYPTO = NativeCrypto()
ADA = Identity.fresh(CRYPTO)
URL = "https://huddle.example.org"


class Stages:
    """As much of a party's stages as a way through a class needs."""

    def __init__(self) -> None:
        self.crypto, self.identity = CRYPTO, ADA
        self.settings = SimpleNamespace(name="Bob")
        self.told: list[str] = []
        self.group = self.together = self.emit = self.standing = None

    def begin_anew(self, reason: str, what: str) -> None:
        self.told.append(f"{reason}: {what}")


@pytest.fixture
def stages() -> Any:
    return Stages()


@pytest.mark.parametrize(
    ("lost", "wanted", "is_loss"), [({}, False, False), ({1: "gone"}, False, True), ({}, True, True)]
)
async def test_a_loss_is_who_is_missed_and_not_what_went_wrong(
    stages: Any, lost: dict[int, str], wanted: bool, is_loss: bool
) -> None:
    assert _has_lost_somebody(stages)  # before the sealing nobody had anything else
    stages.together = SimpleNamespace(regrouping=SimpleNamespace(lost=lost, wanted=wanted))
    assert _has_lost_somebody(stages) is is_loss


class Seat:
    """A place in a group whose session ends as the test says."""

    def __init__(self, stages: Any, ends: list[Any]) -> None:
        self.is_last = False
        self.left = 0
        self._stages, self._ends = stages, ends

    def plan(self, plan: GuestPlan) -> GuestPlan:
        return plan

    async def hold(self, session: Any, sealed: Any) -> bool:
        session.close()
        end = self._ends.pop(0)
        if isinstance(end, Exception):
            raise end
        return bool(end)

    def leave(self) -> None:
        self.left += 1


@pytest.mark.parametrize(
    ("ends", "last", "left"),
    [
        ([True], False, 0),
        ([PeerError("Bob left.", peer="Bob"), False], False, 1),
        ([RoomGone("deleted"), PeerError("x", peer=""), True], False, 2),
        ([PeerError("Bob left", peer="Bob")], True, 0),
        ([LocalError("no disk")], False, 0),
        ([PeerError("again", peer="")] * 20, False, MAX_RETURNS),
    ],
)
async def test_a_member_whose_group_lost_somebody_waits_for_another_place_so_many_times(
    stages: Any, ends: list[Any], last: bool, left: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    seat = Seat(stages, list(ends))
    seat.is_last = last

    async def enter(*args: Any, patient: bool) -> None:
        pass

    async def take(*args: Any) -> Seat:
        return seat

    monkeypatch.setattr(FrontRoom, "enter", enter)
    monkeypatch.setattr(GroupSeat, "take", take)
    groups = Invitation.fresh(CRYPTO, URL, ADA.did, groups=True)
    joined = join_group(stages, GuestPlan(""), groups, SimpleNamespace(software=()), None, None)  # type: ignore[arg-type]
    if isinstance(ends[-1], Exception):
        with pytest.raises(type(ends[-1])):
            await joined
    else:
        assert await joined is ends[-1]
    assert seat.left == left and len(stages.told) == left
    assert not any(".:" in text for text in stages.told)
