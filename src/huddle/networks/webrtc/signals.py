"""What two parties tell each other to make a WebRTC connection: descriptions and candidates.

Both offer and each takes what the other said for the answer, so one message each way is enough and
neither waits for the other; the lower pid is DTLS's client. Only the values travel: each side writes the
SDP of the other by itself, and nothing of a peer gets into it that was not parsed.

Each message is a `RtcSignal`, sealed as `pairing` does with the label "huddle/1 webrtc signals ". One that is
replayed by whoever passes it on leads to a connection that exists no more, and the attempt fails. No
sockets, no library: pure.
"""

import re
from dataclasses import dataclass
from typing import Annotated

from huddle.codec import U8, U16, U32, DecodeError, Fixed, Limit, decode, encode
from huddle.identity.crypto import Crypto
from huddle.networks.pairing import PairSeal
from huddle.networks.reach import addresses

MAX_CANDIDATES = 32  # in all, of one attempt: a dozen interfaces, with what STUN and TURN say of them
MAX_MESSAGE = 262_144  # bytes of one message on a data channel

_LABEL = b"huddle/1 webrtc signals "
_KINDS = ("host", "srflx", "relay")

# RFC 8839: ice-char is ALPHA / DIGIT / "+" / "/".
_UFRAG = re.compile(r"[A-Za-z0-9+/]{4,256}")
_PASSWORD = re.compile(r"[A-Za-z0-9+/]{22,256}")
_FOUNDATION = re.compile(r"[A-Za-z0-9+/]{1,32}")
_CANDIDATE = re.compile(
    r"(?:a=)?candidate:([A-Za-z0-9+/]{1,32}) 1 (?i:udp) (\d{1,10}) (\S{1,253}) (\d{1,5}) typ (\w+)(?: .*)?"
)


@dataclass(frozen=True, slots=True)
class IceCandidate:
    """Where a party may be reached by UDP; `kind` is 0 host, 1 server-reflexive, 2 relayed."""

    foundation: Annotated[str, Limit(32)]
    priority: U32
    host: Annotated[str, Limit(253)]
    port: U16
    kind: U8

    @property
    def line(self) -> str:
        """As it stands in a description."""
        # Where it came from is nobody's business, but has to be said.
        related = "" if self.kind == 0 else " raddr 0.0.0.0 rport 0"
        where = f"{self.priority} {self.host} {self.port}"
        return f"candidate:{self.foundation} 1 UDP {where} typ {_KINDS[self.kind]}{related}"


@dataclass(frozen=True, slots=True)
class Description:
    """ICE's name and password, and the SHA-256 of the certificate that DTLS will show."""

    ufrag: Annotated[str, Limit(256)]
    password: Annotated[str, Limit(256)]
    fingerprint: Annotated[bytes, Fixed(32)]


@dataclass(frozen=True, slots=True)
class RtcSignal:
    """One message: the description, in the first one, and candidates; `last` says that no more will come."""

    description: Description | None
    candidates: Annotated[tuple[IceCandidate, ...], Limit(MAX_CANDIDATES)]
    last: bool


class RtcSignals:
    """The messages between this party and one peer; `lower` says which of the two this party is."""

    def __init__(self, crypto: Crypto, secret: bytes, lower: bool) -> None:
        self.lower = lower
        self._seal = PairSeal(crypto, secret, lower, _LABEL)

    def seal(self, signal: RtcSignal) -> bytes:
        """A message for the peer."""
        return self._seal.seal(encode(signal))

    def open(self, message: bytes) -> RtcSignal:
        """What the peer sealed; raises DecodeError where it did not, or means nothing."""
        signal = decode(RtcSignal, self._seal.open(message))
        check(signal)
        return signal


def described(sdp: str) -> Description:
    """The values of a local description, as the library wrote it; DecodeError where they are missing."""
    found = [re.search(rf"^a={name}:(.*?)\r?$", sdp, re.MULTILINE) for name in ("ice-ufrag", "ice-pwd")]
    print_ = re.search(r"^a=fingerprint:sha-256 ([0-9A-Fa-f:]{95})\r?$", sdp, re.MULTILINE | re.IGNORECASE)
    if not all(found) or not print_:
        raise DecodeError("a description without its values")
    ufrag, password = (match[1] for match in found if match)
    return Description(ufrag, password, bytes.fromhex(print_[1].replace(":", "")))


def candidate(line: str) -> IceCandidate | None:
    """A local candidate as the library wrote it; None for one that peers can't use (TCP)."""
    match = _CANDIDATE.fullmatch(line.strip())
    if not match or match[5] not in _KINDS:
        return None
    return IceCandidate(match[1], int(match[2]), match[3], int(match[4]), _KINDS.index(match[5]))


def sdp(description: Description, *, lower: bool) -> str:
    """The peer's description for the library, as an answer; `lower`: this party's pid is the lower one."""
    digest = description.fingerprint.hex(":").upper()
    lines = (
        "v=0",
        "o=- 1 1 IN IP4 0.0.0.0",
        "s=-",
        "t=0 0",
        "a=group:BUNDLE 0",
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
        "c=IN IP4 0.0.0.0",
        "a=mid:0",
        "a=sctp-port:5000",
        f"a=max-message-size:{MAX_MESSAGE}",
        f"a=setup:{'passive' if lower else 'active'}",
        "a=ice-options:trickle",
        f"a=ice-ufrag:{description.ufrag}",
        f"a=ice-pwd:{description.password}",
        f"a=fingerprint:sha-256 {digest}",
    )
    return "".join(f"{line}\r\n" for line in lines)


def where(line: str) -> tuple[str, int, str]:
    """Host, port and kind of a candidate of either side, also of one that was only seen ("prflx")."""
    match = _CANDIDATE.fullmatch(line.strip())
    return (match[3], int(match[4]), match[5]) if match else ("", 0, "")


def check(signal: RtcSignal) -> None:
    """Raise DecodeError where a peer's values mean nothing, or lead where no peer should."""
    told = signal.description
    if told and not (_UFRAG.fullmatch(told.ufrag) and _PASSWORD.fullmatch(told.password)):
        raise DecodeError("an ICE name or password that is none")
    for one in signal.candidates:
        # A peer must not make this machine send to groups, nor to ports that nobody listens on.
        if not (
            _FOUNDATION.fullmatch(one.foundation)
            and one.kind < len(_KINDS)
            and one.port
            and addresses.is_host(one.host)
        ):
            raise DecodeError("a candidate that is none")
