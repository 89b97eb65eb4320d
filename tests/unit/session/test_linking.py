"""Which networks lead to which peer, from the offers of a sealed session."""

from dataclasses import replace

from huddle.ceremony.messages import Offer
from huddle.session.linking import _target, offers_for
from tests.unit.session.company import company


def test_offers_are_the_peers_own_with_who_begins() -> None:
    sealed = company()[1].sealed
    offers: dict[int, tuple[Offer, ...]] = {
        pid: (Offer("tls", bytes([pid])), Offer("iroh", b"i")) for pid in sealed.offers
    }
    found = offers_for(replace(sealed, offers=offers), "tls")
    assert [(one.pid, one.offer) for one in found] == [(pid, bytes([pid])) for pid in sorted(offers)]
    assert sealed.pid not in offers
    assert [one.lower for one in found] == [False, True], "the lower pid of the two begins"
    for one in found:
        assert one.secret == sealed.relay_secret(one.pid)
    assert offers_for(sealed, "no such network") == ()


def test_a_peer_is_dialled_by_what_both_have_and_the_rest_is_explained() -> None:
    sealed = company()[1].sealed
    peer = next(iter(sealed.offers))
    sealed = replace(sealed, offers=sealed.offers | {peer: (Offer("tls", b""), Offer("relay", b""))})
    target = _target(sealed, peer, ["tls", "iroh"])
    name = sealed.roster[peer].name
    assert target.networks == frozenset({"tls"})
    assert target.key == sealed.link_key(peer)
    assert target.without == (("iroh", f"{name} does not offer it"), ("relay", "it is not used here"))
