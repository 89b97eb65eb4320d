"""The solutions, in the thesis's order, and those that can't be had here, each with the reason."""

from huddle_lab.usability.plain import Plain, PlainSsl
from huddle_lab.usability.solution import Solution
from huddle_lab.usability.tailscale import Tailscale
from huddle_lab.usability.wireguard import WireGuardByHand

SOLUTIONS: tuple[Solution, ...] = (Plain(), PlainSsl(), WireGuardByHand(), Tailscale())

NOT_PERFORMED = {
    "Huddle": "not performed on fresh machines yet; its steps are counted in the table before",
    "WireGuard by a web page": "the thesis's page is in no package registry; Huddle's page for the same is"
    " performed by `tests/netlab/test_plain.py`, its steps are not timed",
    "Headscale": "its binary is in no package registry; the network `headscale` is tested against a stand-in",
    "MPyC Web": "the thesis's prototype is in no package registry; a guest of Huddle's in a browser is"
    " performed by `tests/e2e/test_effort.py`",
}

# What attackers of Huddle's sessions see and can do: who, what, and the test that tried it.
HUDDLE: tuple[tuple[str, str, str], ...] = (
    ("on the path", "sees addresses, sizes, times", "not tried"),
    (
        "the rendezvous",
        "sees that there is a session, sizes, times; may stop it; in the middle, other words show it",
        "tests/e2e/test_attackers.py::test_one_in_the_middle_of_two_shows_other_words",
    ),
    (
        "a party",
        "can't stand in for another: a wire that leads to another party is not used",
        "tests/e2e/test_chaos.py::test_a_wire_that_leads_to_another_party_is_not_used",
    ),
    (
        "the relay",
        "may drop and delay; what it changes is noticed",
        "tests/unit/links/test_record_layer.py",
    ),
    (
        "a control server (`headscale`)",
        "machines of other sessions see and reach nothing",
        "tests/netlab/test_headscale.py::test_only_the_session_s_machines_see_each_other_and_at_one_port",
    ),
)
