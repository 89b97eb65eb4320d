"""What a peer must know to reach a party by the network `tls`, and what is made of it.

offer = certificate | addresses     (`Offer`, as `huddle.codec` writes it)
"""

from dataclasses import dataclass
from typing import Annotated

from huddle.codec import U16, DecodeError, Limit, decode
from huddle.networks.base import PeerOffer
from huddle.networks.reach import addresses
from huddle.networks.tls.certificates import check_certificate

# A certificate made by `certificates` has about 330 bytes; a peer's must not fill our memory.
MAX_CERTIFICATE = 1024

# More than the interfaces of a usual machine, few enough that trying all of them ends soon.
MAX_ADDRESSES = 16

# The longest host name (RFC 1035).
MAX_HOST = 253


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A host (IP address or name) and a TCP port."""

    host: Annotated[str, Limit(MAX_HOST)]
    port: U16

    def __str__(self) -> str:
        return f"{self.host} port {self.port}"


@dataclass(frozen=True, slots=True)
class Offer:
    """What a peer must know: this party's certificate (DER), and where to try it."""

    certificate: Annotated[bytes, Limit(MAX_CERTIFICATE)]
    endpoints: Annotated[tuple[Endpoint, ...], Limit(MAX_ADDRESSES)]


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
