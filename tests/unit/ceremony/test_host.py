"""Guests that cheat, each tried: copied commitments, late choices, the names of others."""

from dataclasses import replace
from typing import Any

import pytest

from huddle.ceremony import events
from huddle.ceremony.admissions import MAX_REFUSALS
from huddle.ceremony.host import HostCeremony
from huddle.ceremony.messages import Accept, Hello, Message, Options, Reveal
from huddle.ceremony.states import CeremonyState
from huddle.codec import encode
from huddle.errors import LocalError, PeerError
from huddle.identity.keys import Identity
from tests.unit.ceremony.mesh import Change, Mesh, Station, corrupt, nobody_sealed, session


def test_a_copied_commitment_is_refused() -> None:
    mesh = Mesh()
    hanna, ann = mesh.host(parties=3), mesh.guest("Ann")
    mesh.run()
    theirs = hanna.core._current.hellos[ann.core.did].hello.commitment
    eve = mesh.guest("Eve")
    corrupt(eve, Hello, lambda hello: [replace(hello, commitment=theirs)])
    mesh.run()
    assert isinstance(eve.error, PeerError) and "commitment" in eve.error.message
    mesh.guest("Bob")
    mesh.run()
    assert mesh.sealed("Hanna", "Ann", "Bob")


def test_a_commitment_copied_from_the_host_by_a_lone_guest_is_refused() -> None:
    mesh = Mesh()
    hanna = mesh.host(parties=2)
    values = hanna.core._current.values
    assert values is not None
    theirs = hanna.core._current.room.commitment(0, hanna.core.did, "Hanna", values.exchange, values.nonce)
    eve = mesh.guest("Eve")
    corrupt(eve, Hello, lambda hello: [replace(hello, commitment=theirs)])
    mesh.run()
    assert nobody_sealed(mesh) and eve.error is not None and hanna.error is None


def other_encodings(reveal: Reveal) -> list[Message]:
    """All that a last revealer may try: same meaning to X25519, other bytes; other values."""
    high = reveal.exchange[:31] + bytes([reveal.exchange[31] ^ 0x80])
    changed: list[Message] = [replace(reveal, exchange=high)]
    for i in range(0, 256, 8):
        nonce = bytearray(reveal.nonce)
        nonce[i // 8] ^= 1
        changed.append(replace(reveal, nonce=bytes(nonce)))
    return changed


def test_a_last_revealer_cannot_choose_the_words() -> None:
    mesh = Mesh()
    hanna = mesh.host(parties=3)
    mesh.guest("Ann")
    eve = mesh.guest("Eve")
    corrupt(eve, Reveal, lambda reveal: other_encodings(reveal))
    mesh.run()
    assert hanna.of(events.WordsReady) == []
    mesh.pass_time(100)
    assert isinstance(hanna.error, PeerError) and hanna.error.peer == "Eve"
    assert "committed" in hanna.error.message
    assert nobody_sealed(mesh)


def test_a_second_reveal_leaves_the_digest_and_costs_the_place() -> None:
    mesh = Mesh()
    hanna = mesh.host()
    mesh.guest("Ann")
    eve = mesh.guest("Eve")
    corrupt(eve, Reveal, lambda reveal: [reveal, reveal, *other_encodings(reveal)])
    mesh.run()
    hanna.core.propose()  # type: ignore[attr-defined]
    mesh.run()
    assert mesh.sealed("Hanna", "Ann")
    assert eve.core.sealed is None


def test_who_broke_the_protocol_is_named_once_and_has_no_seat_by_what_it_says_later() -> None:
    mesh = Mesh()
    hanna = mesh.host(parties=3)
    mesh.guest("Ann")
    eve = mesh.guest("Eve")
    corrupt(eve, Reveal, lambda reveal: [reveal, reveal, *other_encodings(reveal)])
    mesh.run()
    told = [event for event in hanna.of(events.GuestLeft) if event.did == eve.core.did]
    assert len(told) == 1
    plan = hanna.of(events.Proposed)[0].roster
    pid = next(member.pid for member in plan if member.did == eve.core.did)
    after = hanna.told[hanna.told.index(told[0]) :]
    assert not any(isinstance(event, events.Accepted) and event.pid == pid for event in after)


def test_a_guest_that_says_it_is_another_is_left_outside() -> None:
    mesh = Mesh()
    hanna, ann = mesh.host(parties=3), mesh.guest("Ann")
    eve = mesh.guest("Eve")
    corrupt(eve, Hello, lambda hello: [replace(hello, did=ann.core.did)])
    mesh.guest("Bob")
    mesh.run()
    assert mesh.sealed("Hanna", "Ann", "Bob")
    assert any("says that it is" in one.text for one in hanna.of(events.CeremonyNotice))


@pytest.mark.parametrize("fault", ["signature", "short"])
def test_a_wrong_accept_costs_the_place_and_is_named(fault: str) -> None:
    def change(accept: Accept) -> list[Message]:
        if fault == "signature":
            return [replace(accept, signature=bytes(64))]
        return [replace(accept, offers=accept.offers[1:])]

    mesh = Mesh()
    hanna = mesh.host(parties=3)
    ann, eve = mesh.guest("Ann"), mesh.guest("Eve")
    corrupt(eve, Accept, change)
    mesh.admit = lambda event: not event.admitted and len(hanna.of(events.GuestCame)) < 3
    mesh.run()
    mesh.pass_time(200)
    assert isinstance(hanna.error, PeerError) and hanna.error.peer == "Eve"
    assert nobody_sealed(mesh) and ann.error is not None


def test_offers_that_do_not_open_are_no_offers() -> None:
    """All seal at the same record, whatever only one of them can tell to be wrong."""

    def change(accept: Accept) -> list[Message]:
        return [replace(accept, offers=tuple(replace(one, sealed=bytes(60)) for one in accept.offers))]

    mesh = Mesh()
    mesh.host(parties=3)
    ann, eve = mesh.guest("Ann"), mesh.guest("Eve")
    corrupt(eve, Accept, change)
    mesh.run()
    assert mesh.sealed("Hanna", "Ann", "Eve")
    assert ann.core.sealed is not None and eve.core.sealed is not None
    assert ann.core.sealed.offers[eve.core.sealed.pid] == ()
    assert any("Eve sent offers that do not open" in one.text for one in ann.of(events.CeremonyNotice))


def without_mute(mesh: Mesh) -> tuple[Station, Station]:
    """Hanna and Eve, and a third party that says hello and then nothing, so that everything waits for it."""
    hanna, mute = mesh.host(parties=3), mesh.guest("Mute")
    mesh.run()
    mesh.mute.add("Mute")
    mute.decides = False
    return hanna, mesh.guest("Eve")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda reveal: [reveal, reveal], "Eve revealed twice"),
        (lambda reveal: [replace(reveal, proposal=bytes(32))], "Eve revealed for another proposal"),
    ],
)
def test_a_reveal_that_is_not_the_one_asked_for_is_named(change: Change, words: str) -> None:
    mesh = Mesh()
    hanna, eve = without_mute(mesh)
    corrupt(eve, Reveal, change)
    mesh.run()
    assert any(words in one.reason for one in hanna.of(events.GuestLeft))
    assert hanna.core.epoch == 2


