"""Parties that vanish, stall, say no or come again: the ceremony goes on without them or names them."""

from contextlib import suppress

import pytest

from huddle.ceremony import events
from huddle.ceremony.host import HostCeremony
from huddle.ceremony.messages import MAX_EPOCHS
from huddle.ceremony.states import CeremonyState
from huddle.errors import LocalError, PeerError, RendezvousError
from huddle.identity.keys import Identity
from tests.unit.ceremony.mesh import Mesh, Station


def propose(hanna: Station) -> None:
    assert isinstance(hanna.core, HostCeremony)
    hanna.core.propose()


def silent_after_hello(mesh: Mesh, hanna: Station, name: str) -> Station:
    """A guest whose hello is the last that anybody hears of it."""
    station = mesh.guest(name)
    while name not in {one.sender for one in mesh.log}:
        mesh.step(hanna)
        mesh.step(station)
    mesh.mute.add(name)
    return station


def test_who_reveals_nothing_is_left_behind() -> None:
    mesh = Mesh()
    hanna = mesh.host()
    mesh.guest("Ann")
    silent_after_hello(mesh, hanna, "Mute")
    mesh.run()
    propose(hanna)
    mesh.run()
    assert hanna.core.state is CeremonyState.REVEALING
    mesh.pass_time(29)
    assert hanna.core.epoch == 1
    mesh.pass_time(2)
    assert mesh.sealed("Hanna", "Ann")
    assert ["Mute"] == [event.name for event in hanna.of(events.GuestLeft)]
    assert "Mute did not reveal in time" in mesh.stations["Ann"].of(events.Restarted)[0].reason


def test_who_reveals_nothing_can_be_replaced_where_the_number_is_fixed() -> None:
    mesh = Mesh()
    hanna = mesh.host(parties=3)
    mesh.guest("Ann")
    silent_after_hello(mesh, hanna, "Mute")
    mesh.run()
    mesh.pass_time(35)
    mesh.guest("Bob")
    mesh.run()
    assert mesh.sealed("Hanna", "Ann", "Bob")


def test_who_reveals_nothing_is_named_where_nobody_else_comes() -> None:
    mesh = Mesh()
    hanna = mesh.host(parties=3)
    ann = mesh.guest("Ann")
    silent_after_hello(mesh, hanna, "Mute")
    mesh.run()
    mesh.pass_time(200)
    assert isinstance(hanna.error, PeerError) and hanna.error.peer == "Mute"
    assert isinstance(ann.error, PeerError) and "Mute did not reveal" in ann.error.message


def test_who_accepts_nothing_is_named_after_a_long_wait() -> None:
    mesh = Mesh()
    hanna = mesh.host(parties=2)
    mesh.guest("Slow").decides = False
    mesh.run()
    mesh.pass_time(590)
    assert hanna.error is None
    mesh.admit = lambda _: False
    mesh.pass_time(200)
    assert isinstance(hanna.error, PeerError) and "Slow did not accept in time" in hanna.error.message


def test_who_says_no_is_named_to_all_where_the_number_is_fixed() -> None:
    mesh = Mesh()
    hanna = mesh.host(parties=3)
    ann, bob = mesh.guest("Ann"), mesh.guest("Bob")
    bob.decides = False
    mesh.run()
    bob.core.decline("not this program")
    mesh.run()
    for station in (hanna, ann):
        assert isinstance(station.error, PeerError)
        assert "Bob declined to take part: not this program" in station.error.message
    assert bob.error is None and bob.core.state is CeremonyState.ENDED


def test_the_others_go_on_without_who_says_no_where_they_may() -> None:
    mesh = Mesh()
    hanna = mesh.host()
    mesh.guest("Ann")
    bob = mesh.guest("Bob")
    bob.decides = False
    mesh.run()
    propose(hanna)
    mesh.run()
    bob.core.decline("not this program")
    mesh.run()
    assert mesh.sealed("Hanna", "Ann")
    assert "Bob declined" in mesh.stations["Ann"].of(events.Restarted)[0].reason


def test_the_host_leaves() -> None:
    mesh = Mesh()
    hanna = mesh.host(parties=2)
    ann = mesh.guest("Ann")
    ann.decides = False
    mesh.run()
    hanna.core.decline("another time")
    mesh.run()
    assert isinstance(ann.error, PeerError) and ann.error.peer == "Hanna"
    assert "another time" in ann.error.message


@pytest.mark.parametrize("proposed", [False, True])
def test_who_comes_again_takes_part_once(proposed: bool) -> None:
    mesh = Mesh()
    hanna = mesh.host()
    identity = Identity.fresh(mesh.crypto)
    first = mesh.guest("Ann", identity=identity)
    first.decides = False
    mesh.guest("Bob")
    mesh.run()
    if proposed:
        propose(hanna)
        mesh.run()
    del mesh.stations["Ann"]  # its process is killed
    again = mesh.guest("Ann", identity=identity)
    # A client reads what the room holds before it writes.
    for posted in list(mesh.log):
        again.core.receive(posted.record, mesh.now)
    again.read = len(mesh.log)
    mesh.run()
    if not proposed:
        propose(hanna)
        mesh.run()
    assert mesh.sealed("Hanna", "Ann", "Bob")
    assert hanna.core.epoch == (2 if proposed else 1)
    assert [event.admitted for event in hanna.of(events.GuestCame) if event.name == "Ann"][:2] == [
        False,
        True,
    ]


