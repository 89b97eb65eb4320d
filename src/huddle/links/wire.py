"""A wire: one connection of a network, as a link sees it.

A network makes wires; a link uses one until it is lost. The bytes of a wire arrive in order, or the
wire is lost; a wire that is lost tells its receiver once, and never comes back.
"""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class WireInfo:
    """What is known of a wire.

    `network` is the network's name, `path` a phrase for people ("direct, 192.0.2.1 port 4000",
    "relayed by huddle.example"). `local_key` and `peer_key` are the keys seen on the wire (such as
    certificate hashes), which the link proof binds; both are empty where the wire has none, and then
    `sealed` is False and the record layer must carry the link. `rtt` are the seconds that an answer took
    in the link proof; None before it. `tried` are networks that the link would rather have, each with what
    became of it; empty before the proof. `hint` is what somebody else says of
    the other end, for people; it proves nothing.
    """

    network: str
    path: str
    local_key: bytes
    peer_key: bytes
    sealed: bool
    rtt: float | None = None
    tried: tuple[tuple[str, str], ...] = ()
    hint: str = ""

    @property
    def relayed(self) -> bool:
        """Whether somebody between passes every byte on, as its path says."""
        return self.path.startswith("relayed")


class WireReceiver(Protocol):
    """Whoever takes what a wire brings."""

    def wire_data(self, data: bytes) -> None:
        """Bytes have arrived."""
        ...

    def wire_lost(self, reason: str) -> None:
        """The wire is gone, for the reason said; nothing more will arrive."""
        ...


class Wire(Protocol):
    """One connection to one peer."""

    @property
    def info(self) -> WireInfo:
        """What is known of this wire."""
        ...

    def start(self, receiver: WireReceiver) -> None:
        """Deliver to this receiver from now on, and first what arrived before.

        Called again, it moves the wire to another receiver: from the proof to the link.
        """
        ...

    def send(self, data: bytes) -> None:
        """Send, without waiting; does nothing on a lost wire."""
        ...

    def close(self) -> None:
        """Send what is left, then close. No `wire_lost` follows."""
        ...

    def abort(self) -> None:
        """Drop the wire at once. No `wire_lost` follows."""
        ...
