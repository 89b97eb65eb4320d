"""The solutions, in the thesis's order, and those that can't be had here, each with the reason."""

from huddle_lab.usability.headscale import Headscale
from huddle_lab.usability.huddle import Huddle, HuddlePhone
from huddle_lab.usability.mpyc_web import MpycWeb
from huddle_lab.usability.plain import Plain, PlainSsl
from huddle_lab.usability.solution import Solution
from huddle_lab.usability.tailscale import Tailscale
from huddle_lab.usability.wireguard import WireGuardByHand
from huddle_lab.usability.wireguard_page import WireGuardByPage

SOLUTIONS: tuple[Solution, ...] = (
    Plain(), PlainSsl(), WireGuardByHand(), WireGuardByPage(), Tailscale(),
    Headscale(), MpycWeb(), Huddle(), HuddlePhone(),
)  # fmt: skip

NOT_PERFORMED = {
    "WireGuard by Huddle's page, plain MPyC": "performed by `tests/netlab/test_plain.py`, no times",
}

# What attackers see and can do where nothing was performed on fresh machines: title, who, what, and the test.
OVERLAYS: tuple[tuple[str, str, str, str], ...] = (
    (
        "An overlay through a hub (WireGuard, OpenVPN, IPSec)",
        "who runs the hub",
        "decrypts all and encrypts it anew: reads and changes plain MPyC",
        "tests/netlab/test_attackers.py::test_the_hub_of_an_overlay_reads_what_its_clients_compute",
    ),
)
