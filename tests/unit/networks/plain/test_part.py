"""Plain ends: who may link with whom, what stands in an offer, and what is refused."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huddle.errors import NetworkError, PeerError
from huddle.networks.base import PeerOffer
from huddle.networks.plain import part as plain
from huddle.networks.plain.part import CLOSED, END, OPEN

NAMES = {0: "Ada", 1: "Ben", 2: "Bob", 3: "Cem"}
MIXED = {0: OPEN, 1: END, 2: CLOSED, 3: END}


def peer(pid: int, offer: bytes) -> PeerOffer:
    return PeerOffer(pid, NAMES[pid], offer, bytes([pid]) * 32, True)


def key(pid: int) -> bytes:
    return bytes([64 + pid]) * 32


def offers(roles: dict[int, str]) -> list[PeerOffer]:
    return [
        peer(pid, plain.encoded(role == END, key(pid), ("192.0.2.1", 4000) if role == OPEN else None))
        for pid, role in roles.items()
    ]


def test_whom_nobody_reaches_goes_through_the_first_who_is_open() -> None:
    assert plain.problem(MIXED, NAMES) is None
    assert plain.forwarder(MIXED) == 0
    assert plain.forwards(MIXED) == [(1, 2), (1, 3), (2, 3)]
    assert plain.forwarder({0: CLOSED, 1: END, 2: OPEN, 3: OPEN}) == 2


@given(st.lists(st.sampled_from((END, OPEN, CLOSED)), min_size=2, max_size=6))
def test_where_nothing_is_wrong_every_raw_link_has_a_way(chosen: list[str]) -> None:
    roles = dict(enumerate(chosen))
    names = {pid: f"p{pid}" for pid in roles}
    by = plain.forwarder(roles)
    for one, other in combinations(roles, 2):
        raw = END in (roles[one], roles[other])
        assert plain.linked(roles, one, other) is raw
        if raw and plain.problem(roles, names) is None:
            assert OPEN in (roles[one], roles[other]) or by is not None
            assert ((one, other) in plain.forwards(roles)) is (OPEN not in (roles[one], roles[other]))


def test_what_is_impossible_is_said_by_name_with_what_to_do() -> None:
    unreachable = plain.problem({0: CLOSED, 1: END}, NAMES)
    assert unreachable is not None and "Ben" in unreachable.message and "--advertise" in unreachable.hint
    without = plain.problem({0: OPEN, 1: END, 2: ""}, NAMES)
    assert without is not None and "Bob can't link" in without.message and "auto,plain" in without.hint
    assert plain.problem({0: "", 1: ""}, NAMES) is None


def test_all_are_told_who_is_known_by_a_key_only_and_who_forwards() -> None:
    said = plain.explained(MIXED, NAMES)
    assert [line.partition(" runs plain MPyC")[0] for line in said[:2]] == ["Ben", "Cem"]
    assert said[2].startswith("Ada passes on what goes between Ben and Bob, Ben and Cem, Bob and Cem")
    assert plain.explained({0: "", 1: OPEN}, NAMES) == []


def test_an_offer_is_what_its_party_said_before() -> None:
    roles = {pid: role for pid, role in MIXED.items() if pid != 1}
    found = plain.all_known(key(1), offers(roles), MIXED)
    assert found[0].where == ("192.0.2.1", 4000) and found[3].end and found[2].where is None
    assert found[0].shared != found[2].shared
    for pid, lie in ((0, CLOSED), (0, END), (2, OPEN), (3, CLOSED)):
        with pytest.raises(PeerError, match=f"{NAMES[pid]} does not offer what it said"):
            plain.all_known(key(1), offers(roles | {pid: lie}), MIXED)
    with pytest.raises(PeerError, match="Ada offers another party's key"):
        plain.all_known(key(0), offers(roles), MIXED)
    with pytest.raises(NetworkError, match="Not all"):
        plain.all_known(key(1), offers({0: OPEN}), MIXED)


@pytest.mark.parametrize(
    "offer",
    [
        b"",
        plain.encoded(True, key(1), None) + b"x",
        b"\x02" + plain.encoded(True, key(1), None)[1:],
        plain.encoded(False, key(1), ("224.0.0.1", 4000)),
        plain.encoded(False, key(1), ("a name\n[Peer]", 4000)),
        plain.encoded(False, key(1), ("192.0.2.1", 0)),
        plain.encoded(False, key(1), ("", 4000)),
    ],
)
def test_an_offer_that_is_none_is_the_peer_s_fault(offer: bytes) -> None:
    with pytest.raises(PeerError, match="Ben sent an offer"):
        plain.known(peer(1, offer))


@given(st.binary(max_size=320))
def test_any_bytes_are_an_offer_or_refused(offer: bytes) -> None:
    try:
        plain.known(peer(1, offer))
    except PeerError:
        pass
