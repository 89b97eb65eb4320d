"""From the offers of a sealed session to its links: over which networks each peer can be reached."""

import time
from collections.abc import Sequence

from huddle.ceremony.sealed import Sealed
from huddle.identity.crypto import Crypto
from huddle.links.manager import DialTarget, LinkManager
from huddle.networks import registry
from huddle.networks.base import Network, PeerOffer


def link_manager(sealed: Sealed, networks: Sequence[Network], crypto: Crypto) -> LinkManager:
    """What makes and keeps the links to all peers."""
    mine = [network.name for network in networks]
    peers = [_target(sealed, pid, mine) for pid in _peers(sealed)]
    dialers = [(network.name, network.dial) for network in networks]
    # The loop's own clock may have a resolution of 1 ms only, too coarse for round-trip times.
    return LinkManager(sealed.pid, peers, dialers, crypto, clock=time.monotonic)


def offers_for(sealed: Sealed, network: str) -> tuple[PeerOffer, ...]:
    """What the peers have offered for this network."""
    roster = sealed.roster
    return tuple(
        PeerOffer(
            pid,
            roster[pid].name,
            offer.data,
            sealed.relay_secret(pid),
            sealed.pid < pid,
            roster[pid].did,
            sealed.pid,
            roster[sealed.pid].did,
        )
        for pid in _peers(sealed)
        for offer in sealed.offers[pid]
        if offer.network == network
    )


def _peers(sealed: Sealed) -> list[int]:
    return [member.pid for member in sealed.roster if member.pid != sealed.pid]


def _target(sealed: Sealed, pid: int, mine: Sequence[str]) -> DialTarget:
    """A peer with the networks that both have, and why not the others."""
    theirs = {offer.network for offer in sealed.offers[pid]}
    name = sealed.roster[pid].name
    without = [(network, f"{name} does not offer it") for network in mine if network not in theirs]
    unused = theirs - set(mine) - {registry.for_outsiders().name}
    without += [(one, "it is not used here") for one in sorted(unused)]
    both = frozenset(mine) & theirs
    return DialTarget(pid, name, sealed.link_key(pid), both, tuple(without))
