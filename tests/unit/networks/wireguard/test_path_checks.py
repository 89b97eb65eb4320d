"""The checks of two ends against each other in memory: routers, losses, narrow paths, strangers."""

from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huddle.networks.wireguard.path_checks import SETTLE, ChosenPath, PathChecks, Where, headers
from huddle.networks.wireguard.signals import Chosen, UdpCandidate

KEY = b"k" * 32


class Place:
    """An end with its address, behind a router or not.

    `mapping` gives the outside address for a destination; what nobody here has sent to is not let in
    where there is a router.
    """

    def __init__(self, inside: Where, mapping: Callable[[Where], Where] | None = None) -> None:
        self.inside = inside
        self.mapping = mapping
        self.sent_to: set[Where] = set()

    def outside(self, to: Where) -> Where:
        self.sent_to.add(to)
        return self.mapping(to) if self.mapping else self.inside

    def lets_in(self, source: Where, to: Where) -> bool:
        if self.mapping is None:
            return to == self.inside
        return source in self.sent_to and to == self.mapping(source)


class Mesh:
    """Two ends, and time that only passes here; `fits` is the largest packet, `lost` says which are."""

    def __init__(
        self,
        places: tuple[Place, Place],
        candidates: tuple[list[UdpCandidate], list[UdpCandidate]],
        *,
        fits: int = 1500,
        lost: Callable[[], bool] = lambda: False,
    ) -> None:
        random = Random(1)
        self.places = places
        self.ends = tuple(
            PathChecks(KEY, index == 0, candidates[1 - index], random.randbytes) for index in (0, 1)
        )
        self.fits = fits
        self.lost = lost
        self.packets = 0

    def run(self, seconds: float = 5.0) -> tuple[Chosen, ChosenPath, ChosenPath | None] | None:
        now = 100.0
        while now < 100.0 + seconds:
            for index, end in enumerate(self.ends):
                for packet, to in end.rounds(now):
                    self.deliver(index, packet, to, now)
            found = self.ends[0].chosen(now)
            if found:
                chosen, way = found
                return chosen, way, self.ends[1].told(chosen)
            now += 0.025
        return None

    def deliver(self, index: int, packet: bytes, to: Where, now: float) -> None:
        self.packets += 1
        assert self.packets < 50_000
        source = self.places[index].outside(to)
        there = self.places[1 - index]
        if self.lost() or len(packet) + headers(to[0]) > self.fits or not there.lets_in(source, to):
            return
        for answer, back in self.ends[1 - index].receive(packet, source, now):
            self.deliver(1 - index, answer, back, now)


def own(where: Where) -> UdpCandidate:
    return UdpCandidate(*where, 0)


def seen(where: Where) -> UdpCandidate:
    return UdpCandidate(*where, 1)


A, B = ("192.168.1.2", 4000), ("192.168.2.2", 5000)
OUT_A, OUT_B = ("203.0.113.1", 4000), ("203.0.113.2", 5000)


def same_port(where: Where) -> Callable[[Where], Where]:
    return lambda _: where


def port_for_each(where: Where) -> Callable[[Where], Where]:
    return lambda to: (where[0], 20_000 + sum(to[0].encode()) % 1000 + to[1])


def test_an_open_network() -> None:
    mesh = Mesh((Place(A), Place(B)), ([own(A)], [own(B)]))
    found = mesh.run()
    assert found is not None
    assert found[1:] == (ChosenPath(B, 1500), ChosenPath(A, 1500))


def test_two_routers_that_keep_a_port() -> None:
    mesh = Mesh(
        (Place(A, same_port(OUT_A)), Place(B, same_port(OUT_B))),
        ([own(A), seen(OUT_A)], [own(B), seen(OUT_B)]),
    )
    found = mesh.run()
    assert found is not None
    assert found[1:] == (ChosenPath(OUT_B, 1500), ChosenPath(OUT_A, 1500))


@pytest.mark.parametrize("symmetric", [0, 1])
def test_a_router_with_a_port_for_each_destination_at_one_end(symmetric: int) -> None:
    """What STUN saw is of no use; the address from which the peer asks is."""
    if symmetric == 0:
        places = Place(A, port_for_each(OUT_A)), Place(B)
    else:
        places = Place(A), Place(B, port_for_each(OUT_B))
    mesh = Mesh(places, ([own(A), seen(OUT_A)], [own(B), seen(OUT_B)]))
    found = mesh.run()
    assert found is not None
    _, mine, theirs = found
    assert theirs is not None
    if symmetric == 0:
        assert mine.where == B
        assert theirs.where == port_for_each(OUT_A)(B)
    else:
        assert mine.where == port_for_each(OUT_B)(A)
        assert theirs.where == A


