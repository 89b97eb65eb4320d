"""Parties that all do what they should: from hellos to a sealed session."""

import pytest

from huddle.ceremony import events
from huddle.ceremony import manifest as manifests
from huddle.ceremony.host import HostCeremony
from huddle.ceremony.messages import Options, Software
from huddle.ceremony.states import CeremonyState
from huddle.errors import LocalError, PeerError
from tests.unit.ceremony.mesh import FILES, OFFERS, SOFTWARE, Mesh


@pytest.mark.parametrize("guests", [1, 2, 4])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_everybody_seals_the_same_session(guests: int, seed: int) -> None:
    mesh = Mesh(seed)
    mesh.host(parties=guests + 1)
    names = ["Hanna", *(f"Guest {i}" for i in range(guests))]
    for name in names[1:]:
        mesh.guest(name)
    mesh.run()
    assert mesh.sealed(*names)
    seals = [mesh.stations[name].core.sealed for name in names]
    first = seals[0]
    assert first is not None
    for seal in seals:
        assert seal is not None
        assert seal.roster == first.roster
        assert seal.words == first.words
        assert seal.files == FILES
        assert seal.offers == {pid: OFFERS for pid in range(guests + 1) if pid != seal.pid}
        assert seal.manifest.args == ("-n", "3")
        assert seal.transcript is None
        assert seal.roster[seal.pid].name == names[seal.pid] or guests > 1


def test_the_ceremony_is_at_most_six_messages_deep_after_the_last_hello() -> None:
    mesh = Mesh()
    names = ["Hanna", "Ann", "Bob", "Cleo"]
    mesh.host(parties=4)
    for name in names[1:]:
        mesh.guest(name)
    mesh.run_in_rounds()
    assert mesh.sealed(*names)
    hellos = [next(one.depth for one in mesh.log if one.sender == name) for name in names]
    # proposal, reveals, files, accepts
    assert max(one.depth for one in mesh.log) - max(hellos) == 4


def test_words_and_files_come_before_anybody_is_asked() -> None:
    mesh = Mesh()
    mesh.host(parties=2)
    ann = mesh.guest("Ann")
    ann.decides = False
    mesh.run()
    order = [type(event) for event in ann.told if not isinstance(event, events.Accepted)]
    assert order == [events.HostCame, events.Proposed, events.WordsReady, events.FilesReady]
    assert ann.core.state is CeremonyState.ACCEPTING
    assert mesh.stations["Hanna"].core.sealed is None
    digest = ann.of(events.WordsReady)[0].digest
    with pytest.raises(LocalError, match="no longer"):
        ann.core.accept({}, digest=bytes(32))
    ann.core.accept({}, digest=digest)
    mesh.run()
    assert mesh.sealed("Hanna", "Ann")
    seal = mesh.stations["Hanna"].core.sealed
    assert seal is not None and seal.offers == {1: ()}


def test_files_that_follow_are_not_sent_through_the_room() -> None:
    mesh = Mesh()
    mesh.host(parties=2, options=Options(files_follow=True, record=True))
    mesh.guest("Ann")
    mesh.run()
    assert mesh.sealed("Hanna", "Ann")
    seal = mesh.stations["Ann"].core.sealed
    assert seal is not None and seal.files == {} and seal.transcript is not None
    assert len(mesh.log) == 7


def test_a_program_without_a_single_byte_can_be_accepted() -> None:
    mesh = Mesh()
    mesh.host(parties=2, files={"prog.py": b""})
    mesh.guest("Ann")
    mesh.run()
    assert mesh.sealed("Hanna", "Ann")


def test_the_host_says_when_where_no_number_is_planned() -> None:
    mesh = Mesh()
    hanna = mesh.host()
    mesh.guest("Ann")
    mesh.guest("Bob")
    mesh.run()
    assert hanna.core.state is CeremonyState.GATHERING
    assert isinstance(hanna.core, HostCeremony)
    hanna.core.propose()
    mesh.run()
    assert mesh.sealed("Hanna", "Ann", "Bob")


def test_nobody_is_let_in_whom_the_host_refuses() -> None:
    mesh = Mesh()
    hanna = mesh.host(parties=2)
    mesh.admit = lambda event: event.name == "Ann"
    eve = mesh.guest("Eve")
    mesh.run()
    assert isinstance(hanna.core, HostCeremony)
    hanna.core.refuse(hanna.of(events.GuestCame)[0].hello, "I do not know you")
    mesh.run()
    assert isinstance(eve.error, PeerError) and "I do not know you" in eve.error.message
    mesh.guest("Ann")
    mesh.run()
    assert mesh.sealed("Hanna", "Ann")
    mesh.guest("Late")
    mesh.run()
    late = mesh.stations["Late"].error
    assert isinstance(late, PeerError) and "has begun" in late.message