def test_a_second_accept_is_named() -> None:
    mesh = Mesh()
    hanna, ann, eve = mesh.host(parties=3), mesh.guest("Ann"), mesh.guest("Eve")
    ann.decides = False
    corrupt(eve, Accept, lambda accept: [accept, accept])
    mesh.run()
    assert any("Eve accepted twice" in one.reason for one in hanna.of(events.GuestLeft))


def test_a_member_that_speaks_of_a_later_epoch_is_named() -> None:
    mesh = Mesh()
    hanna, ann, _ = session(mesh)
    ann.decides = False
    mesh.run()
    mesh.post(ann.core._log.write(5, Reveal.kind, encode(Reveal(*[bytes(32)] * 3))))
    mesh.run()
    assert any("Ann speaks of epoch 5" in one.reason for one in hanna.of(events.GuestLeft))
    assert hanna.core.epoch == 2


def test_a_refusal_can_be_taken_back_and_nobody_is_pestered() -> None:
    mesh = Mesh()
    hanna = mesh.host(parties=2)
    mesh.admit = lambda _: False
    assert isinstance(hanna.core, HostCeremony)
    eve, ben = Identity.fresh(mesh.crypto), Identity.fresh(mesh.crypto)
    for time in range(1, MAX_REFUSALS + 1):
        refused = mesh.guest("Eve", identity=eve)
        mesh.run()
        assert len(hanna.of(events.GuestCame)) == time
        hanna.core.refuse(hanna.of(events.GuestCame)[-1].hello, "I do not know you")
        mesh.run()
        assert refused.error is not None and "I do not know you" in refused.error.message
    again = mesh.guest("Eve", identity=eve)
    mesh.run()
    assert again.error is not None and f"the host declined {MAX_REFUSALS} times" in again.error.message
    assert len(hanna.of(events.GuestCame)) == MAX_REFUSALS

    mesh.guest("Ben", identity=ben)
    mesh.run()
    hanna.core.refuse(hanna.of(events.GuestCame)[-1].hello, "by mistake")
    mesh.run()
    mesh.admit = lambda _: True
    mesh.guest("Ben", identity=ben)
    mesh.run()
    assert mesh.sealed("Hanna", "Ben")


def hesitant(mesh: Mesh, **more: Any) -> Station:
    """A host whose person gives seats as guests knock, and has not decided yet."""
    hanna = mesh.host(**more)
    hanna.decides = False
    mesh.admit = lambda _: False
    return hanna


def seat_all(mesh: Mesh, hanna: Station) -> None:
    assert isinstance(hanna.core, HostCeremony)
    mesh.run()
    for came in hanna.of(events.GuestCame):
        hanna.core.seat(came.hello)
    mesh.run()


