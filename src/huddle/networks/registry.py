"""The networks that there are: those that come with Huddle, in the order of `auto`, then those of others.

A distribution adds a network by the entry point group `huddle.networks`, with its name and a `NetworkKind`:

    [project.entry-points."huddle.networks"]
    pigeon = "pigeon_network:Pigeon"

Nothing else in Huddle knows a network by name. What can't be taken is left out, and `refused` says why.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import Field, fields
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from huddle.networks.base import NetworkKind, Option
from huddle.networks.headscale.kind import HeadscaleKind
from huddle.networks.iroh.kind import IrohKind
from huddle.networks.plain.kind import PlainKind
from huddle.networks.relay.kind import RelayKind
from huddle.networks.tailscale.kind import TailscaleKind
from huddle.networks.tls.kind import TlsKind
from huddle.networks.tor.kind import TorKind
from huddle.networks.webrtc.kind import WebRtcKind
from huddle.networks.wireguard.kind import WireGuardKind

GROUP = "huddle.networks"

# In order of preference. Four are used only by who names them: two change this machine while they last,
# one trusts the host further, one is slow.
OWN: tuple[NetworkKind, ...] = (
    TlsKind(),
    WireGuardKind(),
    TailscaleKind(),
    HeadscaleKind(),
    WebRtcKind(),
    IrohKind(),
    RelayKind(),
    TorKind(),
    PlainKind(),
)


def kinds() -> tuple[NetworkKind, ...]:
    """All networks."""
    return _found()[0]


def refused() -> tuple[str, ...]:
    """What other distributions offer and is left out, each with the reason, for people."""
    return _found()[1]


def kind(name: str) -> NetworkKind | None:
    """The network of that name, if there is one."""
    return next((one for one in kinds() if one.name == name), None)


def names() -> tuple[str, ...]:
    """The names of all networks."""
    return tuple(one.name for one in kinds())


def for_outsiders() -> NetworkKind:
    """The one that links with people who run plain MPyC."""
    return next(one for one in kinds() if not one.links_parties)


def automatic(*, in_browser: bool = False) -> tuple[str, ...]:
    """The names of those that `auto` takes, in order of preference."""
    return tuple(one.name for one in kinds() if one.automatic and (one.in_browser or not in_browser))


def described(options: type) -> Iterator[tuple[Field[Any], Option]]:
    """The fields of an `Options`, each with how a person sets it."""
    for one in fields(options):
        yield one, one.metadata["option"]


def parsed(options: type, values: Mapping[str, Any]) -> Any:
    """These `Options` from values by the names of its fields, else from the environment, else defaults."""
    found = {}
    for one, told in described(options):
        value = values.get(one.name)
        if value is None and told.env and os.environ.get(told.env):
            value = _of_text(os.environ[told.env], one)
        if value is not None:
            found[one.name] = value
    return options(**found)


@cache
def _found() -> tuple[tuple[NetworkKind, ...], tuple[str, ...]]:
    taken, refusals = list(OWN), []
    for point in sorted(entry_points(group=GROUP), key=lambda one: one.name):
        try:
            taken.append(_loaded(point, taken))
        except Exception as error:
            whose = point.dist.name if point.dist else "another distribution"
            refusals.append(f"{point.name} of {whose}: {error}")
    return tuple(taken), tuple(refusals)


def _loaded(point: EntryPoint, taken: list[NetworkKind]) -> NetworkKind:
    """What an entry point names; raises ValueError, or whatever its import does."""
    loaded = point.load()
    made = loaded() if isinstance(loaded, type) else loaded
    if not isinstance(made, NetworkKind):
        raise ValueError("it is no NetworkKind")
    if made.name != point.name or not made.name.isidentifier():
        raise ValueError(f"it calls itself {made.name!r}")
    if any(one.name == made.name for one in taken):
        raise ValueError("there is a network of that name")
    for options in (made.Options, made.ServerOptions):
        for one, _ in described(options):
            if one.name != made.name and not one.name.startswith(f"{made.name}_"):
                raise ValueError(f"the name of its option {one.name} does not begin with its own")
    return made


def _of_text(text: str, one: Field[Any]) -> Any:
    if isinstance(one.default, bool):
        return text.lower() not in ("0", "false", "no")
    if isinstance(one.default, int):
        return int(text)
    return Path(text) if one.type in (Path, Path | None) else text
