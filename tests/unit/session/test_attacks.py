"""The attackers of the trust model, each tried: a rendezvous, a holder of the invitation, guests, a host."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from huddle.codec import encode
from huddle.errors import PeerError, RendezvousError
from huddle.identity.keys import Identity
from huddle.session import ceremony_events as events
from huddle.session import manifest as manifests
from huddle.session.ceremony_host import Host
from huddle.session.ceremony_states import State
from huddle.session.ceremony_values import Room, Values
from huddle.session.invitation import Invitation
from huddle.session.log import MAX_NOISE, Log
from huddle.session.messages import (
    Accept,
    Bye,
    FileChunk,
    FileKey,
    Hello,
    Message,
    Options,
    Proposal,
    Restart,
    Reveal,
)

from .mesh import FILES, SOFTWARE, Mesh, Posted, Station

Change = Callable[[Any], list[Message]]


def corrupt(station: Station, cls: type[Message], change: Change) -> None:
    """Make a party send other messages instead of its next one of this type."""
    send = station.core._send
    done = False

    def tampered(message: Message) -> None:
        nonlocal done
        if isinstance(message, cls) and not done:
            done = True
            for other in change(message):
                send(other)
        else:
            send(message)

    station.core._send = tampered  # type: ignore[method-assign]


def records(log: list[Posted]) -> list[bytes]:
    return [posted.record for posted in log]


def session(mesh: Mesh, *, parties: int = 3) -> tuple[Station, Station, Station]:
    return mesh.host(parties=parties), mesh.guest("Ann"), mesh.guest("Bob")


def nobody_sealed(mesh: Mesh) -> bool:
    return all(station.core.sealed is None for station in mesh.stations.values())


# A rendezvous


def test_forged_records_are_ignored_and_named_past_a_limit() -> None:
    mesh = Mesh()
    hanna, ann, _ = session(mesh)
    for i in range(MAX_NOISE):
        mesh.post(mesh.crypto.random(i * 7))
    mesh.run()
    assert mesh.sealed("Hanna", "Ann", "Bob")
    assert len([one for one in ann.of(events.Notice) if "ignored a record" in one.text]) == MAX_NOISE
    mesh = Mesh()
    hanna, ann, _ = session(mesh)
    for _ in range(MAX_NOISE + 1):
        mesh.post(mesh.crypto.random(200))
    mesh.run()
    assert isinstance(hanna.error, RendezvousError) and isinstance(ann.error, RendezvousError)


@pytest.mark.parametrize("victim", ["Hanna", "Ann"])
@pytest.mark.parametrize("at", range(12))
def test_a_dropped_record_never_goes_unnoticed(victim: str, at: int) -> None:
    def shows(name: str, log: list[Posted]) -> list[bytes]:
        shown = records(log)
        return shown[:at] + shown[at + 1 :] if name == victim else shown

    mesh = Mesh(at, shows=shows)
    mesh.host(parties=3, files={"prog.py": b"pass\n"})
    mesh.guest("Ann")
    mesh.guest("Bob")
    mesh.run()
    mesh.pass_time(1000)
    assert mesh.stations[victim].core.sealed is None or at >= len(mesh.log)
    # A host that was never shown a guest goes on waiting for one, and its person sees nobody come.
    waits = mesh.stations[victim].core.state is State.GATHERING and victim == "Hanna"
    assert mesh.stations[victim].error is not None or waits or at >= len(mesh.log)


def test_a_dropped_record_is_the_fault_of_the_rendezvous() -> None:
    def shows(name: str, log: list[Posted]) -> list[bytes]:
        shown = records(log)
        return shown[:2] + shown[3:] if name == "Ann" else shown

    mesh = Mesh(shows=shows)
    _, ann, _ = session(mesh)
    mesh.run()
    assert isinstance(ann.error, RendezvousError)
    assert "rendezvous" in ann.error.message


def test_replayed_records_change_nothing_and_are_named() -> None:
    mesh = Mesh()
    hanna, ann, _ = session(mesh)
    for _ in range(20):
        mesh.step(mesh.random.choice([hanna, ann, mesh.stations["Bob"]]))
        if len(mesh.log) >= 3:
            mesh.post(mesh.log[len(mesh.log) // 2].record)
    mesh.run()
    assert mesh.sealed("Hanna", "Ann", "Bob")
    assert any("a copy of an earlier record" in one.text for one in ann.of(events.Notice))


@pytest.mark.parametrize("at", range(2, 9))
def test_a_reordered_log_is_noticed(at: int) -> None:
    def shows(name: str, log: list[Posted]) -> list[bytes]:
        shown = records(log)
        if name == "Ann" and len(shown) <= at + 1:
            return shown[:at]
        if name == "Ann":
            shown[at], shown[at + 1] = shown[at + 1], shown[at]
        return shown

    mesh = Mesh(shows=shows)
    session(mesh)
    mesh.run()
    mesh.pass_time(1000)
    assert mesh.stations["Ann"].core.sealed is None
    assert any(isinstance(one.error, RendezvousError) for one in mesh.stations.values())


def test_two_logs_for_two_parties_are_noticed() -> None:
    stray = b"a record that only Ann is shown, and that opens under no key"

    def shows(name: str, log: list[Posted]) -> list[bytes]:
        shown = records(log)
        return [*shown[:3], stray, *shown[3:]] if name == "Ann" and len(shown) >= 3 else shown

    mesh = Mesh(shows=shows)
    _, ann, _ = session(mesh)
    mesh.run()
    assert isinstance(ann.error, RendezvousError)
    assert "another log" in ann.error.message or "dropped or reordered" in ann.error.message
    assert nobody_sealed(mesh)


def test_the_records_of_another_room_are_noise() -> None:
    other = Mesh(2)
    session(other)
    other.run()
    mesh = Mesh(3)
    session(mesh)
    for posted in other.log[:MAX_NOISE]:
        mesh.post(posted.record)
    mesh.run()
    assert mesh.sealed("Hanna", "Ann", "Bob")
    swapped = Mesh(3, shows=lambda name, log: records(other.log) if name == "Ann" else records(log))
    ann = session(swapped)[1]
    swapped.run()
    swapped.pass_time(100)
    assert ann.error is not None and nobody_sealed(swapped)


def test_the_same_identities_in_two_rooms_cannot_be_mixed() -> None:
    mesh = Mesh()
    identity = Identity.fresh(mesh.crypto)
    room = mesh.invitation
    elsewhere = Invitation.fresh(mesh.crypto, room.rendezvous, mesh.host_identity.did)
    # Who holds both room keys opens the record of one room and seals it again for the other.
    written = Log(mesh.crypto, identity, elsewhere.room_id, elsewhere.room_key)
    record = written.write(1, Bye.kind, encode(Bye("not meant for this room")))
    reader = Log(mesh.crypto, Identity.fresh(mesh.crypto), elsewhere.room_id, elsewhere.room_key)
    plain = reader._open(record)
    here = Log(mesh.crypto, Identity.fresh(mesh.crypto), room.room_id, room.room_key)
    key, nonce = here._keys(bytes(16))
    moved = bytes(16) + mesh.crypto.seal(key, nonce, plain, room.room_id.encode())
    found = here.read(moved)
    assert "without its signature" in getattr(found, "why", "")


# A holder of the invitation


def test_who_sits_between_two_rooms_shows_other_words() -> None:
    """The invitation leaked and was replaced on its way: the attacker is guest here and host there."""
    mesh = Mesh(4)
    hanna = mesh.host(parties=2)
    mesh.guest("Ann")  # the attacker under Ann's name, in the true room
    mesh.run()
    fake = Mesh(5)
    fake.host("Hanna", parties=2)  # the attacker under Hanna's name, in a room of its own
    ann = fake.guest("Ann")
    fake.run()
    assert mesh.sealed("Hanna", "Ann") and fake.sealed("Hanna", "Ann")
    assert hanna.of(events.WordsReady)[0].words != ann.of(events.WordsReady)[0].words


def test_the_holder_of_the_invitation_cannot_be_the_host() -> None:
    mesh = Mesh()
    eve = Identity.fresh(mesh.crypto)
    crypto, room = mesh.crypto, mesh.invitation
    ann = mesh.guest("Ann")
    log = Log(crypto, eve, room.room_id, room.room_key)
    hello = Room(room.room_id.encode(), 1).hello(0, eve.did, "Hanna", SOFTWARE, Values.fresh(crypto))
    mesh.post(log.write(1, Hello.kind, encode(hello)))
    mesh.run()
    assert ann.of(events.HostCame) == []
    assert any("role" in one.text for one in ann.of(events.Notice))


def test_who_writes_in_the_name_of_another_is_ignored() -> None:
    mesh = Mesh()
    hanna, ann, _ = session(mesh)
    eve = Identity(ann.core.did, Identity.fresh(mesh.crypto).key)
    log = Log(mesh.crypto, eve, mesh.invitation.room_id, mesh.invitation.room_key)
    mesh.post(log.write(1, Bye.kind, encode(Bye("I am Ann and I leave"))))
    mesh.run()
    assert mesh.sealed("Hanna", "Ann", "Bob")
    assert any("without its signature" in one.text for one in hanna.of(events.Notice))


@pytest.mark.parametrize("cls", [Proposal, Reveal, Accept, Restart, FileKey, FileChunk])
def test_a_stranger_cannot_disturb_the_ceremony(cls: type[Message]) -> None:
    mesh = Mesh()
    session(mesh)
    eve = Log(mesh.crypto, Identity.fresh(mesh.crypto), mesh.invitation.room_id, mesh.invitation.room_key)
    message = {
        Proposal: Proposal((bytes(32), bytes(31) + b"1"), 1, "x", None, Options(), b""),
        Reveal: Reveal(bytes(32), bytes(32), bytes(32)),
        Accept: Accept(bytes(64), ()),
        Restart: Restart(2, "because"),
        FileKey: FileKey(()),
        FileChunk: FileChunk(0, b""),
    }[cls]
    # Its claims on the log are wrong too, which is nobody's fault but its own.
    for epoch in (1, 1, 2, 7):
        mesh.post(eve.write(epoch, cls.kind, encode(message)))
        for _ in range(3):
            for station in mesh.stations.values():
                mesh.step(station)
    mesh.run()
    assert mesh.sealed("Hanna", "Ann", "Bob")


# Guests


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
    theirs = hanna.core._round.room.commitment(
        0, hanna.core.did, "Hanna", hanna.core._round.values.exchange, hanna.core._round.values.nonce
    )
    eve = mesh.guest("Eve")
    corrupt(eve, Hello, lambda hello: [replace(hello, commitment=theirs)])
    mesh.run()
    assert nobody_sealed(mesh) and eve.error is not None and hanna.error is None


def other_encodings(reveal: Reveal) -> list[Reveal]:
    """All that a last revealer may try: same meaning to X25519, other bytes; other values."""
    high = reveal.exchange[:31] + bytes([reveal.exchange[31] ^ 0x80])
    changed = [replace(reveal, exchange=high)]
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
    assert any("says that it is" in one.text for one in hanna.of(events.Notice))


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
    assert any("Eve sent offers that do not open" in one.text for one in ann.of(events.Notice))


# A host


def test_a_second_proposal_over_opened_commitments_is_refused() -> None:
    mesh = Mesh()
    hanna, ann, bob = session(mesh)
    send = hanna.core._send

    def twice(message: Message) -> None:
        send(message)
        if isinstance(message, Proposal):
            send(replace(message, options=replace(message.options, record=True)))

    hanna.core._send = twice  # type: ignore[method-assign]
    mesh.run()
    for guest in (ann, bob):
        assert isinstance(guest.error, PeerError) and guest.error.peer == "Hanna"
        assert "proposal" in guest.error.message
    assert nobody_sealed(mesh)


def test_different_rosters_for_different_guests_are_noticed() -> None:
    """The host and the rendezvous together show each guest another proposal."""
    mesh = Mesh()
    hanna, ann, bob = session(mesh)
    proposals: list[bytes] = []

    def fork(proposal: Proposal) -> list[Message]:
        first, *rest = proposal.hellos
        return [proposal, replace(proposal, hellos=(first, *reversed(rest)))]

    corrupt(hanna, Proposal, fork)
    original = hanna.core._log.write

    def write(epoch: int, kind: int, body: bytes) -> bytes:
        if kind == Proposal.kind and proposals:
            hanna.core._log._counter -= 1  # the same place in both logs
        record = original(epoch, kind, body)
        if kind == Proposal.kind:
            proposals.append(record)
        return record

    hanna.core._log.write = write  # type: ignore[method-assign]
    hidden = {"Ann": 1, "Bob": 0, "Hanna": 1}

    def shows(name: str, log: list[Posted]) -> list[bytes]:
        return [record for record in records(log) if len(proposals) < 2 or record != proposals[hidden[name]]]

    mesh._shows = shows
    mesh.run()
    mesh.pass_time(1000)
    assert len(proposals) == 2
    assert ann.of(events.Proposed) and bob.of(events.Proposed)
    assert ann.of(events.Proposed)[0].roster != bob.of(events.Proposed)[0].roster
    assert ann.of(events.WordsReady) == bob.of(events.WordsReady) == []
    assert isinstance(ann.error, RendezvousError) and isinstance(bob.error, RendezvousError)


HOSTILE_PATHS = [
    "../up.py",
    "/etc/passwd.py",
    "a/../../b.py",
    "C:/x.py",
    "a\\b.py",
    "a/./b.py",
    "nul.py",
    "x\0.py",
]


@pytest.mark.parametrize("path", HOSTILE_PATHS)
def test_a_manifest_with_a_hostile_path_is_refused(path: str) -> None:
    def change(proposal: Proposal) -> list[Message]:
        data = b"print()\n"
        file = manifests.File(path, len(data), hashlib.sha256(data).digest())
        plain = manifests.read(proposal.manifest)
        return [replace(proposal, manifest=encode(replace(plain, entry=path, files=(file,))))]

    mesh = Mesh()
    hanna, ann = mesh.host(parties=2), mesh.guest("Ann")
    corrupt(hanna, Proposal, change)
    mesh.run()
    assert isinstance(ann.error, PeerError) and "cannot be run" in ann.error.message
    assert nobody_sealed(mesh) and ann.of(events.Proposed) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda p: replace(p, threshold=1), "two different thresholds"),
        (lambda p: replace(p, version=9), "does not speak"),
        (lambda p: replace(p, suite="rot13"), "does not speak"),
        (lambda p: replace(p, hellos=(p.hellos[1], p.hellos[0], *p.hellos[2:])), "begin with its host"),
        (lambda p: replace(p, hellos=(p.hellos[0], bytes(32), *p.hellos[2:])), "nobody sent"),
        (lambda p: replace(p, manifest=b"\0"), "malformed"),
    ],
)
def test_a_proposal_that_makes_no_sense_is_the_host_s_fault(change: Any, words: str) -> None:
    mesh = Mesh()
    hanna, ann, _ = session(mesh)
    corrupt(hanna, Proposal, lambda proposal: [change(proposal)])
    mesh.run()
    assert isinstance(ann.error, PeerError) and words in ann.error.message and ann.error.peer == "Hanna"
    assert nobody_sealed(mesh)


def test_other_files_than_proposed_are_refused() -> None:
    mesh = Mesh()
    hanna, ann = mesh.host(parties=2), mesh.guest("Ann")
    other = {**FILES, "prog.py": bytes(len(FILES["prog.py"]))}
    assert isinstance(hanna.core, Host)
    hanna.core._files = other
    mesh.run()
    assert isinstance(ann.error, PeerError) and "prog.py" in ann.error.message
    assert ann.of(events.FilesReady) == [] and nobody_sealed(mesh)


def test_the_files_cannot_be_read_by_who_only_holds_the_invitation() -> None:
    mesh = Mesh()
    session(mesh)
    mesh.run()
    reader = Log(mesh.crypto, Identity.fresh(mesh.crypto), mesh.invitation.room_id, mesh.invitation.room_key)
    plain = b"".join(reader._open(posted.record) for posted in mesh.log)
    assert b"prog.py" in plain  # the listing
    assert FILES["prog.py"][:16] not in plain and b"192.0.2.1" not in plain


def test_the_epoch_s_secrets_are_forgotten_when_it_is_over() -> None:
    mesh = Mesh()
    session(mesh)
    mesh.run()
    for station in mesh.stations.values():
        assert station.core.state is State.SEALED
        assert station.core._round.values is None
        assert station.core.sealed is not None
        assert station.core.sealed.pair_secret((station.core.sealed.pid + 1) % 3).hex() not in repr(
            station.core.sealed
        )
