"""Hosts that cheat, each tried: second proposals, other rosters, hostile paths."""

import hashlib
from dataclasses import replace
from typing import Any

import pytest

from huddle.ceremony import events
from huddle.ceremony import manifest as manifests
from huddle.ceremony.guest import HOST_SECONDS, GuestCeremony
from huddle.ceremony.host import HostCeremony
from huddle.ceremony.log import Log
from huddle.ceremony.messages import FileKey, Message, Proposal, Restart
from huddle.ceremony.states import CeremonyState
from huddle.codec import encode
from huddle.errors import PeerError, RendezvousError
from huddle.identity.keys import Identity
from tests.unit.ceremony.mesh import FILES, Change, Mesh, Posted, corrupt, nobody_sealed, records, session


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
    assert isinstance(hanna.core, HostCeremony)
    object.__setattr__(hanna.core._planned, "files", other)
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
        assert station.core.state is CeremonyState.SEALED
        assert station.core._current.values is None
        assert station.core.sealed is not None
        assert station.core.sealed.pair_secret((station.core.sealed.pid + 1) % 3).hex() not in repr(
            station.core.sealed
        )


@pytest.mark.parametrize(
    ("cls", "change", "words"),
    [
        (FileKey, lambda key: [key, key], "key of the files twice"),
        (FileKey, lambda key: [FileKey(())], "to others only"),
        (FileKey, lambda key: [], "before their key"),
        (Restart, lambda restart: [replace(restart, epoch=5)], "began epoch 5"),
    ],
)
def test_a_host_that_breaks_the_rules_is_named(cls: type[Message], change: Change, words: str) -> None:
    mesh = Mesh()
    hanna, ann = mesh.host(), mesh.guest("Ann")
    corrupt(hanna, cls, change)
    mesh.run()
    if hanna.error is None:
        ann.decides = cls is not Restart
        hanna.core.propose()  # type: ignore[attr-defined]
        mesh.run()
        mesh.guest("Late").decides = False
        mesh.run()
    assert isinstance(ann.error, PeerError) and ann.error.peer == "Hanna" and words in ann.error.message
    assert ann.core.sealed is None


def test_a_host_with_two_hellos_in_one_epoch_is_named() -> None:
    mesh = Mesh()
    hanna, ann = mesh.host(), mesh.guest("Ann")
    hanna.core._room.outgoing *= 2
    mesh.run()
    assert isinstance(ann.error, PeerError) and "two hellos in one epoch" in ann.error.message


def test_a_host_that_begins_again_in_the_same_room_is_named() -> None:
    mesh = Mesh()
    mesh.host(parties=3)
    ann = mesh.guest("Ann")
    mesh.run()
    del mesh.stations["Hanna"]
    again = mesh.host(parties=3)
    for record in again.core.records_to_send():
        mesh.post(record)
    mesh.run()
    assert isinstance(ann.error, PeerError) and "began again" in ann.error.message
    assert again.error is not None and "used before" in again.error.message


def test_nobody_is_greeted_as_the_host_but_the_one_whom_the_link_names() -> None:
    """Whoever has the link may be in the room first, and say hello there."""
    mesh = Mesh()
    hanna, eve, ann = mesh.host(parties=3), mesh.guest("Eve"), mesh.guest("Ann")
    mesh.mute.add("Hanna")
    eve.core._greet()
    mesh.run()
    assert len(mesh.log) == 1 and not ann.of(events.HostCame)
    assert isinstance(ann.core, GuestCeremony) and ann.core.host == ""
    mesh.pass_time(HOST_SECONDS + 1)
    assert isinstance(ann.error, PeerError) and "the host is not in this room" in ann.error.message
    assert hanna.error is None and not ann.core._log.written


def test_a_guest_that_comes_again_is_another_hello_and_no_fault() -> None:
    mesh = Mesh()
    mesh.host(parties=3)
    ann = mesh.guest("Ann")
    bob = Identity.fresh(mesh.crypto)
    mesh.guest("Bob", identity=bob)
    mesh.mute.add("Hanna")
    mesh.run()
    mesh.mute.clear()
    mesh.stations.pop("Bob")
    mesh.guest("Bob", identity=bob)
    mesh.run()
    assert ann.error is None and not ann.of(events.CeremonyNotice)
    assert mesh.sealed("Hanna", "Ann", "Bob")
    (came,) = ann.of(events.HostCame)
    assert came.name == "Hanna"


def test_who_knocks_after_the_sealing_is_nobody_s_concern() -> None:
    mesh = Mesh()
    hanna, ann = mesh.host(parties=2), mesh.guest("Ann")
    mesh.run()
    before = set(ann.core._current.hellos)
    late = mesh.guest("Late")
    mesh.run()
    assert late.core._log.written, "the hello is in the room"
    assert set(ann.core._current.hellos) == before and ann.error is None and hanna.error is None
    assert mesh.sealed("Hanna", "Ann")


def test_the_host_comes_once_however_often_it_begins_again() -> None:
    mesh = Mesh()
    _, ann, bob = session(mesh)
    bob.decides = False
    mesh.run()
    bob.core.leave("gone")
    mesh.guest("Cyd")
    mesh.run()
    assert ann.of(events.Restarted) and len(ann.of(events.HostCame)) == 1
    assert mesh.sealed("Hanna", "Ann", "Cyd")