def test_one_identity_in_two_processes_at_once_is_noticed_by_both() -> None:
    mesh = Mesh()
    mesh.host()
    identity = Identity.fresh(mesh.crypto)
    one = mesh.guest("Ann", identity=identity)
    mesh.run()
    other = mesh.guest("Ann 2", identity=identity)
    mesh.run()
    assert isinstance(one.error, LocalError) and "twice" in one.error.message
    assert other.core.epoch == 1


def test_two_parties_with_one_name_cannot_take_part() -> None:
    mesh = Mesh()
    mesh.host(parties=3)
    mesh.guest("Ann")
    mesh.run()
    for name in ("ANN", "\N{CYRILLIC CAPITAL LETTER A}nn", "Ann\N{HANGUL FILLER}"):
        second = mesh.guest(name)
        mesh.run()
        assert isinstance(second.error, PeerError) and "somebody else has the name" in second.error.message


def test_a_ninth_epoch_is_never_begun() -> None:
    mesh = Mesh()
    hanna = mesh.host()
    ann = mesh.guest("Ann")
    ann.decides = False
    mesh.run()
    propose(hanna)
    mesh.run()
    for number in range(MAX_EPOCHS):
        assert hanna.error is None and hanna.core.epoch == number + 1
        mesh.guest(f"Late {number}").decides = False
        mesh.run()
    late = mesh.stations[f"Late {MAX_EPOCHS - 1}"].error
    assert isinstance(late, PeerError) and "too often" in late.message
    mesh.stations["Late 0"].core.leave("bored")
    mesh.run()
    assert isinstance(hanna.error, LocalError) and "8 ceremonies" in hanna.error.message
    assert isinstance(ann.error, PeerError) and ann.error.peer == "Hanna"


def test_nobody_waits_for_ever_in_a_dead_room() -> None:
    mesh = Mesh()
    ann = mesh.guest("Ann")
    mesh.run()
    assert mesh.log == []
    mesh.pass_time(61)
    assert isinstance(ann.error, PeerError) and "not in this room" in ann.error.message


def test_a_rendezvous_that_swallows_messages_is_named() -> None:
    mesh = Mesh()
    hanna = mesh.host(parties=2)
    mesh._shows = lambda name, log: []
    mesh.run()
    mesh.pass_time(130)
    assert isinstance(hanna.error, RendezvousError) and "own messages" in hanna.error.message


def test_nobody_is_blamed_while_the_rendezvous_is_away() -> None:
    mesh = Mesh()
    hanna = mesh.host(parties=2)
    ann = mesh.guest("Ann")
    while not any(isinstance(event, events.Proposed) for event in hanna.told):
        mesh.step(ann)
        mesh.step(hanna)
    shown = len(mesh.log) - 1
    mesh._shows = lambda name, log: [posted.record for posted in log][:shown]
    mesh.pass_time(100)
    assert hanna.error is None and ann.error is None and hanna.core.epoch == 1
    mesh._shows = None
    mesh.run()
    assert mesh.sealed("Hanna", "Ann")


def test_leaving_before_the_first_word_writes_nothing() -> None:
    mesh = Mesh()
    ann = mesh.guest("Ann")
    ann.core.leave("changed my mind")
    mesh.run()
    assert mesh.log == [] and ann.core.state is CeremonyState.ENDED


@pytest.mark.parametrize("seed", range(60))
def test_whatever_guests_do_all_who_seal_seal_the_same(seed: int) -> None:
    """Guests come, come again, vanish, leave and say no, as a seed has it."""
    mesh = Mesh(seed)
    chance = mesh.random
    hanna = mesh.host(parties=chance.choice((None, 2, 3)), files={"prog.py": b"pass\n"})
    identities: dict[str, Identity] = {}
    for number in range(chance.randint(3, 7)):
        for _ in range(chance.randint(0, 6)):
            mesh.step(chance.choice(list(mesh.stations.values())))
        guests = [name for name in mesh.stations if name != "Hanna"]
        match chance.randrange(6) if guests else 0:
            case 0 | 1:
                name = f"Guest {number}"
                identities[name] = Identity.fresh(mesh.crypto)
                mesh.guest(name, identity=identities[name])
            case 2:
                mesh.mute.add(chance.choice(guests))
            case 3:
                mesh.stations[chance.choice(guests)].core.leave("bored")
            case 4:
                mesh.stations[chance.choice(guests)].core.decline("no")
            case 5:
                name = chance.choice(guests)
                mesh.mute.discard(name)
                mesh.guest(name, identity=identities[name])
        if (
            hanna.core.state is CeremonyState.GATHERING
            and hanna.of(events.GuestCame)
            and chance.random() < 0.5
        ):
            with suppress(LocalError):
                propose(hanna)
    mesh.run()
    mesh.pass_time(3_000)
    seals = [station.core.sealed for station in mesh.stations.values() if station.core.sealed]
    assert len({seal.digest for seal in seals}) <= 1
    for seal in seals:
        for member in seal.roster:
            state = mesh.stations[member.name].core.state
            assert state in (CeremonyState.SEALED, CeremonyState.ENDED), (member.name, state)
    for station in mesh.stations.values():
        # Nobody hangs in the middle; who waits for guests, or for the host's yes, waits for people.
        assert station.core.state not in (CeremonyState.REVEALING, CeremonyState.ACCEPTING), station
    assert not isinstance(hanna.error, RendezvousError), hanna.error
