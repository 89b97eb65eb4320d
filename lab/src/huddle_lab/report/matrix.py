"""The thesis's whole matrix, and places beyond it: each cell emulated where that was done, else simulated.

A simulated cell is one line of `docs/results/simulated.jsonl`; `scripts/simulated.py` makes it of the
traces that come with the lab. The document shows an emulated figure where there are undisturbed rows,
and says which is which.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from pathlib import Path
from statistics import median
from typing import Any

from huddle_lab.markdown import line, rule
from huddle_lab.report.groups import RowGroup
from huddle_lab.simulator import places
from huddle_lab.simulator.costs import Costs, load
from huddle_lab.study.scenarios import shipped
from huddle_lab.traces import library
from huddle_lab.traces.trace import TraceHeader

THESIS = ("one-region", "two-nearby", "two-distant", "many-distant")
BEYOND = ("mobile", "low-orbit", "geostationary")
NETWORKS = ("plain", "plain-ssl", "tls", "wireguard", "headscale", "webrtc", "iroh", "relay")
FEWER = ("plain", "tls", "relay")
FEW = 10  # parties, up to which the thesis's matrix goes
SIZES, PARTIES = ("Low", "Medium", "High"), (1, 2, 3, 5, 7, 10)
REASONS = (
    "*Alone*: one party connects to nobody. *Few*: of more parties than ten, few networks are simulated. "
    "*Not measured*: what that network costs was not."
)
DEMOS = ("Secret Santa", "CNN")
Cell = Mapping[str, Any]
Key = tuple[str, str, int, str, str]


def simulated(headers: Mapping[Path, TraceHeader], costs: Costs, done: Iterable[Cell] = ()) -> Iterable[Cell]:
    """Each cell of which there is a trace, but for those that are `done`; by all processors."""
    todo = missing(headers, done)
    with ProcessPoolExecutor() as pool:
        yield from pool.map(_simulated, todo, repeat(costs), chunksize=4)


def _simulated(one: tuple[Path, Cell], costs: Costs) -> Cell:
    path, cell = one
    taken = places.seconds(library.trace_at(path), shipped()[1][cell["scenario"]], costs, cell["network"])
    return {**cell, "seconds": round(taken, 4)}


def missing(headers: Mapping[Path, TraceHeader], done: Iterable[Cell] = ()) -> list[tuple[Path, Cell]]:
    """The cells that could be simulated and are not `done`, with the trace of each."""
    known = {(key(one), one["seed"]) for one in done}
    found: list[tuple[Path, Cell]] = []
    for path, header in _one_each(headers).items():
        for place, network in _cells(header):
            cell = {
                "demo": header.demo, "size": header.size, "parties": header.parties,
                "scenario": place, "network": network, "seed": header.seed,
            }  # fmt: skip
            if (key(cell), header.seed) not in known:
                found.append((path, cell))
    return found


def key(cell: Cell) -> Key:
    """What a cell is called by."""
    return cell["demo"], cell["size"], cell["parties"], cell["scenario"], cell["network"]


def _one_each(headers: Mapping[Path, TraceHeader]) -> dict[Path, TraceHeader]:
    """Of several seeds that with the median number of bytes."""
    found: dict[tuple[str, str, int], list[Path]] = {}
    for path, one in headers.items():
        if one.demo in DEMOS:
            found.setdefault((one.demo, one.size, one.parties), []).append(path)
    chosen = []
    for paths in found.values():
        ordered = sorted(paths, key=lambda path: (library.trace_at(path).sent, path.name))
        chosen.append(ordered[(len(ordered) - 1) // 2])
    return {path: headers[path] for path in chosen}


def _cells(header: TraceHeader) -> Iterable[tuple[str, str]]:
    if header.parties == 1:
        return [(THESIS[0], "plain")]
    known = load().networks
    many = header.parties > FEW
    ways = [(place, network) for place in THESIS for network in (FEWER if many else NETWORKS)]
    if not many:
        ways += [(place, network) for place in BEYOND for network in FEWER]
    return [way for way in ways if way[1] in known]


def read(path: Path) -> list[Cell]:
    """Those that were simulated."""
    return (
        [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.is_file() else []
    )


def write(cells: Iterable[Cell], path: Path) -> None:
    """In an order that changes little when some are added."""
    ordered = sorted(cells, key=key)
    path.write_text("".join(json.dumps(one) + "\n" for one in ordered), encoding="utf-8")


def markdown(cells: Sequence[Cell], groups: Sequence[RowGroup]) -> str:
    """Tables by demo and place; `groups` are of undisturbed rows."""
    emulated = {
        (one.key.demo, one.key.size, one.key.parties, one.key.scenario, one.key.network): one
        for one in groups
        if one.rows
    }
    by_key = {key(one): one["seconds"] for one in cells}
    text: list[str] = []
    for demo in DEMOS:
        for place in THESIS:
            text += _table(demo, place, NETWORKS, by_key, emulated)
        for place in BEYOND:
            text += _table(demo, place, FEWER, by_key, emulated)
    text += ["", REASONS, *_untraced({(one[0], one[1], one[2]) for one in by_key})]
    return "\n".join(text).strip()


def _untraced(there: Collection[tuple[str, str, int]]) -> list[str]:
    """Of the thesis's computations those that nobody has recorded."""
    found = [
        f"{demo} {size}, {parties} parties"
        for demo in DEMOS
        for parties in PARTIES
        for size in SIZES
        if (demo, size, parties) not in there
    ]
    said = "These computations have not been recorded yet, and stand in no table: "
    return [f"{said}{'; '.join(found)}."] if found else []


def _table(
    demo: str,
    place: str,
    networks: Sequence[str],
    cells: Mapping[Key, float],
    emulated: Mapping[Key, RowGroup],
) -> list[str]:
    sizes = {(one[1], one[2]) for one in (*cells, *emulated) if one[0] == demo and one[3] == place}
    if not sizes:
        return []
    found = [
        *("", f"#### {demo}, {shipped()[1][place].title}", ""),
        line("size", "parties", *(f"`{name}`" for name in networks)),
        rule(2 + len(networks)),
    ]
    for size, parties in sorted(sizes, key=lambda one: (SIZES.index(one[0]), one[1])):
        keys = [(demo, size, parties, place, name) for name in networks]
        found.append(line(size, parties, *(_cell(one, cells, emulated) for one in keys)))
    return found


def _cell(one: Key, cells: Mapping[Key, float], emulated: Mapping[Key, RowGroup]) -> str:
    if one in emulated:
        rows = emulated[one].rows
        return f"**{median(row['seconds'] for row in rows):.3g}** e{len(rows)}"
    if one in cells:
        return f"{cells[one]:.3g}"
    if one[2] == 1:
        return "alone"
    return "few" if one[2] > FEW else "not measured"
