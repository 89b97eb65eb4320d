"""How two parties tell each other their candidates: a relay channel at the rendezvous, for one attempt.

The channel's name is known to the two only, as that of a relayed link, and what goes through it is sealed
(`webrtc_signals`). It ends with the attempt: a connection that stands needs no rendezvous.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from huddle.codec import DecodeError
from huddle.errors import NetworkError
from huddle.identity.crypto import Crypto
from huddle.identity.kdf import hkdf
from huddle.networks.base import PeerOffer
from huddle.networks.webrtc_signals import Signal, Signals
from huddle.rendezvous import dialing
from huddle.rendezvous.messages import Paired, Refused, unpack

_LABEL = b"huddle/1 webrtc channel"


class Meeting:
    """The two are there: what this party says the other one hears."""

    def __init__(self, socket: dialing.Connection, signals: Signals, name: str) -> None:
        self._socket = socket
        self._signals = signals
        self._name = name

    async def tell(self, signal: Signal) -> None:
        """Say this to the peer; raises one of `dialing.LOST`."""
        await self._socket.send(self._signals.seal(signal))

    async def gone(self) -> None:
        """Wait until the peer has left."""
        await self._socket.wait_closed()

    async def hear(self) -> Signal:
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
async def meeting(url: str, peer: PeerOffer, crypto: Crypto, *, within: float) -> AsyncIterator[Meeting]:
    """Meet that peer at the rendezvous `url`, where it must come within so many seconds."""
    channel = hkdf(peer.secret, _LABEL, length=16).hex()
    side = "a" if peer.lower else "b"
    host = dialing.host_of(url)
    address = dialing.websocket_url(url, f"/v1/relay/{channel}?side={side}")
    try:
        socket = await dialing.reach(address, within=within)
    except dialing.LOST as error:
        raise NetworkError(
            f"The rendezvous {host} can't be reached, where WebRTC's candidates are told: "
            f"{dialing.reason_of(error)}.",
            hint="Is the rendezvous still running?",
        ) from error
    try:
        await _paired(socket, peer, host, within)
        yield Meeting(socket, Signals(crypto, peer.secret, peer.lower), peer.name)
    finally:
        await socket.close()


async def _paired(socket: dialing.Connection, peer: PeerOffer, host: str, within: float) -> None:
    try:
        async with asyncio.timeout(within):
            answer: Paired | Refused = unpack(await socket.recv(decode=False), Paired, Refused)
    except TimeoutError:
        raise NetworkError(
            f"{peer.name} did not come to the rendezvous {host} within {within:.0f} s.",
            hint="Is it still there, and does it use the same rendezvous?",
        ) from None
    except (*dialing.LOST, DecodeError) as error:
        raise NetworkError(
            f"The rendezvous {host} ended the exchange of WebRTC's candidates with {peer.name}.",
            hint="It is tried again.",
        ) from error
    if isinstance(answer, Refused):
        refused = dialing.refused(answer)
        raise NetworkError(refused.message, hint=refused.hint)
