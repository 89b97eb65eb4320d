"""The lobby: people leave it, come back and say no, the host changes its mind; nobody has to join anew."""

from contextlib import suppress
from typing import Any

import pytest

from huddle.ceremony import events
from huddle.ceremony import manifest as manifests
from huddle.ceremony.guest import GuestCeremony
from huddle.ceremony.host import RETURN_SECONDS, HostCeremony
from huddle.ceremony.manifest import Manifest
from huddle.ceremony.messages import Lobby, Place
from huddle.ceremony.states import CeremonyState
from huddle.codec import encode
from huddle.errors import LocalError, PeerError
from huddle.identity.crypto import InvalidSeal
from huddle.identity.keys import Identity
from tests.unit.ceremony.mesh import SOFTWARE, Mesh, Station

FIRST, SECOND = {"prog.py": b"print(1)\n"}, {"prog.py": b"print(2)\n", "more.csv": b"1,2\n"}


def manifest(files: dict[str, bytes]) -> Manifest:
    return manifests.build("prog.py", files, args=("-n", "3"), versions=SOFTWARE)


def lobby(
    mesh: Mesh, *, parties: int | None = 3, guests: str = "Ann Bob"
) -> tuple[HostCeremony, list[Station]]:
    """A host and its guests, whose words are on the screen; nobody has decided yet."""
    stations = [mesh.host(parties=parties, files=FIRST, lobby=True)]
    stations += [mesh.guest(name) for name in guests.split()]
    for station in stations:
        station.decides = False
    core = stations[0].core
    assert isinstance(core, HostCeremony)
    admit_all(mesh, stations[0])
    return core, stations


def admit_all(mesh: Mesh, hanna: Station) -> None:
    mesh.run()
    assert isinstance(hanna.core, HostCeremony)
    for came in hanna.of(events.GuestCame):
        if mesh.stations[came.name].core.state is not CeremonyState.ENDED:
            hanna.core.admit(came.hello)
    mesh.run()


def all_decide(mesh: Mesh) -> None:
    for station in mesh.stations.values():
        station.decides = True
        words = station.of(events.WordsReady)
        if (
            words
            and station.core.state is CeremonyState.ACCEPTING
            and station.core._current.files is not None
        ):
            with suppress(LocalError):
                station.core.accept({}, digest=words[-1].digest)
    mesh.run()


def says_no(guest: Station, reason: str = "not this program") -> None:
    assert isinstance(guest.core, GuestCeremony)
    guest.core.not_now(reason)


def test_who_says_no_keeps_the_seat_and_is_asked_again_when_the_host_says_so() -> None:
    mesh = Mesh()
    hanna, (station, ann, bob) = lobby(mesh)
    says_no(bob)
    mesh.run()
    mesh.pass_time(300)
    assert hanna.held and hanna.state is CeremonyState.GATHERING and hanna.epoch == 2
    assert [(one.name, one.reason) for one in station.of(events.SaidNo)] == [("Bob", "not this program")]
    assert [one.reason for one in ann.of(events.Restarted)] == ["Bob said no: not this program"]
    assert all(one.error is None for one in (station, ann, bob)) and not station.of(events.GuestLeft)
    assert len(ann.of(events.WordsReady)) == 1  # nothing new is proposed by itself
    hanna.propose()
    mesh.run()
    all_decide(mesh)
    assert mesh.sealed("Hanna", "Ann", "Bob")
    first, second = ann.of(events.WordsReady)
    assert first.words != second.words


def test_who_says_no_and_leaves_gives_the_seat_free_and_nothing_waits_for_the_host() -> None:
    mesh = Mesh()
    hanna, (station, ann, bob) = lobby(mesh)
    bob.core.decline("declined to take part")
    mesh.run()
    assert [(one.name, one.reason) for one in station.of(events.GuestLeft)] == [
        ("Bob", "declined to take part")
    ]
    assert not station.of(events.SaidNo) and not hanna.held and hanna.free == 1
    assert bob.core.did not in hanna._guests.admitted and hanna.epoch == 2
    assert all(one.error is None for one in (station, ann))
    assert len([one for one in ann.of(events.CeremonyNotice) if "Bob" in one.text]) == 1
    mesh.guest("Dan").decides = False
    admit_all(mesh, station)
    all_decide(mesh)
    assert mesh.sealed("Hanna", "Ann", "Dan")


