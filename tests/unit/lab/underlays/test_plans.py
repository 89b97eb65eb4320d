"""What each overlay gives to each machine: every pair has a way, and nobody gets another's private key."""

import re
import shutil
from itertools import combinations

import pytest

from huddle_lab.underlays.base import Place, Underlay, pairs
from huddle_lab.underlays.registry import NOT_RUN, UNDERLAYS

MACHINES = ("10.0.0.1", "10.0.0.2", "10.0.0.3")
HUB = "10.0.0.9"
BY_COMMAND = {"nebula": "nebula-cert", "yggdrasil": "yggdrasil"}  # whose keys are made by a command
SHELL = {"bash", "env", "grep", "ip", "sh", "sysctl", "unshare"}


@pytest.fixture(params=list(UNDERLAYS.values()), ids=list(UNDERLAYS))
def underlay(request: pytest.FixtureRequest) -> Underlay:
    one: Underlay = request.param
    command = BY_COMMAND.get(one.name)
    if command and shutil.which(command) is None:
        pytest.skip(f"there is no {command}")
    return one


def texts(place: Place) -> str:
    files = [content.decode() for content in place.files.values()]
    return "\n".join([*files, *(" ".join(one) for one in (*place.daemons, *place.up, *place.down))])


def private(place: Place) -> set[str]:
    """What only its machine may have."""
    found = set(re.findall(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----\s+(\S+)", texts(place)))
    return found | set(re.findall(r'PrivateKey"?\s*[=:]\s*"?([A-Za-z0-9+/=]+)', texts(place)))


def test_addresses_differ_and_all_pairs_have_a_way(underlay: Underlay) -> None:
    places, hub = underlay.plan(MACHINES, HUB)
    addresses = [place.address for place in places]
    assert len(set(addresses)) == len(MACHINES) and not set(addresses) & {*MACHINES, HUB, ""}
    assert all(place.daemons for place in places)
    central = HUB in texts(places[0]) and bool(hub.daemons)
    for one, other in combinations(range(len(MACHINES)), 2):
        direct = MACHINES[other] in texts(places[one]) or MACHINES[one] in texts(places[other])
        assert direct or central


def test_keys_are_new_each_time_and_each_machine_s_own(underlay: Underlay) -> None:
    (first, hub), (again, _) = underlay.plan(MACHINES, HUB), underlay.plan(MACHINES, HUB)
    own = [private(place) for place in (*first, hub)]
    for one, other in combinations(own, 2):
        assert not one & other
    assert texts(first[0]) != texts(again[0])
    assert underlay.name == "n2n" or all(own[:-1])  # n2n has one key for all


def test_nothing_is_started_that_is_not_named_as_needed(underlay: Underlay) -> None:
    places, hub = underlay.plan(MACHINES, HUB)
    started = {command[0] for place in (*places, hub) for command in (*place.daemons, *place.up)}
    assert started - SHELL <= set(underlay.commands) and all(underlay.commands.values())


def test_pairs_are_all_pairs() -> None:
    assert pairs(3) == [(0, 1), (0, 2), (1, 2)]


def test_names_are_those_of_the_registry() -> None:
    assert all(name == one.name for name, one in UNDERLAYS.items())
    assert all(NOT_RUN.values()) and not set(NOT_RUN) & set(UNDERLAYS)
