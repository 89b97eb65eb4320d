"""All underlays, by the name that a study gives them."""

from collections.abc import Mapping

from huddle_lab.underlays.base import Underlay
from huddle_lab.underlays.ipsec import IpSec, IpSecGateway
from huddle_lab.underlays.n2n import N2n
from huddle_lab.underlays.nebula import Nebula
from huddle_lab.underlays.openvpn import OpenVpn, OpenVpnHub
from huddle_lab.underlays.tinc import Tinc
from huddle_lab.underlays.wireguard import WireGuard, WireGuardHub
from huddle_lab.underlays.yggdrasil import Yggdrasil

_ALL: tuple[Underlay, ...] = (
    OpenVpn(), OpenVpnHub(), IpSec(), IpSecGateway(), Tinc(), N2n(), Nebula(), Yggdrasil(), WireGuard(),
    WireGuardHub(),
)  # fmt: skip
UNDERLAYS: Mapping[str, Underlay] = {one.name: one for one in _ALL}

# What the thesis or its readers name beside these, and why it is not run.
NOT_RUN: Mapping[str, str] = {
    name: "no package registry that the project uses has it"
    for name in ("zerotier", "openziti", "netbird", "teleport")
}