def test_who_leaves_in_a_new_epoch_before_they_said_hello_has_no_seat_any_more() -> None:
    mesh = Mesh()
    hanna, (station, ann, bob) = lobby(mesh)
    says_no(ann)
    mesh.run()
    hanna._current.hellos.pop(bob.core.did)
    bob.core.leave("left the session")
    mesh.run()
    assert [one.name for one in station.of(events.GuestLeft)] == ["Bob"] and hanna.free == 1


def test_the_host_can_go_on_after_all_who_said_no_have_left() -> None:
    mesh = Mesh()
    hanna, (station, ann, bob) = lobby(mesh)
    says_no(bob)
    mesh.run()
    for guest in (ann, bob):
        guest.core.leave("left the session")
    mesh.run()
    hanna.propose()
    assert not hanna.held
    for name in ("Cyd", "Dan"):
        mesh.guest(name).decides = False
    admit_all(mesh, station)
    all_decide(mesh)
    assert mesh.sealed("Hanna", "Cyd", "Dan")


def test_what_was_accepted_before_a_no_counts_for_nothing_afterwards() -> None:
    mesh = Mesh()
    hanna, (_, ann, bob) = lobby(mesh)
    old = ann.of(events.WordsReady)[-1].digest
    mesh.stations["Hanna"].core.accept({}, digest=old)
    ann.core.accept({}, digest=old)
    mesh.run()
    says_no(bob)
    with pytest.raises(LocalError, match="answered"):
        says_no(bob)
    with suppress(LocalError):
        bob.core.accept({}, digest=old)
    mesh.run()
    hanna.propose()
    mesh.run()
    with pytest.raises(LocalError, match="no longer"):
        ann.core.accept({}, digest=old)
    assert not ann.core._current.accepts and ann.core.sealed is None


def test_a_seat_that_gets_free_waits_for_somebody_else_as_long_as_it_takes() -> None:
    mesh = Mesh()
    hanna, (station, ann, bob) = lobby(mesh)
    bob.core.leave("the train")
    mesh.run()
    mesh.pass_time(3_000)
    assert station.error is None and ann.error is None
    assert ann.of(events.LobbyChanged)[-1] == events.LobbyChanged("admitted", ("Hanna", "Ann"), (), 3, False)
    mesh.guest("Cyd")
    admit_all(mesh, station)
    all_decide(mesh)
    assert mesh.sealed("Hanna", "Ann", "Cyd") and hanna.sealed is not None
    assert bob.core.did not in {member.did for member in hanna.sealed.roster}


def test_a_guest_is_told_at_once_that_it_is_in_and_who_is_here() -> None:
    mesh = Mesh()
    station = mesh.host(parties=4, lobby=True)
    hanna = station.core
    assert isinstance(hanna, HostCeremony)
    mesh.admit = lambda _: False
    ann, bob, cyd = (mesh.guest(name) for name in ("Ann", "Bob", "Cyd"))
    mesh.run()
    came = {one.name: one.hello for one in station.of(events.GuestCame)}
    hanna.seat(came["Ann"])
    mesh.run()
    assert ann.of(events.LobbyChanged)[-1] == events.LobbyChanged("seated", ("Hanna", "Ann"), (), 4, False)
    assert bob.of(events.LobbyChanged)[-1].place == "waiting"
    hanna.admit(came["Ann"])
    hanna.admit(came["Bob"])
    mesh.run()
    told = ann.of(events.LobbyChanged)[-1], bob.of(events.LobbyChanged)[-1]
    assert told == (events.LobbyChanged("admitted", ("Hanna", "Ann", "Bob"), (), 4, False),) * 2
    hanna.refuse(came["Bob"], "it is not their turn")
    mesh.run()
    assert ann.of(events.LobbyChanged)[-1].here == ("Hanna", "Ann")
    assert bob.error is not None and not cyd.of(events.LobbyChanged)[-1].full


