"""The solutions, in the thesis's order, and those that can't be had here, each with the reason."""

from huddle_lab.usability.huddle import Huddle, HuddlePhone
from huddle_lab.usability.mpyc_web import MpycWeb
from huddle_lab.usability.plain import Plain, PlainSsl
from huddle_lab.usability.solution import Solution
from huddle_lab.usability.tailscale import Tailscale
from huddle_lab.usability.wireguard import WireGuardByHand

SOLUTIONS: tuple[Solution, ...] = (
    Plain(), PlainSsl(), WireGuardByHand(), Tailscale(), MpycWeb(), Huddle(), HuddlePhone(),
)  # fmt: skip

NOT_PERFORMED = {
    "WireGuard by a web page": "the thesis's page is in no package registry; Huddle's page for the same is"
    " performed by `tests/netlab/test_plain.py`, its steps are not timed",
    "Headscale": "its binary is in no package registry; the network `headscale` is tested against a stand-in",
}
