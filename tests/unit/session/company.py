"""Sealed sessions for tests: what a ceremony of some parties in memory ends with, at each of them."""

from dataclasses import dataclass, replace
from functools import cache

from huddle.ceremony.messages import Options
from huddle.ceremony.sealed import Sealed
from huddle.identity.keys import Identity
from huddle.identity.native import NativeCrypto
from tests.unit.ceremony.mesh import Mesh

CRYPTO = NativeCrypto()
NAMES = ("Ann", "Bob", "Cyd", "Dan")  # of the guests


@dataclass(frozen=True)
class Seat:
    """One party: who it is, and the session as it holds it."""

    identity: Identity
    sealed: Sealed

    @property
    def pid(self) -> int:
        return self.sealed.pid

    @property
    def name(self) -> str:
        return self.sealed.roster[self.sealed.pid].name


@cache
def company(
    parties: int = 3, *, options: Options | None = None, program: bytes = b"pass\n"
) -> tuple[Seat, ...]:
    """All parties of a sealed session, by pid; the host is Hanna."""
    mesh = Mesh()
    mesh.host(parties=parties, options=options, files={"prog.py": program})
    for name in NAMES[: parties - 1]:
        mesh.guest(name)
    mesh.run()
    seats = []
    for station in mesh.stations.values():
        assert station.core.sealed is not None, station.error
        seats.append(Seat(station.core._identity, replace(station.core.sealed)))
    return tuple(sorted(seats, key=lambda seat: seat.pid))