def test_somebody_too_many_is_told_that_it_waits_for_a_seat_and_takes_one_that_gets_free() -> None:
    mesh = Mesh()
    hanna, (station, _ann, bob) = lobby(mesh)
    mesh.admit = lambda _: False
    cyd = mesh.guest("Cyd")
    mesh.run()  # while the words are on the others' screens
    told = cyd.of(events.LobbyChanged)[-1]
    assert (told.place, told.full, told.parties) == ("waiting", True, 3) and cyd.error is None
    hanna.hold("a pause")
    bob.core.leave("the train")
    mesh.run()
    assert not cyd.of(events.LobbyChanged)[-1].full
    hanna.admit([one.hello for one in station.of(events.GuestCame) if one.name == "Cyd"][-1])
    hanna.propose()
    mesh.run()
    all_decide(mesh)
    assert mesh.sealed("Hanna", "Ann", "Cyd")


@pytest.mark.parametrize("seed", range(5))
def test_the_host_changes_the_program_and_nobody_joins_anew(seed: int) -> None:
    mesh = Mesh(seed)
    hanna, (station, ann, bob) = lobby(mesh)
    station.core.accept({}, digest=station.of(events.WordsReady)[-1].digest)
    ann.core.accept({}, digest=ann.of(events.WordsReady)[-1].digest)
    hanna.change("the program was edited", manifest=manifest(SECOND), files=SECOND)
    mesh.run()
    all_decide(mesh)
    assert mesh.sealed("Hanna", "Ann", "Bob") and hanna.epoch == 2
    for one in (ann, bob):
        assert one.core.sealed is not None and one.core.sealed.files == SECOND
        assert one.of(events.Restarted)[0].reason == "the program was edited"


@pytest.mark.parametrize("steps", range(0, 40, 3))
def test_a_change_at_any_moment_leads_to_one_session_of_all(steps: int) -> None:
    mesh = Mesh(steps)
    station = mesh.host(parties=3, files=FIRST, lobby=True)
    ann, bob = mesh.guest("Ann"), mesh.guest("Bob")
    for _ in range(steps):
        mesh.step(mesh.random.choice([station, ann, bob]))
    hanna = station.core
    assert isinstance(hanna, HostCeremony)
    changed = hanna.sealed is None
    if changed:
        hanna.change("the program was edited", manifest=manifest(SECOND), files=SECOND)
    mesh.run()
    mesh.pass_time(100)
    assert mesh.sealed("Hanna", "Ann", "Bob")
    # A change that crossed the last accept came too late, for all alike; before, nobody runs the old one.
    files = [one.core.sealed.files for one in (station, ann, bob) if one.core.sealed is not None]
    assert files[0] == files[1] == files[2]
    if changed and (hanna.epoch > 1 or not station.of(events.Accepted)):
        assert files[0] == SECOND


def test_fewer_or_more_parties_without_joining_anew() -> None:
    mesh = Mesh()
    hanna, (station, ann, _bob) = lobby(mesh, parties=4)
    with pytest.raises(LocalError, match="3 are here already"):
        hanna.change("two suffice", parties=2)
    assert not ann.of(events.WordsReady)
    hanna.change("three suffice", parties=3)
    mesh.run()
    assert hanna.state is CeremonyState.ACCEPTING
    hanna.change("one more", parties=4)
    mesh.run()
    assert ann.of(events.LobbyChanged)[-1].parties == 4 and len(ann.of(events.WordsReady)) == 1
    mesh.guest("Cyd")
    admit_all(mesh, station)
    all_decide(mesh)
    assert mesh.sealed("Hanna", "Ann", "Bob", "Cyd")


