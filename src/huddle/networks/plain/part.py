"""Parties that run plain MPyC behind a WireGuard app: who takes part how, and what each tells the others.

A party names its part in its hello, as the version of a piece of software called `plain`, so that all know
it before anybody accepts:

    end      this person runs plain MPyC; its machine is known by a WireGuard key only
    open     links with such ends, and UDP reaches it; forwards between two whom none reaches
    closed   links with such ends, and itself must be the one who sends first

    offer = version U8 | end bool | public key (32 bytes) | host (text, 253) | port U16
            host and port of WireGuard, at a party that is open; else empty and 0

An end has no Huddle that could look for ways, so of two parties of which one is an end, one must be open,
or the first open party of the roster passes their packets on, which stay encrypted by the keys of the two.
Pure: no sockets, no clock.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv6Address
from typing import Annotated, Any, Protocol

from huddle.codec import U8, U16, DecodeError, Fixed, Limit, decode, encode
from huddle.errors import NetworkError, PeerError
from huddle.identity.kdf import hkdf
from huddle.networks.base import PeerOffer
from huddle.networks.reach import addresses
from huddle.networks.wireguard.keys import KEY

NETWORK = "plain"
VERSION = 1
END, OPEN, CLOSED = "end", "open", "closed"
MPYC_PORT = 11365  # MPyC's own, to which it adds the party's number

_SHARED_LABEL = b"huddle/1 plain shared key"

Roles = Mapping[int, str]  # of each pid; empty text: that party has no part in it


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


# The ports by which a party reaches others through the one that forwards, by the others' pids.
Ports = Mapping[int, int]
Tell = Callable[[int, Ports], None]


class PlainPart(Protocol):
    """This party's part: as an end, or as one that links with ends."""

    role: str

    async def open(self) -> None:
        """Find out which part this can be; raises NetworkError where it can be none."""
        ...

    def offer(self) -> bytes:
        """What all peers are told."""
        ...

    def start(self, own: int, peers: Sequence[PeerOffer], roles: Roles, tell: Tell) -> Awaitable[None]:
        """The session is sealed: set everything up; `tell` tells a peer its ports here.

        Raises PeerError for an offer that is none, and NetworkError.
        """
        ...

    def forwarded(self, pid: int, ports: Ports) -> None:
        """That peer says by which of its ports it forwards."""
        ...

    async def close(self) -> None:
        """Take all down."""
        ...


class PlainLinks(Protocol):
    """The part of one that links with ends."""

    def link(self, pid: int, receiver: Any) -> Any:
        """The link to that end for one run (`huddle.links.raw.RawLink`)."""
        ...

    async def close_link(self, pid: int, within: float) -> None:
        """Close it; what was written has so many seconds to leave."""
        ...


class OutsiderConfig(Protocol):
    """The part of an end: what its person takes."""

    @property
    def addresses(self) -> dict[int, IPv6Address]:
        """All parties' addresses, by pid."""
        ...

    def configuration(self) -> str:
        """The file for the WireGuard app."""
        ...


def ends(roles: Roles) -> list[int]:
    """Who runs plain MPyC."""
    return [pid for pid, role in roles.items() if role == END]


def forwarder(roles: Roles) -> int | None:
    """Who passes packets on, where that is needed: the first party that is open."""
    return min((pid for pid, role in roles.items() if role == OPEN), default=None)


def linked(roles: Roles, one: int, other: int) -> bool:
    """Whether the two have a raw link: one of them is an end."""
    return END in (roles[one], roles[other])


def through(roles: Roles, one: int, other: int) -> bool:
    """Whether their raw link needs somebody who forwards."""
    return linked(roles, one, other) and OPEN not in (roles[one], roles[other])


def forwards(roles: Roles) -> list[tuple[int, int]]:
    """The pairs for which somebody forwards, the lower pid first."""
    pids = sorted(roles)
    return [(one, other) for one in pids for other in pids if one < other and through(roles, one, other)]


def problem(roles: Roles, names: Mapping[int, str]) -> NetworkError | None:
    """Why these parties can't be linked, for all to know before they accept; None where they can."""
    plain = ends(roles)
    if not plain:
        return None
    who = " and ".join(names[pid] for pid in plain)
    without = [names[pid] for pid, role in roles.items() if not role]
    if without:
        return NetworkError(
            f"{who} would run plain MPyC behind a WireGuard app, to which {' and '.join(without)} "
            "can't link.",
            hint="All others must be in a terminal, with --network auto,plain and the rights that it needs.",
        )
    if forwarder(roles) is None:
        return NetworkError(
            f"{who} would run plain MPyC behind a WireGuard app, and nobody else here has an address "
            "that an app can reach.",
            hint="One of the others must have one: on a machine with an address of its own, or with a UDP "
            "port that the router leads there: --network auto,plain --advertise HOST:PORT --port PORT.",
        )
    return None


def explained(roles: Roles, names: Mapping[int, str]) -> list[str]:
    """What people agree to who accept a session with such ends."""
    lines = []
    for pid in ends(roles):
        lines.append(
            f"{names[pid]} runs plain MPyC behind a WireGuard app: who is there is known by the key of that "
            f"tunnel alone, and a link to {names[pid]} that is lost is not resumed."
        )
    pairs = forwards(roles)
    if pairs:
        between = ", ".join(f"{names[one]} and {names[other]}" for one, other in pairs)
        lines.append(
            f"{names[forwarder(roles) or 0]} passes on what goes between {between}, encrypted for the two."
        )
    return lines


def known(peer: PeerOffer) -> PlainPeer:
    """What a peer's offer says; PeerError where it is none."""
    try:
        offer = decode(Offer, peer.offer)
        if offer.version != VERSION:
            raise DecodeError(f"version {offer.version}")
        if bool(offer.host) != bool(offer.port) or (offer.host and not addresses.is_host(offer.host)):
            raise DecodeError("an address that is none")
    except DecodeError as error:
        raise PeerError(
            f"{peer.name} sent an offer for plain ends that is not one: {error}",
            peer=peer.name,
            hint="Start a new session without them, or with versions of Huddle that agree.",
        ) from error
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
