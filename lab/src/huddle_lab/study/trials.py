"""The cells of a study: each is one run that ends as one row, in an order that is good for comparing.

A repetition runs all networks right after each other under the same conditions before the next one begins,
so that a slow hour of the machine hits all of them.

A cell is named by the digest of all that decides what is run. So a study can be stopped and resumed, and
what was changed in it is run again, and nothing else.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from huddle_lab.study.scenarios import Scenario
from huddle_lab.study.study import Demo, Size, Study
from huddle_lab.study.variants import Variant


@dataclass(frozen=True, slots=True)
class Trial:
    """One run: this program, so many parties, over this network, there. `id` names it."""

    scenario: Scenario
    network: Variant
    demo: Demo = field(repr=False)
    size: Size
    parties: int
    repetition: int
    seed: str
    id: str

    @property
    def title(self) -> str:
        """For people."""
        size = f" {self.size.name}" if self.size.name else ""
        return f"{self.demo.name}{size}, {self.parties} over {self.network.name}, {self.scenario.title}"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What of the matrix can't be, and why."""

    what: str
    why: str


def plan(study: Study) -> tuple[list[Trial], list[LeftOut]]:
    """All cells of a study in their order, and what is left out of its matrix."""
    cells: dict[str, Trial] = {}
    for cell in _all(study):
        cells.setdefault(cell.id, cell)
    left_out = []
    if 1 in study.parties:
        left_out = [
            LeftOut(f"1 party over {network.name}", "a party alone has nobody to connect to")
            for network in study.networks
            if network.name != "plain"
        ]
    left_out += [
        LeftOut(f"{network.name}, {scenario.title}", "MPyC by itself can't reach a party behind a router")
        for scenario in study.scenarios
        for network in study.networks
        if not _possible(scenario, network)
    ]
    return list(cells.values()), left_out


# What runs may be chosen by, as texts.
KEYS: Mapping[str, Callable[[Trial], str]] = {
    "network": lambda cell: cell.network.name,
    "scenario": lambda cell: cell.scenario.name,
    "demo": lambda cell: cell.demo.name,
    "size": lambda cell: cell.size.name,
    "parties": lambda cell: str(cell.parties),
    "repetition": lambda cell: str(cell.repetition),
}
EVERYTHING: Mapping[str, frozenset[str]] = {}


def chosen(cells: Sequence[Trial], only: Mapping[str, frozenset[str]]) -> list[Trial]:
    """Those that have one of these values for each of these keys."""
    return [cell for cell in cells if all(KEYS[key](cell) in only[key] for key in KEYS if key in only)]


def _possible(scenario: Scenario, network: Variant) -> bool:
    return network.is_session or not any(kind != "open" for kind in scenario.nat)


def _all(study: Study) -> Iterator[Trial]:
    networks = sorted(study.networks, key=lambda network: not network.is_session)
    for repetition in range(study.repetitions):
        for scenario in study.scenarios:
            for demo in study.demos:
                for size in demo.sizes:
                    for parties in study.parties:
                        for network in networks:
                            wanted = _wanted(demo, network, parties, scenario)
                            if repetition < wanted and _possible(scenario, network):
                                yield _cell(study, scenario, network, demo, size, parties, repetition)


def _wanted(demo: Demo, network: Variant, parties: int, scenario: Scenario) -> int:
    """How many repetitions there are at most."""
    alone = parties == 1 and network.name != "plain"
    elsewhere = demo.scenarios and scenario.name not in demo.scenarios
    if alone or elsewhere or (network.demos and demo.name not in network.demos):
        return 0
    return min(demo.repetitions, network.repetitions)


def _cell(
    study: Study, scenario: Scenario, network: Variant, demo: Demo, size: Size, parties: int, repetition: int
) -> Trial:
    # The same for all networks and scenarios: their runs send the same messages.
    drawn = demo.draws.get(size.name, {}).get(parties, repetition)
    seed = f"{study.seed}/{demo.name}/{size.name}/{parties}/{drawn}"
    decides = [
        (study.provider, study.backend, scenario.as_dict(), network.decides()),
        (demo.name, demo.digest, size.name, size.args, parties, repetition, seed),
    ]
    name = hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()[:16]
    return Trial(scenario, network, demo, size, parties, repetition, seed, name)


class Progress:
    """How far a study is, and how long the rest will take, by what its runs took so far."""

    def __init__(self, cells: list[Trial]) -> None:
        self._left = {cell.id: cell for cell in cells}
        self._taken: dict[tuple[object, ...], list[float]] = {}

    def done(self, cell: Trial, seconds: float | None = None) -> None:
        """This cell has its row; `seconds` is what it took, where that is known."""
        self._left.pop(cell.id, None)
        if seconds is not None:
            for key in _likeness(cell):
                self._taken.setdefault(key, []).append(seconds)

    @property
    def left(self) -> int:
        """How many cells have no row yet."""
        return len(self._left)

    def seconds_left(self) -> float | None:
        """By the most similar cells that have run; None before any has."""
        if not self._taken:
            return None
        return sum(self._guess(cell) for cell in self._left.values())

    def _guess(self, cell: Trial) -> float:
        for key in _likeness(cell):
            if taken := self._taken.get(key):
                return sum(taken) / len(taken)
        return 0.0


def _likeness(cell: Trial) -> list[tuple[object, ...]]:
    """What similar cells have in common, the most similar first."""
    work = (cell.demo.name, cell.size.name)
    return [
        (*work, cell.parties, cell.scenario.name, cell.network.name),
        (*work, cell.parties, cell.scenario.name),
        (*work, cell.scenario.name),
        (cell.scenario.name,),
        (),
    ]
