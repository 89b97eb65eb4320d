"""How two parties meet at the rendezvous to tell each other where they are: a relay channel for a moment.

The channel's name is known to the two only, as that of a relayed link, and what goes through it is sealed
by the pair's secret, a key for each direction:

    message = nonce (12 bytes) ‖ AES-256-GCM(key, nonce, …)
    key     = HKDF(the pair's secret, label ‖ "a" or "b"), a: from the lower pid

A message may be replayed by whoever passes it on, so what it leads to must be fresh by itself. What the
messages mean is their network's affair.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from huddle.codec import DecodeError
from huddle.errors import NetworkError, RendezvousError
from huddle.identity.crypto import Crypto, InvalidSeal
from huddle.identity.kdf import hkdf
from huddle.networks.base import PeerOffer
from huddle.rendezvous.client import dialing
from huddle.rendezvous.messages import Paired

_NONCE = 12


class PairSeal:
    """Seals what this party says to one peer; `lower` says which of the two this party is."""

    def __init__(self, crypto: Crypto, secret: bytes, lower: bool, label: bytes) -> None:
        self._crypto = crypto
        keys = [hkdf(secret, label + side) for side in (b"a", b"b")]
        self._mine, self._theirs = keys if lower else reversed(keys)

    def seal(self, data: bytes) -> bytes:
        """A message for the peer."""
        nonce = self._crypto.random(_NONCE)
        return nonce + self._crypto.seal(self._mine, nonce, data, b"")

    def open(self, message: bytes) -> bytes:
        """What the peer sealed; raises DecodeError where it did not."""
        nonce, sealed = message[:_NONCE], message[_NONCE:]
        if not sealed:
            raise DecodeError(f"{len(message)} bytes")
        try:
            return self._crypto.open(self._theirs, nonce, sealed, b"")
        except InvalidSeal as error:
            raise DecodeError("it was not sealed by the peer") from error


def channel(url: str, peer: PeerOffer, label: bytes) -> str:
    """The WebSocket URL of the channel with that peer at the rendezvous `url`, named by that label."""
    name = hkdf(peer.secret, label, length=16).hex()
    return dialing.websocket_url(url, f"/v1/relay/{name}?side={'a' if peer.lower else 'b'}")


def check(answer: bytes) -> None:
    """Raise NetworkError unless this, the rendezvous's first message, says that the peer is there."""
    try:
        dialing.answered(Paired, answer, "Check its URL.")
    except RendezvousError as error:
        raise NetworkError(error.message, hint=error.hint) from error


@asynccontextmanager
async def paired(
    url: str, peer: PeerOffer, label: bytes, *, within: float
) -> AsyncIterator[dialing.RendezvousConnection]:
    """Meet that peer at the rendezvous `url`, where it must come within so many seconds.

    `label` names the channel.
    """
    host = dialing.host_of(url)
    try:
        socket = await dialing.reach(channel(url, peer, label), within=within)
    except dialing.LOST as error:
        raise NetworkError(
            f"The rendezvous {host}, where {peer.name} is met, can't be reached: {dialing.reason_of(error)}.",
            hint="Is the rendezvous still running?",
        ) from error
    try:
        await _wait(socket, peer, host, within)
        yield socket
    finally:
        await socket.close()


async def _wait(socket: dialing.RendezvousConnection, peer: PeerOffer, host: str, within: float) -> None:
    try:
        async with asyncio.timeout(within):
            answer = await socket.recv(decode=False)
    except TimeoutError:
        raise NetworkError(
            f"{peer.name} did not come to the rendezvous {host} within {within:.0f} s.",
            hint="Are they still there, at the same rendezvous?",
        ) from None
    except dialing.LOST as error:
        raise NetworkError(
            f"The rendezvous {host} ended the connection by which {peer.name} is met.",
            hint="It is tried again.",
        ) from error
    check(answer)
