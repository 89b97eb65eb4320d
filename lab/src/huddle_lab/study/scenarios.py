"""Scenarios: where parties and the rendezvous are, and so how long packets take between any two.

A scenario has regions, over which parties are spread evenly (party i in region i modulo their number), or
one round-trip time between any two. What Huddle brings along is in regions.toml, with the source of its
figures. Half of a round-trip time is taken for each direction. Knows no networks and starts nothing.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from huddle_lab.study.parsing import Table, load, wrong
from huddle_lab.study.shape import Shape

REFERENCE = "no-delay"
KINDS = ("open", "home", "symmetric", "no-udp")  # of routers; `huddle_lab.sites.homes` makes them
_DATA = Path(__file__).with_name("regions.toml")


@dataclass(frozen=True, slots=True)
class Regions:
    """Round-trip times in milliseconds; `rtt` has each pair once, in alphabetical order."""

    source: str
    within: float
    rtt: Mapping[tuple[str, str], float]

    @property
    def names(self) -> frozenset[str]:
        """All regions."""
        return frozenset(name for pair in self.rtt for name in pair)

    def between(self, one: str, other: str) -> float:
        """The round-trip time between machines in these regions."""
        return self.within if one == other else self.rtt[min(one, other), max(one, other)]


@dataclass(frozen=True, slots=True)
class Change:
    """What happens to a party's machine, so many seconds after the parties began to compute."""

    at: float
    machine: int
    up: bool | None = None  # its cable is put back, or pulled
    address: bool = False  # it gets another address, as a phone that changes networks


@dataclass(frozen=True, slots=True)
class Scenario:
    """Where the machines are. `regions` is empty where `rtt_ms` holds between any two."""

    name: str
    title: str
    regions: tuple[str, ...] = ()
    rtt_ms: float = 0.0
    jitter_ms: float = 0.0
    rate_mbit: float = 0.0
    loss: float = 0.0
    nat: tuple[str, ...] = ()  # party i is behind router i modulo their number; kinds are in homes.py
    changes: tuple[Change, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    def region(self, machine: int) -> str:
        """Where a party is; empty where there are no regions."""
        return self.regions[machine % len(self.regions)] if self.regions else ""

    def round_trip(self, one: int, other: int, regions: Regions) -> float:
        """Between two parties, in milliseconds."""
        if not self.regions:
            return self.rtt_ms
        return regions.between(self.region(one), self.region(other))

    def shapes(self, parties: int, regions: Regions) -> dict[tuple[int, int], Shape]:
        """The ways between the machines; number `parties` is the rendezvous, where party 0 is."""
        where = {machine: machine for machine in range(parties)} | {parties: 0}
        return {
            (a, b): Shape(
                delay=self.round_trip(where[a], where[b], regions) / 2000,
                jitter=self.jitter_ms / 1000,
                rate=self.rate_mbit * 1e6,
                loss=self.loss,
            )
            for b in range(parties + 1)
            for a in range(b)
        }

    def one_way_ms(self, parties: int, regions: Regions, *, relayed: bool = False) -> float:
        """The longest way of a message between two parties; `relayed`: by way of the rendezvous."""
        pairs = [(a, b) for b in range(parties) for a in range(b)]
        if relayed:
            trips = [self.round_trip(a, 0, regions) + self.round_trip(b, 0, regions) for a, b in pairs]
        else:
            trips = [self.round_trip(a, b, regions) for a, b in pairs]
        return max(trips, default=0.0) / 2


@cache
def shipped() -> tuple[Regions, Mapping[str, Scenario]]:
    """What Huddle brings along."""
    table = load(_DATA)
    source, within = table.text("source"), table.number("within", 0, 1000)
    rows = table.table("rtt")
    rtt: dict[tuple[str, str], float] = {}
    for name in rows.keys():
        row = rows.table(name)
        for other in row.keys():
            rtt[min(name, other), max(name, other)] = row.number(other, 0, 10_000)
    regions = Regions(source, within, rtt)
    found = scenarios(table.table("scenarios"), regions)
    table.end()
    return regions, found


def scenarios(table: Table, regions: Regions | None) -> dict[str, Scenario]:
    """The scenarios of a table, by name. Without `regions` they are of hosts: any region, and no delays."""
    return {name: _scenario(name, table.table(name), regions) for name in table.keys()}


def _scenario(name: str, table: Table, regions: Regions | None) -> Scenario:
    placed = table.texts("regions", empty=True)
    if regions is None:
        scenario = Scenario(name, table.text("title", name), placed)
        table.end()
        return scenario
    for region in placed:
        if region not in regions.names:
            raise wrong(
                table.place,
                f"there is no region {region}",
                f"There are {', '.join(sorted(regions.names))}; or give rtt_ms instead.",
            )
    if placed and "rtt_ms" in table.keys():
        raise wrong(table.place, "regions and rtt_ms exclude each other")
    scenario = Scenario(
        name,
        table.text("title", name),
        placed,
        0.0 if placed else table.number("rtt_ms", 0, 10_000),
        table.number("jitter_ms", 0, 10_000, 0),
        table.number("rate_mbit", 0, 1_000_000, 0),
        table.number("loss", 0, 0.5, 0),
        table.texts("nat", empty=True, different=False),
        tuple(_change(one) for one in table.tables("changes", optional=True)),
    )
    table.end()
    for kind in scenario.nat:
        if kind not in KINDS:
            raise wrong(table.place, f"there is no router {kind}", f"There are {', '.join(KINDS)}.")
    return scenario


def _change(table: Table) -> Change:
    at, machine = table.number("at", 0, 3600), table.count("machine", 0, 100)
    up, address = table.flag("up"), table.flag("address")
    table.end()
    if (up is None) == (address is None) or address is False:
        raise wrong(table.place, "a change is either up = true or false, or address = true")
    return Change(at, machine, up, bool(address))
