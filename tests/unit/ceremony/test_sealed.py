"""What is sealed for one peer opens for that peer, from that peer, for that purpose, in that session."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huddle.ceremony.sealed import Pairs, pair_secret
from huddle.identity.crypto import InvalidSeal
from tests.unit.ceremony.mesh import Mesh, SeededCrypto

CRYPTO = SeededCrypto(1)
DIGEST = b"d" * 32
ANN = Pairs(CRYPTO, DIGEST, 0, {1: b"s" * 32, 2: b"t" * 32})
BOB = Pairs(CRYPTO, DIGEST, 1, {0: b"s" * 32, 2: b"u" * 32})


def test_a_peer_opens_what_was_sealed_for_it() -> None:
    assert BOB.open(b"offers", 0, ANN.seal(b"offers", 1, b"data")) == b"data"
    assert ANN.seal(b"offers", 1, b"data") != ANN.seal(b"offers", 1, b"data")


def test_nothing_else_opens() -> None:
    sealed = ANN.seal(b"offers", 1, b"data")
    for pairs, purpose, sender in (
        (BOB, b"files", 0),
        (BOB, b"offers", 2),
        (ANN, b"offers", 1),  # sent back to its sender
        (replace(BOB, digest=b"e" * 32), b"offers", 0),
        (replace(BOB, secrets={0: b"x" * 32}), b"offers", 0),
    ):
        with pytest.raises(InvalidSeal):
            pairs.open(purpose, sender, sealed)


@given(st.binary(max_size=100))
def test_any_bytes_open_or_do_not(data: bytes) -> None:
    with pytest.raises(InvalidSeal):
        BOB.open(b"offers", 0, data)


def test_a_pair_s_secret_is_another_in_another_session() -> None:
    assert pair_secret(b"s" * 32, DIGEST) != pair_secret(b"s" * 32, b"e" * 32)


def test_the_keys_of_a_pair_are_shared_by_the_pair_alone_and_differ_by_use() -> None:
    mesh = Mesh()
    mesh.host(parties=3)
    mesh.guest("Ann")
    mesh.guest("Bob")
    mesh.run()
    seals = {}
    for station in mesh.stations.values():
        assert station.core.sealed is not None
        seals[station.core.sealed.pid] = station.core.sealed
    keys = set()
    for low, high in ((0, 1), (0, 2), (1, 2)):
        for use in ("pair_secret", "link_key", "relay_secret", "meeting_secret"):
            key = getattr(seals[low], use)(high)
            assert key == getattr(seals[high], use)(low)
            assert len(key) == 32 and key.hex() not in repr(seals[low])
            keys.add(key)
    assert len(keys) == 12
