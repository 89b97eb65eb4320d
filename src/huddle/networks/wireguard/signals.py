"""What two parties tell each other to make a tunnel, each sealed by `pairing` as one `TunnelSignal`.

    1  both     attempt, candidates     a fresh number, and where this party's UDP port may be reached
    2  lower    chosen                  which check got through, and what size of packet
    3  both     ready                   the TCP port behind the tunnel, which stands now at this end

The first message binds the checks' key to both numbers, so that no packet and no message of an earlier
attempt counts. Parsed strictly; no sockets: pure.
"""

import ipaddress
from dataclasses import dataclass
from typing import Annotated

from huddle.codec import U8, U16, DecodeError, Fixed, Limit, decode, encode
from huddle.identity.crypto import Crypto
from huddle.identity.kdf import hkdf
from huddle.networks.base import PeerOffer
from huddle.networks.pairing import PairSeal
from huddle.networks.reach import addresses

MAX_CANDIDATES = 16  # the interfaces of a usual machine, and what STUN says of IPv4 and IPv6
ATTEMPT = 16  # bytes
CHECK = 8  # bytes that name one check

_LABEL = b"huddle/1 wireguard signals "
_CHECKS_LABEL = b"huddle/1 wireguard checks"
_KINDS = ("own", "seen by STUN")


@dataclass(frozen=True, slots=True)
class UdpCandidate:
    """An address and UDP port where a party may be reached; `kind` is 0: its own, 1: as STUN sees it."""

    host: Annotated[str, Limit(45)]
    port: U16
    kind: U8

    def __str__(self) -> str:
        return f"{self.host} ({_KINDS[self.kind]})"


@dataclass(frozen=True, slots=True)
class Chosen:
    """The check that got there and back, and the largest packet (with IP's header) that did."""

    check: Annotated[bytes, Fixed(CHECK)]
    size: U16


@dataclass(frozen=True, slots=True)
class TunnelSignal:
    """One message; what it does not say is empty, None or 0."""

    attempt: Annotated[bytes, Limit(ATTEMPT)] = b""
    candidates: Annotated[tuple[UdpCandidate, ...], Limit(MAX_CANDIDATES)] = ()
    chosen: Chosen | None = None
    ready: U16 = 0


class TunnelSignals:
    """The messages between this party and one peer."""

    def __init__(self, crypto: Crypto, peer: PeerOffer) -> None:
        self._seal = PairSeal(crypto, peer.secret, peer.lower, _LABEL)

    def seal(self, signal: TunnelSignal) -> bytes:
        """A message for the peer."""
        return self._seal.seal(encode(signal))

    def open(self, message: bytes) -> TunnelSignal:
        """What the peer sealed; raises DecodeError where it did not, or means nothing."""
        signal = decode(TunnelSignal, self._seal.open(message))
        if len(signal.attempt) not in (0, ATTEMPT):
            raise DecodeError(f"a number of {len(signal.attempt)} bytes")
        for one in signal.candidates:
            if not (one.kind < len(_KINDS) and one.port and _is_address(one.host)):
                raise DecodeError("a candidate that is none")
        return signal


def checks_key(peer: PeerOffer, mine: bytes, theirs: bytes) -> bytes:
    """The key of the checks of one attempt, from the numbers that both have told."""
    first, second = (mine, theirs) if peer.lower else (theirs, mine)
    return hkdf(peer.secret, _CHECKS_LABEL, salt=first + second)


def _is_address(host: str) -> bool:
    """An address that this machine may be asked to send to: no name, no group, not everybody."""
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        return False
    return addresses.is_host(host) and str(found) == host and host != "255.255.255.255"
