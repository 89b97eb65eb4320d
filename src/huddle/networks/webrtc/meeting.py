"""How two parties tell each other their candidates: a channel of `pairing`, for one attempt.

It ends with the attempt: a connection that stands needs no rendezvous.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from huddle.codec import DecodeError
from huddle.errors import NetworkError
from huddle.identity.crypto import Crypto
from huddle.networks.base import PeerOffer
from huddle.networks.pairing import paired
from huddle.networks.webrtc.signals import RtcSignal, RtcSignals
from huddle.rendezvous.client import dialing

_LABEL = b"huddle/1 webrtc channel"


class CandidateExchange:
    """The two are there: what this party says the other one hears."""

    def __init__(self, socket: dialing.RendezvousConnection, signals: RtcSignals, name: str) -> None:
        self._socket = socket
        self._signals = signals
        self._name = name

    async def tell(self, signal: RtcSignal) -> None:
        """Say this to the peer; raises one of `dialing.LOST`."""
        await self._socket.send(self._signals.seal(signal))

    async def gone(self) -> None:
        """Wait until the peer has left."""
        await self._socket.wait_closed()

    async def hear(self) -> RtcSignal:
        """The peer's next message; raises NetworkError for what is none, or one of `dialing.LOST`."""
        message = await self._socket.recv(decode=False)
        try:
            return self._signals.open(message)
        except DecodeError as error:
            raise NetworkError(
                f"What came in {self._name}'s name for WebRTC can't be meant: {error}.",
                hint="Let all parties use the same version of Huddle, or another rendezvous.",
            ) from error


@asynccontextmanager
async def meeting(
    url: str, peer: PeerOffer, crypto: Crypto, *, within: float
) -> AsyncIterator[CandidateExchange]:
    """Meet that peer at the rendezvous `url`, where it must come within so many seconds."""
    async with paired(url, peer, _LABEL, within=within) as socket:
        yield CandidateExchange(socket, RtcSignals(crypto, peer.secret, peer.lower), peer.name)
