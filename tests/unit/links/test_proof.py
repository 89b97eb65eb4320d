"""The link proof: who is at the other end of a wire, and who only says so."""

import hmac
import json
from dataclasses import replace
from pathlib import Path
from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huddle.errors import NetworkError
from huddle.links.proof import Ends, Proof

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "links.json").read_text())

KEY = bytes(range(32))
ALICE = Ends(pid=1, peer_pid=4, peer="Bob", run=2, local_key=b"A" * 32, peer_key=b"B" * 32)
BOB = Ends(pid=4, peer_pid=1, peer="Alice", run=2, local_key=b"B" * 32, peer_key=b"A" * 32)


def two(
    alice: Ends = ALICE, bob: Ends = BOB, *, generation: int = 1, bobs_key: bytes = KEY
) -> tuple[Proof, Proof]:
    first = Proof(alice, KEY, b"a" * 32, generation=generation)
    return first, Proof(bob, bobs_key, b"b" * 32)


def run(initiator: Proof, responder: Proof, *, present: int = 0) -> None:
    third = initiator.receive(responder.receive(initiator.start(), present), present)
    responder.receive(third, present)


def test_both_ends_agree() -> None:
    initiator, responder = two(generation=7)
    run(initiator, responder, present=6)
    assert initiator.proven
    assert responder.proven
    assert initiator.proven.generation == responder.proven.generation == 7
    assert initiator.proven.keys.sending == responder.proven.keys.receiving
    assert initiator.proven.keys.receiving == responder.proven.keys.sending
    assert initiator.proven.keys.sending != initiator.proven.keys.receiving
    assert repr(initiator.proven.keys) == "RecordKeys()"


@given(st.integers(1, 40))
def test_messages_may_come_in_pieces(size: int) -> None:
    initiator, responder = two()
    message, to = initiator.start(), responder
    for _ in range(3):
        answer = b""
        for at in range(0, len(message), size):
            answer += to.receive(message[at : at + size], 0)
        message, to = answer, initiator if to is responder else responder
    assert initiator.proven
    assert responder.proven


def test_what_follows_the_proof_is_kept_for_the_link() -> None:
    initiator, responder = two()
    third = initiator.receive(responder.receive(initiator.start(), 0), 0)
    responder.receive(third + b"RESUME", 0)
    assert responder.proven
    assert responder.proven.rest == b"RESUME"


@pytest.mark.parametrize("vector", VECTORS["proofs"], ids=lambda vector: f"run {vector['run']}")
def test_vectors(vector: dict[str, str]) -> None:
    raw = {name: bytes.fromhex(value) for name, value in vector.items() if isinstance(value, str)}
    low, high, number = int(vector["initiator"]), int(vector["responder"]), int(vector["run"])
    keys = raw["initiator_wire_key"], raw["responder_wire_key"]
    initiator = Proof(
        Ends(low, high, "Bob", number, *keys),
        raw["link_key"],
        raw["initiator_nonce"],
        generation=int(vector["generation"]),
    )
    responder = Proof(Ends(high, low, "Alice", number, *keys[::-1]), raw["link_key"], raw["responder_nonce"])
    assert initiator.start() == raw["first"]
    assert responder.receive(raw["first"], 0) == raw["second"]
    assert initiator.receive(raw["second"], 0) == raw["third"]
    responder.receive(raw["third"], 0)
    assert responder.proven
    assert responder.proven.keys.sending == raw["record_key_of_responder"]
    assert responder.proven.keys.receiving == raw["record_key_of_initiator"]

    # The same MAC, written out from the text of the protocol.
    fields = [
        b"huddle/1 link proof mac",
        b"responder",
        pack(">I", low),
        pack(">I", high),
        pack(">B", 1 if number else 0),
        pack(">I", number),
        pack(">Q", int(vector["generation"])),
        raw["initiator_nonce"],
        raw["responder_nonce"],
        *keys,
    ]
    text = b"".join(pack(">I", len(field)) + field for field in fields)
    assert raw["second"][33:] == hmac.digest(raw["link_key"], text, "sha256")


# --- attackers


def test_somebody_in_the_middle_with_own_certificates() -> None:
    initiator, responder = two(replace(ALICE, peer_key=b"M" * 32), replace(BOB, peer_key=b"m" * 32))
    with pytest.raises(NetworkError, match="could not prove that it is Bob"):
        run(initiator, responder)
    assert not initiator.proven


