"""People who run plain MPyC: who may link with whom, what all are told, and what they type."""

import shlex
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from huddle.networks import outsiders
from huddle.networks.outsiders import CLOSED, END, OPEN
from huddle.networks.wireguard.keys import address

NAMES = {0: "Ada", 1: "Ben", 2: "Bob", 3: "Cem"}
MIXED = {0: OPEN, 1: END, 2: CLOSED, 3: END}


def test_whom_nobody_reaches_goes_through_the_first_who_is_open() -> None:
    assert outsiders.problem(MIXED, NAMES, "plain") is None
    assert outsiders.forwarder(MIXED) == 0
    assert outsiders.forwards(MIXED) == [(1, 2), (1, 3), (2, 3)]
    assert outsiders.forwarder({0: CLOSED, 1: END, 2: OPEN, 3: OPEN}) == 2


@given(st.lists(st.sampled_from((END, OPEN, CLOSED)), min_size=2, max_size=6))
def test_where_nothing_is_wrong_every_raw_link_has_a_way(chosen: list[str]) -> None:
    roles = dict(enumerate(chosen))
    names = {pid: f"p{pid}" for pid in roles}
    by = outsiders.forwarder(roles)
    for one, other in combinations(roles, 2):
        raw = END in (roles[one], roles[other])
        assert outsiders.linked(roles, one, other) is raw
        if raw and outsiders.problem(roles, names, "plain") is None:
            assert OPEN in (roles[one], roles[other]) or by is not None
            assert ((one, other) in outsiders.forwards(roles)) is (OPEN not in (roles[one], roles[other]))


def test_what_is_impossible_is_said_by_name_with_what_to_do() -> None:
    unreachable = outsiders.problem({0: CLOSED, 1: END}, NAMES, "plain")
    assert unreachable is not None and "Ben" in unreachable.message and "--advertise" in unreachable.hint
    without = outsiders.problem({0: OPEN, 1: END, 2: ""}, NAMES, "plain")
    assert without is not None and "Bob can't link" in without.message and "auto,plain" in without.hint
    assert outsiders.problem({0: "", 1: ""}, NAMES, "plain") is None


def test_all_are_told_who_is_known_by_a_key_only_and_who_forwards() -> None:
    said = outsiders.explained(MIXED, NAMES)
    assert [line.partition(" runs plain MPyC")[0] for line in said[:2]] == ["Ben", "Cem"]
    assert said[2].startswith("Ada passes on what goes between Ben and Bob, Ben and Cem, Bob and Cem")
    assert outsiders.explained({0: "", 1: OPEN}, NAMES) == []


def test_the_line_is_plain_mpyc_s() -> None:
    addresses = {pid: address(bytes([pid]) * 32) for pid in range(3)}
    line = outsiders.command(1, "my prog.py", ("--label", "a b"), addresses, ("-T", "1", "--mix32-64bit"))
    words = shlex.split(line)
    assert words[:4] == ["python", "my prog.py", "--label", "a b"]
    parties = [words[at + 1] for at, word in enumerate(words) if word == "-P"]
    assert parties == [f"{addresses[pid]}:{11365 + pid}" for pid in range(3)]
    assert words[-5:] == ["-I", "1", "-T", "1", "--mix32-64bit"]
