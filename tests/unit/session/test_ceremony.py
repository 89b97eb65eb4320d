"""Parties that all do what they should: from hellos to a sealed session."""

import pytest

from .mesh import FILES, OFFERS, Mesh


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
    for seal in seals:
        assert seal is not None
        assert seal.roster == seals[0].roster
        assert seal.words == seals[0].words
        assert seal.files == FILES
        assert seal.offers == {pid: OFFERS for pid in range(guests + 1) if pid != seal.pid}
        assert seal.manifest.args == ("-n", "3")
        assert seal.transcript is None
        assert seal.roster[seal.pid].name == names[seal.pid] or guests > 1
