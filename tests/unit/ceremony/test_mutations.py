"""A hundred thousand mutated messages crash nothing: bodies, envelopes, and messages in every state."""

import copy
import random
from functools import cache
from typing import Any

import pytest

from huddle.ceremony.ceremony import Ceremony
from huddle.ceremony.log import SALT, Envelope, Log, LogEntry, _message
from huddle.ceremony.messages import KINDS, Bye, Decline, Meaningless, Refusal, Restart
from huddle.ceremony.states import CeremonyState
from huddle.codec import DecodeError, decode, encode
from huddle.identity.keys import Identity
from tests.unit.ceremony.mesh import Mesh

BODIES, ENVELOPES, STATES = 70_000, 10_000, 20_000


def mutated(source: random.Random, data: bytes) -> bytes:
    """One to three small changes: bits, bytes, lengths, pieces moved, cut or doubled."""
    changed = bytearray(data)
    for _ in range(source.randint(1, 3)):
        at = source.randrange(len(changed) + 1)
        match source.randrange(7):
            case 0 if at < len(changed):
                changed[at] ^= 1 << source.randrange(8)
            case 1 if at < len(changed):
                changed[at] = source.choice((0, 1, 127, 128, 255))
            case 2:
                changed[at:at] = source.randbytes(source.randint(1, 8))
            case 3:
                del changed[at : at + source.randint(1, 8)]
            case 4:
                changed[at : at + 4] = source.randrange(1 << 32).to_bytes(4, "big")
            case 5:
                changed[at:at] = changed[at : at + source.randint(1, 40)]
            case 6:
                changed = changed[:at]
    return bytes(changed)


@cache
def ceremony() -> tuple[Mesh, tuple[Envelope, ...], tuple[tuple[CeremonyState, Ceremony], ...]]:
    """A ceremony of three, all its envelopes, and copies of the cores at every state they went through."""
    mesh = Mesh(9)
    mesh.host(parties=3, files={"prog.py": b"pass\n" * 30})
    mesh.guest("Ann")
    mesh.guest("Bob")
    cores: dict[tuple[str, CeremonyState], Ceremony] = {}
    for _ in range(400):
        for name, station in mesh.stations.items():
            mesh.step(station)
            if station.core._current.plan or station.core.state is CeremonyState.GATHERING:
                cores[name, station.core.state] = fork(station.core)
    assert mesh.sealed("Hanna", "Ann", "Bob")
    reader = Log(mesh.crypto, Identity.fresh(mesh.crypto), mesh.invitation.room_id, mesh.invitation.room_key)
    envelopes = [decode(Envelope, reader._open(posted.record)) for posted in mesh.log]
    extra = [Bye("x"), Decline("x"), Restart(2, "x"), Refusal(bytes(32), "x")]
    for message in extra:
        envelopes.append(
            Envelope(message.kind, 1, envelopes[0].sender, 9, 0, bytes(32), encode(message), bytes(64))
        )
    return mesh, tuple(envelopes), tuple((state, core) for (_, state), core in cores.items())


def fork(core: Ceremony) -> Ceremony:
    """A copy of a core that shares nothing that changes."""
    shared: list[Any] = [core._crypto, core._identity, core._invitation, core.sealed, core._log]
    shared += [core._current.values, core._current.plan, core._current.pairs]
    return copy.deepcopy(core, {id(one): one for one in shared})


def test_mutated_bodies_are_messages_or_refused() -> None:
    source = random.Random(1)
    _, envelopes, _ = ceremony()
    short = [one for one in envelopes if len(one.body) < 4_000]
    meant = 0
    for _ in range(BODIES):
        envelope = source.choice(short)
        try:
            message = decode(KINDS[envelope.kind], mutated(source, envelope.body))
            message.check()
            meant += 1
        except (DecodeError, Meaningless):
            pass
    assert 0 < meant < BODIES


def test_mutated_envelopes_are_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huddle.ceremony.log.MAX_RECORDS", ENVELOPES)
    source = random.Random(2)
    mesh, envelopes, _ = ceremony()
    log = Log(mesh.crypto, Identity.fresh(mesh.crypto), mesh.invitation.room_id, mesh.invitation.room_key)
    salt = bytes(SALT)
    key, nonce = log._keys(salt)
    short = [encode(one) for one in envelopes if len(one.body) < 4_000]
    for _ in range(ENVELOPES):
        plain = mutated(source, source.choice(short))
        log.read(salt + mesh.crypto.seal(key, nonce, plain, mesh.invitation.room_id.encode()))
    assert log.count == ENVELOPES


def test_mutated_messages_in_any_state_end_in_an_event_at_most() -> None:
    source = random.Random(3)
    mesh, envelopes, cores = ceremony()
    assert {state for state, _ in cores} == set(CeremonyState) - {CeremonyState.OUTSIDE, CeremonyState.ENDED}
    senders = [*{one.sender for one in envelopes}, Identity.fresh(mesh.crypto).did]
    for number in range(STATES):
        if number % 50 == 0:
            core = fork(source.choice(cores)[1])
        sent = source.choice(envelopes)
        kind = sent.kind if source.random() < 0.8 else source.choice(list(KINDS))
        body = sent.body if source.random() < 0.3 else mutated(source, sent.body)
        sender = sent.sender if source.random() < 0.5 else source.choice(senders)
        epoch = 1 if source.random() < 0.9 else source.randrange(256)
        envelope = Envelope(kind, epoch, sender, source.randrange(3), 0, bytes(32), body, bytes(64))
        message, flaw = _message(envelope)
        core._room.now += source.random()
        core.take(LogEntry(envelope, message, flaw))
        core.records_to_send()
        core.events()
        if source.random() < 0.02:
            core.handle_timer(core._room.now + source.choice((1, 50, 1000)))
        if core.state is CeremonyState.ENDED:
            core = fork(source.choice(cores)[1])