@pytest.mark.parametrize("options", [Options(), Options(files_follow=True)])
@pytest.mark.parametrize("files", [{"prog.py": b"print(1)"}, {"prog.py": b""}])
def test_who_only_has_a_seat_gets_no_file_and_accepts_nothing(
    files: dict[str, bytes], options: Options
) -> None:
    mesh = Mesh()
    hanna = hesitant(mesh, parties=3, files=files, options=options)
    guests = [mesh.guest(name) for name in ("Ben", "Eve")]
    seat_all(mesh, hanna)
    for guest in guests:
        assert guest.core.state is CeremonyState.ACCEPTING and guest.of(events.WordsReady)
        assert not guest.of(events.FilesReady) and guest.core._current.reader is None
    assert not hanna.of(events.Accepted)
    hanna.core.accept({1: (), 2: ()}, digest=hanna.of(events.WordsReady)[-1].digest)
    mesh.run()
    assert mesh.sealed("Hanna", "Ben", "Eve")


def test_time_to_decide_begins_for_guests_when_the_host_has_decided() -> None:
    mesh = Mesh()
    hanna = hesitant(mesh, parties=2)
    ben = mesh.guest("Ben")
    seat_all(mesh, hanna)
    ben.decides = False
    mesh.pass_time(599)
    hanna.core.accept({1: ()}, digest=hanna.of(events.WordsReady)[-1].digest)
    mesh.run()
    mesh.pass_time(599)
    ben.core.accept({0: ()}, digest=ben.of(events.WordsReady)[-1].digest)
    mesh.run()
    assert mesh.sealed("Hanna", "Ben")


def test_who_has_a_seat_can_be_refused_after_all_and_another_takes_it() -> None:
    mesh = Mesh()
    hanna = hesitant(mesh, parties=2)
    eve = mesh.guest("Eve")
    seat_all(mesh, hanna)
    assert isinstance(hanna.core, HostCeremony)
    hanna.core.refuse(hanna.of(events.GuestCame)[-1].hello, "who is that?")
    mesh.run()
    assert eve.error is not None and "who is that?" in eve.error.message and not eve.of(events.FilesReady)
    hanna.decides, mesh.admit = True, lambda came: came.name == "Ben"
    mesh.guest("Ben")
    mesh.run()
    assert mesh.sealed("Hanna", "Ben") and hanna.core.epoch == 2


def test_who_still_waits_at_the_sealing_is_told() -> None:
    mesh = Mesh()
    mesh.host(parties=2)
    mesh.admit = lambda came: came.name == "Ben"
    dan = mesh.guest("Dan")
    mesh.run()
    mesh.guest("Ben")
    mesh.run()
    assert mesh.sealed("Hanna", "Ben")
    assert dan.error is not None and "begun without you" in dan.error.message


@pytest.mark.parametrize("who", ["Hanna", "Ben"])
def test_other_words_are_told_to_all_and_end_the_epoch_and_nobody_loses_the_seat(who: str) -> None:
    mesh = Mesh()
    stations = [hesitant(mesh, parties=3), mesh.guest("Ben"), mesh.guest("Cyd")]
    for station in stations:
        station.decides = False
    hanna, _, cyd = stations
    assert isinstance(hanna.core, HostCeremony)
    mesh.run()
    for came in hanna.of(events.GuestCame):
        hanna.core.admit(came.hello)
    mesh.run()
    cyd.core.accept({0: (), 1: ()}, digest=cyd.of(events.WordsReady)[-1].digest)
    mesh.run()
    core = mesh.stations[who].core
    core.differ(digest=mesh.stations[who].of(events.WordsReady)[-1].digest)
    for station in stations:
        station.decides = True
    mesh.run()
    for station in stations:
        (told,) = station.of(events.WordsDiffer)
        assert (told.name, told.epoch) == (who, 1) and station.error is None
    assert mesh.sealed("Hanna", "Ben", "Cyd") and hanna.core.epoch == 2
    first, second = stations[0].of(events.WordsReady)
    assert first.words != second.words


def test_nobody_accepts_what_somebody_saw_otherwise() -> None:
    mesh = Mesh()
    hanna, ben = hesitant(mesh, parties=2), mesh.guest("Ben")
    seat_all(mesh, hanna)
    mesh.mute.add("Hanna")  # its restart never comes
    words = ben.of(events.WordsReady)[-1]
    ben.core.differ(digest=words.digest)
    mesh.run()
    for station in (hanna, ben):
        assert len(station.of(events.WordsDiffer)) == 1
        with pytest.raises(LocalError):
            station.core.accept({}, digest=words.digest)
    mesh.pass_time(40)
    assert ben.error is not None and "saw other words" in ben.error.message and nobody_sealed(mesh)


def test_whoever_has_accepted_cannot_call_the_words_others_any_more() -> None:
    mesh = Mesh()
    hanna, ben = hesitant(mesh, parties=2), mesh.guest("Ben")
    seat_all(mesh, hanna)
    digest = hanna.of(events.WordsReady)[-1].digest
    hanna.core.accept({1: ()}, digest=digest)
    with pytest.raises(LocalError, match="already"):
        hanna.core.differ(digest=digest)
    with pytest.raises(LocalError, match="not count"):
        ben.core.differ(digest=bytes(32))