def test_two_such_routers_are_too_much() -> None:
    mesh = Mesh(
        (Place(A, port_for_each(OUT_A)), Place(B, port_for_each(OUT_B))),
        ([own(A), seen(OUT_A)], [own(B), seen(OUT_B)]),
    )
    assert mesh.run() is None


def test_every_third_packet_is_lost() -> None:
    random = Random(3)
    mesh = Mesh((Place(A), Place(B)), ([own(A)], [own(B)]), lost=lambda: random.random() < 0.33)
    found = mesh.run()
    assert found is not None and found[2] is not None
    assert (found[1].where, found[2].where) == (B, A)


@pytest.mark.parametrize(
    ("fits", "size"), [(1500, 1500), (1480, 1400), (1400, 1400), (1399, 1280), (1280, 1280)]
)
def test_what_fits_through_is_found(fits: int, size: int) -> None:
    found = Mesh((Place(A), Place(B)), ([own(A)], [own(B)]), fits=fits).run()
    assert found is not None and found[2] is not None
    assert found[1].size == found[2].size == size


def test_the_peer_s_own_address_is_better_than_that_of_its_router() -> None:
    """Both work, as with two parties behind one router that lets them out and in again."""
    outside = ("203.0.113.9", 5000)
    there = Place(B)
    there.lets_in = lambda source, to: to in (B, outside)  # type: ignore[method-assign]
    found = Mesh((Place(A), there), ([own(A)], [seen(outside), own(B)])).run()
    assert found is not None
    # What is sent to the outside address is answered from the inside one, and does not count.
    assert found[1].where == B


def test_an_answer_from_elsewhere_does_not_count() -> None:
    low, high = (
        PathChecks(KEY, lower, [own(B if lower else A)], Random(1).randbytes) for lower in (True, False)
    )
    ((ask, to),) = low.rounds(0.0)
    ((answer, _),) = high.receive(ask, A, 0.0)
    low.receive(answer, ("198.51.100.1", 5000), 0.0)
    assert low.chosen(10.0) is None
    low.receive(answer, to, 0.0)
    assert low.chosen(10.0) is not None


def test_a_way_is_chosen_only_when_others_had_their_chance() -> None:
    low, high = (
        PathChecks(KEY, lower, [own(B if lower else A)], Random(1).randbytes) for lower in (True, False)
    )
    ((ask, to),) = low.rounds(0.0)
    ((answer, _),) = high.receive(ask, A, 0.0)
    low.receive(answer, to, 1.0)
    assert low.chosen(1.0 + SETTLE / 2) is None
    assert low.chosen(1.0 + SETTLE) is not None


def test_nobody_without_the_key_is_answered_or_sends_a_packet_back() -> None:
    low = PathChecks(KEY, True, [own(B)], Random(1).randbytes)
    ((ask, _),) = low.rounds(0.0)
    stranger = PathChecks(b"x" * 32, False, [own(A)], Random(2).randbytes)
    ((forged, _),) = stranger.rounds(0.0)
    assert stranger.receive(ask, A, 0.0) == []
    assert low.receive(forged, B, 0.0) == []
    assert low.receive(ask, B, 0.0) == []  # its own, reflected
    assert low.chosen(10.0) is None


def test_a_check_that_never_came_is_no_way() -> None:
    high = PathChecks(KEY, False, [own(A)], Random(1).randbytes)
    assert high.told(Chosen(b"12345678", 1500)) is None


@given(st.binary(max_size=100), st.integers(0, 3))
def test_no_packet_is_too_strange(packet: bytes, cut: int) -> None:
    low = PathChecks(KEY, True, [own(B)], Random(1).randbytes)
    high = PathChecks(KEY, False, [own(A)], Random(2).randbytes)
    ((ask, _),) = high.rounds(0.0)
    assert low.receive(packet, B, 0.0) == []
    assert low.receive(b"hwg1" + packet, B, 0.0) == []
    assert low.receive(ask[: -1 - cut], B, 0.0) == []
