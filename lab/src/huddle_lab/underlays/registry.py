"""All underlays, by the name that a study gives them: the lab's own, then those of other distributions.

A distribution adds one by the entry point group `huddle_lab.underlays`, with its name and an `Underlay`:

    [project.entry-points."huddle_lab.underlays"]
    pigeon = "pigeon_overlay:Pigeon"

What can't be taken is left out, and `REFUSED` says why.
"""

from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points

from huddle_lab.underlays.base import Underlay
from huddle_lab.underlays.ipsec import IpSec, IpSecGateway
from huddle_lab.underlays.n2n import N2n
from huddle_lab.underlays.nebula import Nebula
from huddle_lab.underlays.openvpn import OpenVpn, OpenVpnHub
from huddle_lab.underlays.tinc import Tinc
from huddle_lab.underlays.wireguard import WireGuard, WireGuardHub
from huddle_lab.underlays.yggdrasil import Yggdrasil

GROUP = "huddle_lab.underlays"

OWN: tuple[Underlay, ...] = (
    OpenVpn(), OpenVpnHub(), IpSec(), IpSecGateway(), Tinc(), N2n(), Nebula(), Yggdrasil(), WireGuard(),
    WireGuardHub(),
)  # fmt: skip

# What the thesis or its readers name beside these, and why it is not run.
NOT_RUN: Mapping[str, str] = {
    name: "no package registry that the project uses has it"
    for name in ("zerotier", "openziti", "netbird", "teleport")
}


def found() -> tuple[dict[str, Underlay], tuple[str, ...]]:
    """Those that there are, by their names; and of what was left out, each with the reason, for people."""
    taken, refused = {one.name: one for one in OWN}, []
    for point in sorted(entry_points(group=GROUP), key=lambda one: one.name):
        try:
            taken[point.name] = _loaded(point, taken)
        except Exception as error:
            whose = point.dist.name if point.dist else "another distribution"
            refused.append(f"{point.name} of {whose}: {error}")
    return taken, tuple(refused)


def _loaded(point: EntryPoint, taken: Mapping[str, Underlay]) -> Underlay:
    """What an entry point names; raises ValueError, or whatever its import does."""
    loaded = point.load()
    made = loaded() if isinstance(loaded, type) else loaded
    if not isinstance(made, Underlay):
        raise ValueError("it is no Underlay")
    if made.name != point.name or "+" in made.name:
        raise ValueError(f"it calls itself {made.name!r}")
    if made.name in taken:
        raise ValueError("there is an underlay of that name")
    return made


UNDERLAYS: Mapping[str, Underlay]
REFUSED: tuple[str, ...]
UNDERLAYS, REFUSED = found()
