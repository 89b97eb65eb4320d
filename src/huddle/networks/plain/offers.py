"""What the parties of the network `plain` tell each other before a session.

offer = version U8 | end bool | public key (32 bytes) | host (text, 253) | port U16
        host and port of WireGuard, at a party that is open; else empty and 0
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from huddle.codec import U8, U16, DecodeError, Fixed, Limit, decode, encode
from huddle.errors import NetworkError, PeerError
from huddle.identity.kdf import hkdf
from huddle.networks.base import PeerOffer
from huddle.networks.outsiders import END, OPEN, Roles
from huddle.networks.reach import addresses
from huddle.networks.wireguard.keys import KEY

NETWORK = "plain"
VERSION = 1

_SHARED_LABEL = b"huddle/1 plain shared key"


@dataclass(frozen=True, slots=True)
class Offer:
    """This party's WireGuard key for the session, and where WireGuard is reached, if it is."""

    version: U8
    end: bool
    public: Annotated[bytes, Fixed(KEY)]
    host: Annotated[str, Limit(253)]
    port: U16


@dataclass(frozen=True, slots=True)
class PlainPeer:
    """A peer as its offer says; `shared` is WireGuard's preshared key of the pair."""

    pid: int
    name: str
    end: bool
    public: bytes
    shared: bytes
    where: tuple[str, int] | None


def known(peer: PeerOffer) -> PlainPeer:
    """What a peer's offer says; PeerError where it is none."""
    try:
        offer = decode(Offer, peer.offer)
        if offer.version != VERSION:
            raise DecodeError(f"version {offer.version}")
        if bool(offer.host) != bool(offer.port) or (offer.host and not addresses.is_host(offer.host)):
            raise DecodeError("an address that is none")
    except DecodeError as error:
        raise peer.refused("plain ends", error) from error
    where = (offer.host, offer.port) if offer.host else None
    return PlainPeer(peer.pid, peer.name, offer.end, offer.public, hkdf(peer.secret, _SHARED_LABEL), where)


def all_known(own: bytes, peers: Sequence[PeerOffer], roles: Roles) -> dict[int, PlainPeer]:
    """The peers by pid; PeerError where one offers what it did not say in its hello, or another's key."""
    taken = {own}
    found: dict[int, PlainPeer] = {}
    for peer in peers:
        one = known(peer)
        said = roles[peer.pid]
        wrong = one.end != (said == END) or (one.where is not None) != (said == OPEN)
        if wrong or one.public in taken:
            what = "does not offer what it said when it came" if wrong else "offers another party's key"
            raise PeerError(f"{peer.name} {what}", peer=peer.name, hint="Start a new session without them.")
        taken.add(one.public)
        found[peer.pid] = one
    missing = [pid for pid in roles if roles[pid] and pid not in found]
    if len(missing) > 1:
        raise NetworkError("Not all who said that they link with plain ends offered it.", hint="Try again.")
    return found


def encoded(end: bool, public: bytes, where: tuple[str, int] | None) -> bytes:
    """An offer."""
    host, port = where or ("", 0)
    return encode(Offer(VERSION, end, public, host, port))