def test_what_can_t_be_proposed_changes_nothing() -> None:
    mesh = Mesh()
    hanna, _ = lobby(mesh)
    with pytest.raises(LocalError):
        hanna.change("broken", manifest=manifest(SECOND), files=FIRST)
    assert hanna.state is CeremonyState.ACCEPTING and hanna._planned.files == FIRST
    all_decide(mesh)
    assert mesh.sealed("Hanna", "Ann", "Bob")
    with pytest.raises(LocalError, match="begun"):
        hanna.change("too late", parties=4)


def test_a_host_that_does_not_decide_is_back_in_the_lobby() -> None:
    mesh = Mesh()
    hanna, (station, ann, _) = lobby(mesh)
    mesh.pass_time(700)
    assert hanna.held and station.error is None and ann.error is None


def test_who_is_killed_in_the_lobby_comes_back_to_the_same_seat() -> None:
    mesh = Mesh()
    station = mesh.host(parties=3, files=FIRST, lobby=True)
    identity = Identity.fresh(mesh.crypto)
    mesh.guest("Ann", identity=identity)
    admit_all(mesh, station)
    del mesh.stations["Ann"]
    mesh.admit = lambda came: came.name == "Bob"  # nobody is asked about Ann again
    again = mesh.guest("Ann", identity=identity)
    for posted in list(mesh.log):
        again.core.receive(posted.record, mesh.now)
    again.read = len(mesh.log)
    mesh.run()
    assert again.of(events.LobbyChanged)[-1].place == "admitted"
    mesh.guest("Bob")
    mesh.run()
    assert mesh.sealed("Hanna", "Ann", "Bob")


def test_nobody_but_the_host_tells_who_has_a_seat() -> None:
    mesh = Mesh()
    _, (_, ann, bob) = lobby(mesh, parties=4)
    before = ann.of(events.LobbyChanged)[-1]
    for liar, core in (("Bob", bob.core), ("Eve", mesh.guest("Eve").core)):
        mesh.run()
        lie = Lobby(2, (Place(core.did, True),))
        mesh.post(core._log.write(1, Lobby.kind, encode(lie)), liar)
        mesh.run()
    told = ann.of(events.LobbyChanged)[-1]
    assert told.parties == before.parties and told.here == ("Hanna", "Ann")  # and who lied lost the seat


def test_the_lobby_s_word_gives_nobody_a_file_nor_a_part() -> None:
    """A host's Lobby that calls a guest admitted changes what is shown, and nothing else."""
    mesh = Mesh()
    station = mesh.host(parties=3, files=FIRST, lobby=True)
    mesh.admit = lambda _: False
    eve = mesh.guest("Eve")
    mesh.run()
    lie = Lobby(3, (Place(eve.core.did, True),))
    mesh.post(station.core._log.write(1, Lobby.kind, encode(lie)), "Hanna")
    mesh.run()
    assert eve.of(events.LobbyChanged)[-1].place == "admitted"
    assert eve.core.state is CeremonyState.GATHERING and not eve.of(events.FilesReady)
    assert isinstance(station.core, HostCeremony) and not station.core._guests.admitted


def test_two_seats_of_one_party_mean_nothing() -> None:
    mesh = Mesh()
    station = mesh.host(parties=3, lobby=True)
    ann = mesh.guest("Ann")
    admit_all(mesh, station)
    lie = Lobby(3, (Place(ann.core.did, True), Place(ann.core.did, False)))
    mesh.post(station.core._log.write(1, Lobby.kind, encode(lie)), "Hanna")
    mesh.run()
    assert isinstance(ann.error, PeerError) and "two seats" in ann.error.message


