"""What a peer must know to reach a party by the network `tls`, and what is made of it.

offer = certificate | addresses     (`Offer`, as `huddle.codec` writes it)
"""

from dataclasses import dataclass
from typing import Annotated

from huddle.codec import DecodeError, Limit, decode
from huddle.networks.base import PeerOffer
from huddle.networks.reach import addresses
from huddle.networks.reach.addresses import MAX_ENDPOINTS, Endpoint
from huddle.networks.tls.certificates import check_certificate

# A certificate made by `certificates` has about 330 bytes; a peer's must not fill our memory.
MAX_CERTIFICATE = 1024


@dataclass(frozen=True, slots=True)
class Offer:
    """What a peer must know: this party's certificate (DER), and where to try it by TCP."""

    certificate: Annotated[bytes, Limit(MAX_CERTIFICATE)]
    endpoints: Annotated[tuple[Endpoint, ...], Limit(MAX_ENDPOINTS)]


@dataclass(frozen=True, slots=True)
class TlsPeer:
    """A peer as its offer says."""

    name: str
    certificate: bytes
    endpoints: tuple[Endpoint, ...]


def parse_offer(peer: PeerOffer) -> Offer:
    """That peer's offer; PeerError where it is none."""
    try:
        offer = decode(Offer, peer.offer)
        check_certificate(offer.certificate)
        if not all(addresses.is_host(endpoint.host) and endpoint.port for endpoint in offer.endpoints):
            raise DecodeError("an address that is none")
    except ValueError as exc:
        raise peer.refused("the network tls", exc) from exc
    return offer
