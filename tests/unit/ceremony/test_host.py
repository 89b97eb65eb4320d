"""Guests that cheat, each tried: copied commitments, late choices, the names of others."""

from dataclasses import replace

import pytest

from huddle.ceremony import events
from huddle.ceremony.host import HostCeremony
from huddle.ceremony.messages import Accept, Hello, Message, Reveal
from huddle.codec import encode
from huddle.errors import PeerError
from huddle.identity.keys import Identity
from tests.unit.ceremony.mesh import Change, Mesh, Station, corrupt, nobody_sealed, session


def test_a_copied_commitment_is_refused() -> None:
    mesh = Mesh()
    hanna, ann = mesh.host(parties=3), mesh.guest("Ann")
    mesh.run()
    theirs = hanna.core._round.hellos[ann.core.did].hello.commitment
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
    values = hanna.core._round.values
    assert values is not None
    theirs = hanna.core._round.room.commitment(0, hanna.core.did, "Hanna", values.exchange, values.nonce)
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
    assert any(words in one.text for one in hanna.of(events.CeremonyNotice))
    assert hanna.core.epoch == 2


def test_a_second_accept_is_named() -> None:
    mesh = Mesh()
    hanna, ann, eve = mesh.host(parties=3), mesh.guest("Ann"), mesh.guest("Eve")
    ann.decides = False
    corrupt(eve, Accept, lambda accept: [accept, accept])
    mesh.run()
    assert any("Eve accepted twice" in one.text for one in hanna.of(events.CeremonyNotice))


def test_a_member_that_speaks_of_a_later_epoch_is_named() -> None:
    mesh = Mesh()
    hanna, ann, _ = session(mesh)
    ann.decides = False
    mesh.run()
    mesh.post(ann.core._log.write(5, Reveal.kind, encode(Reveal(*[bytes(32)] * 3))))
    mesh.run()
    assert any("Ann speaks of epoch 5" in one.text for one in hanna.of(events.CeremonyNotice))
    assert hanna.core.epoch == 2


def test_who_was_refused_once_is_not_asked_about_again() -> None:
    mesh = Mesh()
    hanna = mesh.host(parties=2)
    mesh.admit = lambda _: False
    identity = Identity.fresh(mesh.crypto)
    mesh.guest("Eve", identity=identity)
    mesh.run()
    assert isinstance(hanna.core, HostCeremony)
    hanna.core.refuse(hanna.of(events.GuestCame)[0].hello, "I do not know you")
    mesh.run()
    again = mesh.guest("Eve", identity=identity)
    mesh.run()
    assert again.error is not None and "the host said no" in again.error.message
    assert len(hanna.of(events.GuestCame)) == 1
