"""Where a trace is replayed: the lab's scenarios, and places of one's own."""

import math
from collections.abc import Sequence
from dataclasses import replace
from statistics import median

from huddle.errors import LocalError
from huddle_lab.simulator.costs import Costs
from huddle_lab.simulator.simulate import Setting, simulate
from huddle_lab.study.scenarios import Scenario, shipped
from huddle_lab.study.variants import PLAIN
from huddle_lab.traces.trace import Trace

WAYS = {"rtt": 10_000, "jitter": 10_000, "rate": 1_000_000, "loss": 50}  # the most that may be said
BY_CHANCE = 5  # simulations of which the median is taken, where there is loss or jitter


def chosen(names: Sequence[str], ways: Sequence[str] = ()) -> list[Scenario]:
    """These of the lab's, or all, with each way as `ways` say: rtt, jitter, rate or loss, as KEY=VALUE."""
    known, own = shipped()[1], _own(ways)
    for name in names:
        if name not in known:
            raise LocalError(f"there is no scenario {name}", hint=f"There are {', '.join(known)}.")
    found = [known[name] for name in names or known]
    rtt = own.get("rtt")
    if rtt is not None:
        if names:
            raise LocalError("--way rtt=… and --scenario exclude each other")
        found = [Scenario("own", f"{rtt:g} ms between any two", rtt_ms=rtt)]
    return [
        replace(
            one,
            jitter_ms=own.get("jitter", one.jitter_ms),
            rate_mbit=own.get("rate", one.rate_mbit),
            loss=own["loss"] / 100 if "loss" in own else one.loss,
        )
        for one in found
    ]


def _own(ways: Sequence[str]) -> dict[str, float]:
    found = {}
    for text in ways:
        key, _, value = text.partition("=")
        try:
            found[key] = float(value)
            if not 0 <= found[key] <= WAYS[key]:
                raise ValueError(text)
        except (KeyError, ValueError):
            hint = f"Say one of {', '.join(f'{name}=0 to {most}' for name, most in WAYS.items())}."
            raise LocalError(f"--way {text}", hint=hint) from None
    return found


def setting(trace: Trace, place: Scenario, costs: Costs, network: str) -> Setting:
    """That place, over that network, with a processor for each party, whose pauses cost something."""
    shapes = place.shapes(trace.header.parties, shipped()[0])
    added = costs.added if place.regions or place.rtt_ms else 0.0
    session = network not in PLAIN
    return Setting(
        shapes, costs.networks[network], added=added, waking=costs.waking, session=session, out=_out(place)
    )


def _out(place: Scenario) -> list[tuple[int, float, float]]:
    """Whose cable is pulled, from and until; for good where nobody puts it back."""
    found = []
    for pulled in place.changes:
        if pulled.up is False:
            back = [one.at for one in place.changes if one.machine == pulled.machine and one.up]
            found.append(
                (pulled.machine, pulled.at, min((at for at in back if at > pulled.at), default=math.inf))
            )
    return found


def seconds(
    trace: Trace,
    place: Scenario,
    costs: Costs,
    network: str,
    *,
    slower: Sequence[float] = (),
    processors: int | None = None,
) -> float:
    """How long it takes there."""
    found = replace(setting(trace, place, costs, network), slower=slower, processors=processors)
    times = BY_CHANCE if place.loss or place.jitter_ms else 1
    return median(simulate(trace, replace(found, seed=seed)).seconds for seed in range(times))
