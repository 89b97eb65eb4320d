"""Parties that run plain MPyC without Huddle: who takes part how, and who links with whom.

A party names its part in its hello, so that all know it before anybody accepts:

    end      this person runs plain MPyC; its machine is known by a key only
    open     links with such ends, and UDP reaches it; forwards between two whom none reaches
    closed   links with such ends, and itself must be the one who sends first

An end has no Huddle that could look for ways, so of two parties of which one is an end, one must be open,
or the first open party of the roster passes their packets on, which stay encrypted by the keys of the two.
How that is done is the affair of a network that links no parties of Huddle (`NetworkKind.links_parties`).
Pure: no sockets, no clock.
"""

import shlex
from collections.abc import Awaitable, Callable, Mapping, Sequence
from ipaddress import IPv6Address
from typing import Any, Protocol

from huddle.errors import NetworkError
from huddle.networks.base import PeerOffer

END, OPEN, CLOSED = "end", "open", "closed"
MPYC_PORT = 11365  # MPyC's own, to which it adds the party's number

Roles = Mapping[int, str]  # of each pid; empty text: that party has no part in it

# The ports by which a party reaches others through the one that forwards, by the others' pids.
Ports = Mapping[int, int]
Tell = Callable[[int, Ports], None]


class OutsiderPart(Protocol):
    """This party's part: as an end, or as one that links with ends."""

    network: str  # the name under which it is offered
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


class OutsiderLinks(Protocol):
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


def problem(roles: Roles, names: Mapping[int, str], network: str) -> NetworkError | None:
    """Why these parties can't be linked, for all to know before they accept; None where they can.

    `network` is the name of the one that links with ends.
    """
    plain = ends(roles)
    if not plain:
        return None
    who = " and ".join(names[pid] for pid in plain)
    without = [names[pid] for pid, role in roles.items() if not role]
    if without:
        return NetworkError(
            f"{who} would run plain MPyC behind a WireGuard app, to which {' and '.join(without)} "
            "can't link.",
            hint=f"All others must be in a terminal, with --network auto,{network} and the rights that it "
            "needs.",
        )
    if forwarder(roles) is None:
        return NetworkError(
            f"{who} would run plain MPyC behind a WireGuard app, and nobody else here has an address "
            "that an app can reach.",
            hint="One of the others must have one: on a machine with an address of its own, or with a UDP "
            f"port that the router leads there: --network auto,{network} --advertise HOST:PORT --port PORT.",
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


def command(
    pid: int, entry: str, args: Sequence[str], addresses: Mapping[int, IPv6Address], flags: Sequence[str]
) -> str:
    """What that party types to run the program, for a POSIX shell and PowerShell alike."""
    parties = [word for one in sorted(addresses) for word in ("-P", f"{addresses[one]}:{MPYC_PORT + one}")]
    words = ["python", entry, *args, *parties, "-I", str(pid), *flags]
    return shlex.join(words)
