"""What a host's and a guest's session have in common: whom one knows, and how one session ends."""

from types import SimpleNamespace
from typing import Any

import pytest

from huddle import events
from huddle.errors import LocalError, PeerError
from huddle.identity.contacts import Contacts
from huddle.identity.keys import Identity
from huddle.identity.native import NativeCrypto
from huddle.session.preparation import Preparation
from huddle.session.settings import Settings
from huddle.session.stages import Stages

CRYPTO = NativeCrypto()
ME, BEN = Identity.fresh(CRYPTO), Identity.fresh(CRYPTO)


class Platform:
    """A place that is looked at."""

    crypto = CRYPTO
    in_browser = False

    def __init__(self) -> None:
        self.looked = 0

    async def ground(self, settings: Settings) -> Any:
        self.looked += 1
        return SimpleNamespace(software=())


def stages(settings: Settings | None = None) -> tuple[Stages, list[events.Event], Platform]:
    told: list[events.Event] = []
    platform: Any = Platform()
    settings = settings or Settings("Ada")
    preparation = Preparation(platform, settings, lambda text: None, lambda error: None)
    known = Contacts().met("Ben", BEN.did, 1).verified([BEN.did])
    return Stages(settings, ME, known, platform, told.append, preparation, lambda: ""), told, platform


def test_one_knows_oneself_contacts_and_who_is_called_like_one() -> None:
    one, _, _ = stages()
    other = Identity.fresh(CRYPTO).did
    assert one.standing("Ada", ME.did) == one.standing("Ben", ME.did) == "self"
    assert one.standing("Ben", BEN.did) == "verified" and one.standing("Cyd", other) == "new"
    assert one.standing("Ben", other) == "alarm" and one._alarm("Ben", other)
    assert not one._alarm("Ben", ME.did) and not one._alarm("Ben", BEN.did)


async def test_where_programs_run_is_looked_at_once_although_groups_are_dealt_again() -> None:
    one, _, platform = stages()
    assert await one.prepare() is await one.prepare()
    assert platform.looked == 1


async def test_an_output_that_can_t_be_is_said_before_anything_is_looked_at(tmp_path: Any) -> None:
    (tmp_path / "file").write_bytes(b"")
    one, _, platform = stages(Settings("Ada", output=tmp_path / "file"))
    with pytest.raises(LocalError, match="no directory"):
        await one.prepare()
    assert platform.looked == 0


def test_who_was_heard_in_one_session_was_not_heard_in_the_next() -> None:
    one, told, _ = stages()
    one.heard.add(BEN.did)
    one.together = one.meeting = SimpleNamespace()  # type: ignore[assignment]
    one.begin_anew("bob was lost", "The others keep their seats.")
    assert not one.heard and one.together is None and one.meeting is None
    assert told == [
        events.Restarted(0, "bob was lost"),
        events.Notice("Bob was lost. The others keep their seats."),
    ]


@pytest.mark.parametrize("well", [True, False])
def test_a_session_ends_as_its_runs_did_unless_something_broke_it(well: bool) -> None:
    one, _, _ = stages()
    assert one.result(well) is well
    broken = PeerError("Bob left", peer="Bob")
    one.together = SimpleNamespace(broken=broken, record=b"x")  # type: ignore[assignment]
    with pytest.raises(PeerError) as caught:
        one.result(well)
    assert caught.value is broken


async def test_nothing_runs_where_nothing_is_sealed() -> None:
    one, _, _ = stages()
    with pytest.raises(RuntimeError):
        await one.run({}, None)  # type: ignore[arg-type]
