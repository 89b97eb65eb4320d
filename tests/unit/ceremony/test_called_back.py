"""Whom the host's person refused, and who stays: called back, gone, or told that it began without them."""

from dataclasses import replace

from huddle.ceremony import events
from huddle.ceremony.host import HostCeremony
from huddle.ceremony.messages import DECLINED
from huddle.ceremony.states import CeremonyState
from tests.unit.ceremony.mesh import Mesh, Station
from tests.unit.ceremony.test_lobby import FIRST, admit_all, all_decide


def refused(mesh: Mesh, *, parties: int | None = 3) -> tuple[HostCeremony, Station, Station]:
    """A host, Ann who has a seat, and Bob, who was refused and stays."""
    mesh.admit = lambda came: came.name == "Ann"
    hanna = mesh.host(parties=parties, files=FIRST, lobby=True)
    mesh.guest("Ann")
    bob = mesh.guest("Bob", patient=True)
    mesh.run()
    core = hanna.core
    assert isinstance(core, HostCeremony)
    core.refuse(came(hanna, "Bob").hello, DECLINED)
    mesh.run()
    assert bob.error is None and bob.of(events.LobbyChanged)[-1].place == "refused"
    return core, hanna, bob


def came(hanna: Station, name: str) -> events.GuestCame:
    found: events.GuestCame = next(one for one in reversed(hanna.of(events.GuestCame)) if one.name == name)
    return found


def test_a_refused_guest_who_stays_is_called_back() -> None:
    mesh = Mesh()
    core, hanna, _ = refused(mesh)
    core.admit(came(hanna, "Bob").hello)
    mesh.run()
    assert mesh.sealed("Hanna", "Ann", "Bob")


def test_one_who_is_called_back_is_told_of_the_seat() -> None:
    mesh = Mesh()
    core, hanna, bob = refused(mesh, parties=4)
    core.seat(came(hanna, "Bob").hello)
    mesh.run()
    assert bob.of(events.LobbyChanged)[-1].place == "seated"


def test_one_who_was_refused_is_asked_about_no_more_in_a_new_epoch_and_can_still_be_called_back() -> None:
    mesh = Mesh()
    core, (hanna, ann, bob) = lobby_with_patient(mesh)
    core.refuse(came(hanna, "Bob").hello, DECLINED)
    mesh.run()
    asked = len(hanna.of(events.GuestCame))
    assert hanna.core.epoch == 2 and bob.of(events.LobbyChanged)[-1].place == "refused"
    core.change("two", parties=2)
    mesh.run()
    core.change("three", parties=3)
    mesh.run()
    assert hanna.core.epoch == 3 and len(hanna.of(events.GuestCame)) == asked + 1, "Bob was asked about"
    core.admit(came(hanna, "Bob").hello)
    mesh.run()
    all_decide(mesh)
    mesh.run()
    assert mesh.sealed("Hanna", "Ann", "Bob") and ann.error is None


def test_one_who_has_a_seat_and_is_refused_has_none_any_more() -> None:
    mesh = Mesh()
    hanna, bob = mesh.host(parties=3, files=FIRST, lobby=True), mesh.guest("Bob", patient=True)
    mesh.admit = lambda came: False
    mesh.run()
    core = hanna.core
    assert isinstance(core, HostCeremony)
    core.seat(came(hanna, "Bob").hello)
    mesh.run()
    core.refuse(came(hanna, "Bob").hello, DECLINED)
    mesh.run()
    assert [one.place for one in bob.of(events.LobbyChanged)] == ["seated", "refused"]


def test_one_who_is_called_back_and_refused_again_hears_it_again() -> None:
    mesh = Mesh()
    core, hanna, bob = refused(mesh)
    bob.decides = False
    core.admit(came(hanna, "Bob").hello)
    mesh.run()
    assert bob.core.state is CeremonyState.ACCEPTING
    before = len(bob.told)
    core.refuse(came(hanna, "Bob").hello, DECLINED)
    mesh.run()
    told = [one for one in bob.told[before:] if isinstance(one, events.LobbyChanged | events.Restarted)]
    assert isinstance(told[0], events.LobbyChanged) and told[0].place == "refused"


def test_one_who_is_refused_over_the_words_hears_it_before_it_begins_again() -> None:
    mesh = Mesh()
    core, (hanna, _, bob) = lobby_with_patient(mesh)
    core.refuse(came(hanna, "Bob").hello, DECLINED)
    mesh.run()
    told = [type(one) for one in bob.told]
    refused = next(n for n, one in enumerate(bob.told) if getattr(one, "place", "") == "refused")
    assert refused < len(told) - 1 - told[::-1].index(events.Restarted)


def lobby_with_patient(mesh: Mesh) -> tuple[HostCeremony, list[Station]]:
    """Three whose words are on the screen, of whom Bob stays where he is refused."""
    stations = [
        mesh.host(parties=3, files=FIRST, lobby=True),
        mesh.guest("Ann"),
        mesh.guest("Bob", patient=True),
    ]
    for station in stations:
        station.decides = False
    core = stations[0].core
    assert isinstance(core, HostCeremony)
    admit_all(mesh, stations[0])
    assert core.state is CeremonyState.ACCEPTING
    return core, stations


def test_one_who_was_refused_can_go_and_is_gone() -> None:
    mesh = Mesh()
    core, hanna, bob = refused(mesh)
    bob.core.leave("had enough")
    mesh.run()
    assert hanna.of(events.GuestLeft)[-1].name == "Bob" and not core._guests.refused


def test_one_who_was_refused_hears_that_the_session_has_begun_without_them() -> None:
    mesh = Mesh()
    core, _, bob = refused(mesh)
    core.change("two", parties=2)
    mesh.run()
    assert mesh.sealed("Hanna", "Ann")
    assert bob.error is not None and "has begun without you" in bob.error.message


def test_only_the_person_s_own_no_is_waited_out() -> None:
    mesh = Mesh()
    mesh.host(parties=3, files=FIRST, lobby=True)
    eve = mesh.guest("HANNA", patient=True)
    mesh.run()
    assert eve.error is not None and "has the name" in eve.error.message


def test_a_commitment_that_another_has_made_meanwhile_is_not_called_back() -> None:
    mesh = Mesh()
    core, hanna, bob = refused(mesh)
    asked = came(hanna, "Bob").hello
    (greeting,) = core._guests.waiting()
    ann = next(one for one in core._current.hellos.values() if one.hello.name == "Ann")
    core._current.hellos[ann.hello.did] = replace(
        ann, hello=replace(ann.hello, commitment=greeting.hello.commitment)
    )
    core.admit(asked)
    mesh.run()
    assert bob.error is not None and "commitment" in bob.error.message
