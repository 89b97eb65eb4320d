"""The network `webrtc`: ICE through NATs, DTLS, data channels; what browsers have, and native parties too.

Where both can be reached by UDP, straight or through NATs that STUN helps with, the wire is direct; else
it goes through a TURN server, if the rendezvous has one. The two tell each other their candidates through
a channel of the rendezvous, sealed with the pair's secret, when they dial and not before: what a NAT was
made to open for them does not wait for people to decide, and a lost connection is made anew the same way.

    offer = version U8        (`Offer`; whoever sends it has WebRTC)

Each connection has a certificate of its own, whose SHA-256 is in what was sealed; DTLS goes on only with
that, and the wire's keys are these two hashes, which the link proof binds.
"""

import asyncio
from dataclasses import dataclass

from huddle.codec import U8, DecodeError, decode, encode
from huddle.errors import HuddleError, NetworkError
from huddle.identity.crypto import Crypto
from huddle.links.wire import Wire
from huddle.networks.base import Accepted, PeerOffer
from huddle.networks.webrtc import library as webrtc_library
from huddle.networks.webrtc.peer import RtcPeer
from huddle.rendezvous.client import dialing
from huddle.rendezvous.ice import ask
from huddle.rendezvous.messages import TurnServer

VERSION = 1
_ASK = 5.0  # seconds for the rendezvous to name its STUN and TURN servers
_FAREWELL = 1.0  # seconds that closed wires have to hand over their last bytes when the network closes


@dataclass(frozen=True, slots=True)
class Offer:
    """This party has WebRTC; `version` is that of the signals."""

    version: U8


class WebRtcNetwork:
    """One party's part in the network; see `huddle.networks.base.Network`. `url` is the rendezvous's."""

    name = "webrtc"

    def __init__(self, url: str, crypto: Crypto) -> None:
        self._url = url
        self._crypto = crypto
        self._peers: dict[int, RtcPeer] = {}
        self._known: tuple[TurnServer, ...] = ()  # servers, and until when they are believed
        self._until = 0.0
        self._asking = asyncio.Lock()
        self._closed = False

    def __repr__(self) -> str:
        return f"<WebRtcNetwork {dialing.host_of(self._url)}, {list(self._peers.values())!r}>"

    async def open(self) -> None:
        """See that there is a library; raises NetworkError."""
        webrtc_library.check()

    def offer(self) -> bytes:
        """That this party has WebRTC."""
        return encode(Offer(VERSION))

    def begin(self, peers: tuple[PeerOffer, ...], accepted: Accepted) -> None:
        """Take the peers' offers; connections are made when somebody dials."""
        for peer in peers:
            try:
                version = decode(Offer, peer.offer).version
            except DecodeError:
                version = 0
            if version == VERSION:
                self._peers[peer.pid] = RtcPeer(self._url, peer, self._crypto, self._servers, accepted)

    async def dial(self, pid: int, run: int) -> Wire:
        """One attempt: over the connection that there is, or a new one, to which the peer must come too."""
        peer = self._peers.get(pid)
        if peer is None or self._closed:
            raise NetworkError(
                f"Party {pid} has no WebRTC.",
                hint="Choose --network auto at all parties, or let them install it.",
            )
        return await peer.wire(run)

    async def close(self) -> None:
        """Take all connections down; what closed wires have still to send gets a moment."""
        self._closed = True
        await asyncio.gather(*(peer.close(_FAREWELL) for peer in self._peers.values()))

    async def _servers(self) -> tuple[TurnServer, ...]:
        """STUN and TURN servers, as the rendezvous names them; none where it does not answer."""
        now = asyncio.get_running_loop().time
        async with self._asking:
            if now() >= self._until:
                try:
                    answer = await ask(self._url, within=_ASK)
                except HuddleError:
                    return self._known
                # Half of its life: what is used now must be good for some time.
                self._until = now() + answer.lifetime / 2
                stun = dialing.stun_url(self._url, answer.stun) if answer.stun else ""
                self._known = (*([TurnServer(stun, "", "")] if stun else []), *answer.turn)
            return self._known