def test_a_middle_that_forwards_from_a_wire_to_one_without_keys() -> None:
    initiator, responder = two(bob=replace(BOB, local_key=b"", peer_key=b""))
    with pytest.raises(NetworkError, match="could not prove"):
        run(initiator, responder)


def test_somebody_with_another_link_key() -> None:
    initiator, responder = two(bobs_key=b"?" * 32)
    with pytest.raises(NetworkError, match="could not prove that it is Bob"):
        run(initiator, responder)


@pytest.mark.parametrize(
    ("alice", "bob"),
    [
        (ALICE, replace(BOB, pid=3)),
        (ALICE, replace(BOB, peer_pid=0)),
        (replace(ALICE, peer_pid=5), BOB),
    ],
)
def test_another_pid_under_the_same_key(alice: Ends, bob: Ends) -> None:
    with pytest.raises(NetworkError, match="could not prove"):
        run(*two(alice, bob))


@pytest.mark.parametrize("generation", [0, 4, 5])
def test_a_generation_that_was_there_before(generation: int) -> None:
    initiator, responder = two(generation=generation)
    with pytest.raises(NetworkError, match=f"stale: generation {generation}, after 5"):
        run(initiator, responder, present=5)


def test_a_newer_wire_proven_while_this_proof_went_on() -> None:
    initiator, responder = two(generation=3)
    third = initiator.receive(responder.receive(initiator.start(), 2), 2)
    with pytest.raises(NetworkError, match="stale: generation 3, after 4"):
        responder.receive(third, 4)
    assert not responder.proven


def test_messages_sent_back_to_where_they_came_from() -> None:
    initiator, responder = two()
    with pytest.raises(NetworkError, match="message 1 came where 2"):
        initiator.receive(initiator.start(), 0)
    second = responder.receive(two()[0].start(), 0)
    with pytest.raises(NetworkError, match="message 2 came where 3"):
        responder.receive(second, 0)
    # Renumbered, the responder's MAC is still not the initiator's.
    _, responder = two()
    second = responder.receive(two()[0].start(), 0)
    with pytest.raises(NetworkError, match="could not prove that it is Alice"):
        responder.receive(b"\x03" + second[33:], 0)


def test_messages_of_an_earlier_proof() -> None:
    initiator, responder = two()
    first = initiator.start()
    third = initiator.receive(responder.receive(first, 0), 0)
    fresh = Proof(BOB, KEY, b"c" * 32)
    fresh.receive(first, 0)
    with pytest.raises(NetworkError, match="could not prove"):
        fresh.receive(third, 0)


@pytest.mark.parametrize("other", [replace(BOB, run=0), replace(BOB, run=3)])
def test_the_link_of_another_run(other: Ends) -> None:
    with pytest.raises(NetworkError, match="wants the link of run 2"):
        run(*two(bob=other))


def test_a_version_from_the_future() -> None:
    initiator, responder = two()
    first = bytearray(initiator.start())
    first[1] = 2
    with pytest.raises(NetworkError, match="version 2 of the link proof, not 1"):
        responder.receive(bytes(first), 0)


@pytest.mark.parametrize("which", [0, 1, 2])
@pytest.mark.parametrize("flip", [1, 128])
def test_any_changed_byte(which: int, flip: int) -> None:
    sizes = (47, 65, 33)
    for at in range(sizes[which]):
        initiator, responder = two()
        with pytest.raises(NetworkError):
            message = initiator.start()
            for number, to in enumerate((responder, initiator, responder)):
                assert len(message) == sizes[number]
                if number == which:
                    message = message[:at] + bytes([message[at] ^ flip]) + message[at + 1 :]
                message = to.receive(message, 0)
        assert not responder.proven


@given(st.lists(st.binary(max_size=100), max_size=4), st.booleans())
def test_anybody_may_send_anything(pieces: list[bytes], to_initiator: bool) -> None:
    proof = two()[0 if to_initiator else 1]
    proof.start()
    try:
        for piece in pieces:
            proof.receive(piece, 0)
    except NetworkError:
        pass
    assert not proof.proven


def test_a_short_nonce_is_a_mistake_of_ours() -> None:
    with pytest.raises(ValueError, match="nonce"):
        Proof(ALICE, KEY, b"short")
