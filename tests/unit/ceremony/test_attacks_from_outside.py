"""A rendezvous that lies, and holders of a leaked invitation, each tried."""

import pytest

from huddle.ceremony import events
from huddle.ceremony.invitation import Invitation
from huddle.ceremony.log import Log
from huddle.ceremony.messages import (
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
from huddle.ceremony.notices import MAX_IGNORED
from huddle.ceremony.states import CeremonyState
from huddle.ceremony.values import EpochContext, Values
from huddle.codec import encode
from huddle.errors import RendezvousError
from huddle.identity.keys import Identity
from tests.unit.ceremony.mesh import SOFTWARE, Mesh, Posted, nobody_sealed, records, session

# A rendezvous


def test_any_number_of_forged_records_ends_nothing_blames_nobody_and_is_told_a_few_times() -> None:
    mesh = Mesh()
    hanna, ann, _ = session(mesh)
    for i in range(1_100):  # more than a rendezvous lets whoever was not admitted write
        mesh.post(mesh.crypto.random(i % 300))
    mesh.run()
    assert mesh.sealed("Hanna", "Ann", "Bob")
    told = [one.text for one in ann.of(events.CeremonyNotice)]
    assert len([text for text in told if "ignored a record" in text]) == MAX_IGNORED
    assert len([text for text in told if "more such records" in text]) == 1
    assert hanna.error is None and ann.error is None


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
    waits = mesh.stations[victim].core.state is CeremonyState.GATHERING and victim == "Hanna"
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
    assert any("a copy of an earlier record" in one.text for one in ann.of(events.CeremonyNotice))


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
    for posted in other.log:
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
    hello = EpochContext(room.room_id.encode(), 1).hello(0, eve.did, "Hanna", SOFTWARE, Values.fresh(crypto))
    mesh.post(log.write(1, Hello.kind, encode(hello)))
    mesh.run()
    assert ann.of(events.HostCame) == []
    assert any("role" in one.text for one in ann.of(events.CeremonyNotice))


def test_who_writes_in_the_name_of_another_is_ignored() -> None:
    mesh = Mesh()
    hanna, ann, _ = session(mesh)
    eve = Identity(ann.core.did, Identity.fresh(mesh.crypto).key)
    log = Log(mesh.crypto, eve, mesh.invitation.room_id, mesh.invitation.room_key)
    mesh.post(log.write(1, Bye.kind, encode(Bye("I am Ann and I leave"))))
    mesh.run()
    assert mesh.sealed("Hanna", "Ann", "Bob")
    assert any("without its signature" in one.text for one in hanna.of(events.CeremonyNotice))


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