@pytest.mark.parametrize("seed", range(40))
def test_whatever_people_do_in_the_lobby_all_who_seal_seal_the_same(seed: int) -> None:
    """Guests come, come again, vanish, leave, say no; the host changes its mind: all as a seed has it."""
    mesh = Mesh(seed)
    chance = mesh.random
    station = mesh.host(parties=chance.choice((None, 2, 3)), files=FIRST, lobby=True)
    hanna = station.core
    assert isinstance(hanna, HostCeremony)
    identities: dict[str, Identity] = {}
    wanted: Any = FIRST
    for number in range(chance.randint(4, 9)):
        for _ in range(chance.randint(0, 8)):
            mesh.step(chance.choice(list(mesh.stations.values())))
        guests = [name for name in mesh.stations if name != "Hanna"]
        with suppress(LocalError):
            match chance.randrange(9) if guests else 0:
                case 0 | 1:
                    name = f"Guest {number}"
                    identities[name] = Identity.fresh(mesh.crypto)
                    mesh.guest(name, identity=identities[name])
                case 2:
                    mesh.mute.add(chance.choice(guests))
                case 3:
                    mesh.stations[chance.choice(guests)].core.leave("bored")
                case 4 | 5:
                    says_no(mesh.stations[chance.choice(guests)])
                case 6:
                    wanted = chance.choice((FIRST, SECOND))
                    hanna.change("changed", manifest=manifest(wanted), files=wanted)
                case 7:
                    hanna.hold("wait")
                case 8:
                    name = chance.choice(guests)
                    mesh.mute.discard(name)
                    mesh.guest(name, identity=identities[name])
        if chance.random() < 0.5:
            with suppress(LocalError):
                hanna.propose()
    mesh.run()
    mesh.pass_time(3_000)
    seals = [one.core.sealed for one in mesh.stations.values() if one.core.sealed]
    assert len({seal.digest for seal in seals}) <= 1
    for seal in seals:
        assert seal.files in (FIRST, SECOND)
    for one in mesh.stations.values():
        assert one.core.state not in (CeremonyState.REVEALING, CeremonyState.ACCEPTING), one


def test_who_stays_keeps_the_seat_in_the_new_room_where_the_lost_one_reads_nothing() -> None:
    """A second ceremony in a room of its own, by the same people but for Bob, who was lost."""
    old = Mesh(3)
    old.host(parties=3)
    old.guest("Ann")
    bob = old.guest("Bob")
    old.run()
    assert old.sealed("Hanna", "Ann", "Bob")
    ann = old.stations["Ann"].core._identity

    new = Mesh(4)
    hanna = new.host(parties=3, lobby=True, stayed={ann.did: "Ann"})
    new.guest("Ann", identity=ann)
    new.run()
    came = hanna.of(events.GuestCame)
    assert [(one.name, one.admitted) for one in came] == [("Ann", True)]
    assert isinstance(hanna.core, HostCeremony) and hanna.core.free == 1
    assert not hanna.of(events.WordsReady), "nothing begins without somebody in the free seat"
    new.guest("Dan")
    new.run()
    assert new.sealed("Hanna", "Ann", "Dan")
    first, second = old.stations["Ann"].core.sealed, new.stations["Ann"].core.sealed
    assert first is not None and second is not None
    assert first.words != second.words and first.pair_secret(0) != second.pair_secret(0)
    for posted in new.log:
        with pytest.raises(InvalidSeal):
            bob.core._log._open(posted.record)


def test_who_stayed_and_does_not_come_to_the_new_room_loses_the_seat() -> None:
    mesh = Mesh(5)
    hanna = mesh.host(parties=3, lobby=True, stayed={Identity.fresh(mesh.crypto).did: "Ann"})
    mesh.guest("Dan")
    mesh.run()
    assert isinstance(hanna.core, HostCeremony) and hanna.core.free == 0
    mesh.pass_time(RETURN_SECONDS + 1)
    assert hanna.core.free == 1 and len(hanna.of(events.GuestLeft)) == 1


def test_where_nobody_is_lost_nothing_is_proposed_until_the_host_says_so() -> None:
    mesh = Mesh(6)
    ann = Identity.fresh(mesh.crypto)
    hanna = mesh.host(parties=2, lobby=True, stayed={ann.did: "Ann"}, held=True)
    mesh.guest("Ann", identity=ann)
    mesh.run()
    assert not hanna.of(events.WordsReady)
    assert isinstance(hanna.core, HostCeremony)
    hanna.core.propose()
    mesh.run()
    assert mesh.sealed("Hanna", "Ann")
