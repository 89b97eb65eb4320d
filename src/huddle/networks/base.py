"""What a network is: what can I offer, here is what the peer offers, give me a wire.

A network lives as long as a session. `open` comes before the accepts are made, so that offers can
name ports; `begin` comes when the session is sealed and brings the offers of the peers; from then on
`dial` may be called for any link, and wires that peers dial are handed to `accepted`.
Trying again, choosing among networks and proving who is at the other end belong to `huddle.links`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from huddle.links.wire import Wire


@dataclass(frozen=True, slots=True)
class PeerOffer:
    """A peer's offer for one network, as it was sealed for this party, and the secret of the pair.

    `pid` is the peer's, `lower` says whether this party's pid is the lower one, `secret` is the
    32-byte secret that only the two share (for channel names and for what one tells only the other; never
    sent). `did` is the peer's. `own_pid` and `own_did` are this party's, for a network in which the host
    (pid 0) arranges something for all.
    """

    pid: int
    name: str
    offer: bytes
    secret: bytes
    lower: bool
    did: str = ""
    own_pid: int = -1
    own_did: str = ""

    def with_offer(self, offer: bytes) -> "PeerOffer":
        """The same peer with an offer of another network, that this one is built on."""
        return replace(self, offer=offer)


Accepted = Callable[[int, int, Wire], None]  # pid of the peer, number of the run (0: control), wire


class Network(Protocol):
    """One way to reach peers."""

    name: str

    async def open(self) -> None:
        """Get ready to make offers; raises NetworkError where this machine can't."""
        ...

    def offer(self) -> bytes:
        """What a peer must know to reach this party, for the sealed offer of the accept."""
        ...

    def begin(self, peers: tuple[PeerOffer, ...], accepted: Accepted) -> None:
        """The session is sealed: take the peers' offers and start to accept wires."""
        ...

    async def dial(self, pid: int, run: int) -> Wire:
        """One attempt at a wire to that peer for that run's link (0: the control link).

        Raises NetworkError, saying what was tried. May be cancelled at any time, leaving nothing.
        """
        ...

    async def close(self) -> None:
        """Take everything down; wires still open are dropped."""
        ...