def test_a_late_guest_can_still_be_admitted_in_a_new_epoch() -> None:
    mesh = Mesh()
    hanna = mesh.host()
    ann = mesh.guest("Ann")
    ann.decides = False
    mesh.run()
    assert isinstance(hanna.core, HostCeremony)
    hanna.core.propose()
    mesh.run()
    mesh.guest("Bob")
    mesh.run()
    ann.decides = True
    mesh.run()
    assert mesh.sealed("Hanna", "Ann", "Bob")
    assert hanna.of(events.GuestCame)[1].late
    assert [event.epoch for event in hanna.of(events.Restarted)] == [2]
    assert len({event.digest for event in hanna.of(events.WordsReady)}) == 2


def test_another_version_of_mpyc_is_refused_and_named() -> None:
    mesh = Mesh()
    mesh.host(parties=2)
    software = tuple(Software("mpyc", "0.10") if one.name == "mpyc" else one for one in SOFTWARE)
    ann = mesh.guest("Ann", software=software)
    mesh.run()
    assert isinstance(ann.error, PeerError)
    assert "the host has MPyC 0.11, this guest 0.10" in ann.error.message


def test_a_32_bit_party_makes_all_mix_in_64_bits() -> None:
    mesh = Mesh()
    mesh.host(parties=2)
    mesh.guest("Ann", software=(Software("mpyc", "0.11"), Software("bits", "32")))
    mesh.run()
    assert mesh.sealed("Hanna", "Ann")
    seal = mesh.stations["Ann"].core.sealed
    assert seal is not None and seal.manifest.flags.mix32_64bit


@pytest.mark.parametrize("change", ["contents", "digest"])
def test_another_program_than_the_expected_one_is_refused_before_the_start(change: str) -> None:
    mesh = Mesh()
    hanna = mesh.host(parties=2)
    if change == "contents":
        mine = manifests.build("prog.py", {**FILES, "prog.py": b"print('mine')\n"}, versions=SOFTWARE)
        ann = mesh.guest("Ann", own=mine)
    else:
        ann = mesh.guest("Ann", program_digest=bytes(32))
    mesh.run()
    assert isinstance(ann.error, PeerError)
    assert ("prog.py has other contents" if change == "contents" else "its digest is") in ann.error.message
    assert hanna.core.sealed is None
    assert any("expected here" in event.reason for event in hanna.of(events.GuestLeft))


def test_who_wants_a_record_takes_no_part_where_none_is_made() -> None:
    mesh = Mesh()
    hanna = mesh.host(parties=2)
    ann = mesh.guest("Ann", record=True)
    mesh.run()
    assert isinstance(ann.error, LocalError) and "--record" in ann.error.hint
    assert hanna.core.sealed is None
    assert any("no record" in event.reason for event in hanna.of(events.GuestLeft))


def test_an_own_copy_that_agrees_is_accepted() -> None:
    mesh = Mesh()
    mesh.host(parties=2)
    mine = manifests.build("prog.py", FILES, versions=SOFTWARE)
    mesh.guest("Ann", own=mine)
    mesh.run()
    assert mesh.sealed("Hanna", "Ann")


def test_after_the_sealing_all_are_told_who_leaves() -> None:
    mesh = Mesh()
    hanna = mesh.host(parties=3)
    ann = mesh.guest("Ann")
    mesh.guest("Bob")
    mesh.run()
    seal = ann.core.sealed
    assert seal is not None
    ann.core.leave("done")
    mesh.run()
    assert hanna.of(events.PeerLeft) == [events.PeerLeft(seal.pid, "done")]


def test_twenty_parties_seal_one_session() -> None:
    mesh = Mesh()
    names = ["Hanna", *(f"Guest {i}" for i in range(19))]
    mesh.host(parties=20, files={"prog.py": b"pass\n"})
    for name in names[1:]:
        mesh.guest(name)
    mesh.run()
    assert mesh.sealed(*names)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_guests_stand_in_the_order_that_the_host_gave_or_else_in_that_of_admission(seed: int) -> None:
    mesh = Mesh(seed)
    rank = ["Ann", "Bob", "Cleo"].index
    mesh.host(parties=4, order=rank)
    for name in ("Cleo", "Ann", "Bob"):
        mesh.guest(name)
    mesh.run()
    seal = mesh.stations["Bob"].core.sealed
    assert seal is not None
    assert [member.name for member in seal.roster] == ["Hanna", "Ann", "Bob", "Cleo"]
