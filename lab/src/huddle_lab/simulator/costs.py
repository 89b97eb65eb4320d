"""What networks and machines cost beyond delay and computing: found in rows of studies/links.py, not guessed.

That program sends small messages there and back between two parties, and one of 8 MB. Between parties in
one region the round trip over a network, less that of MPyC by itself, is what the network takes for a
message, four times: at both ends, there and back. The time of the large message says likewise what a byte
takes, twice. What MPyC by itself takes at a distance beyond the distance, the emulator's own delay and
what it takes nearby, is the cost of waking.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from huddle_lab.simulator.simulate import MessageCost
from huddle_lab.simulator.waking import Waking
from huddle_lab.study.scenarios import REFERENCE, shipped
from huddle_lab.study.variants import HUDDLE, IN_BROWSERS, PLAIN

LINKS, NEAR = "Links", "one-region"
SHIPPED = Path(__file__).with_name("costs.json")
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Costs:
    """By name of the network; what pauses cost; what the emulator adds to each delay, in seconds."""

    networks: Mapping[str, MessageCost]
    waking: Waking
    added: float


def derive(rows: Iterable[Row]) -> Costs:
    """Of those rows that are of Links."""
    links = [row for row in rows if row["demo"] == LINKS and row["outcome"] == "finished"]
    plain = [row for row in links if row["network"] == "plain"]
    near = [row for row in links if row["scenario"]["name"] == NEAR and not _browsers(row)]
    added = median([added_ms(row["calibration"], 1.0) for row in plain if row["calibration"]] or [0.0]) / 1000
    by_plain = [row for row in near if row["network"] == "plain"]
    found = {}
    for name in dict.fromkeys(row["network"] for row in near):
        these = [row for row in near if row["network"] == name]
        relayed = name == "relay"
        further = shipped()[0].within / 1000 + 2 * added if relayed else 0.0  # a second leg, there and back
        trip = _median(these, "trip_ms") / 1000 - _median(by_plain, "trip_ms") / 1000 - further
        byte = 8e-6 / _median(these, "mbit") - 8e-6 / _median(by_plain, "mbit")
        found[name] = MessageCost(round(max(0.0, trip / 4), 7), round(max(0.0, byte / 2), 13), relayed)
    return Costs(found, _waking(plain, added), round(added, 6))


def added_ms(calibration: Mapping[str, Any], one_way_ms: float) -> float:
    """The emulator's own part of a delay, by the nearest one that was calibrated."""
    nearest = min(calibration["delays"], key=lambda one: abs(one["delay_ms"] - one_way_ms), default=None)
    return float(nearest["p50_ms"]) if nearest else 0.0


def _browsers(row: Row) -> bool:
    """In browsers Python computes at another speed: their rows are no network's."""
    return row["network"] not in (*PLAIN, *HUDDLE) or row["network"] in IN_BROWSERS


def _median(rows: Iterable[Row], name: str) -> float:
    found = [float(link[name]) for row in rows for link in row["links"] if link.get(name) is not None]
    return median(found)


def _waking(plain: Iterable[Row], added: float) -> Waking:
    """By the ways' own delays: each link's trip beyond its round-trip time, halved."""
    regions, scenarios = shipped()
    beyond: dict[float, list[float]] = {}
    hot = []
    for row in plain:
        scenario = scenarios.get(row["scenario"]["name"])
        for link in row["links"]:
            if scenario is None or link.get("trip_ms") is None:
                continue
            if scenario.name == REFERENCE:
                hot.append(link["trip_ms"] / 2000)
                continue
            delay = scenario.round_trip(link["from"], link["to"], regions) / 2000
            beyond.setdefault(delay, []).append(link["trip_ms"] / 2000 - delay - added)
    least = median(hot) if hot else 0.0
    points, highest = [], 0.0
    for delay in sorted(beyond):
        highest = max(highest, median(beyond[delay]) - least)  # a longer pause costs no less
        points.append((round(2 * delay, 6), round(highest, 6)))  # who waits is idle there and back
    return Waking(tuple(points))


def save(costs: Costs, path: Path) -> None:
    """As JSON."""
    networks = {name: asdict(one) for name, one in sorted(costs.networks.items())}
    content = {"networks": networks, "waking": costs.waking.points, "added": costs.added}
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def load(path: Path = SHIPPED) -> Costs:
    """Those of the file; without one those that come with the lab."""
    found = json.loads(path.read_text(encoding="utf-8"))
    networks = {name: MessageCost(**one) for name, one in found["networks"].items()}
    return Costs(networks, Waking(tuple(map(tuple, found["waking"]))), found["added"])
