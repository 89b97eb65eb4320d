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
from huddle.errors import NetworkError
from huddle.identity.crypto import Crypto, InvalidSeal
from huddle.identity.kdf import hkdf
from huddle.networks.base import PeerOffer
from huddle.rendezvous.client import dialing
from huddle.rendezvous.messages import Paired, Refused, unpack

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


@asynccontextmanager
async def paired(
    url: str, peer: PeerOffer, label: bytes, what: str, *, within: float
) -> AsyncIterator[dialing.Connection]:
    """Meet that peer at the rendezvous `url`, where it must come within so many seconds.

    `label` names the channel, `what` is the network's name for people.
    """
    channel = hkdf(peer.secret, label, length=16).hex()
    side = "a" if peer.lower else "b"
    host = dialing.host_of(url)
    address = dialing.websocket_url(url, f"/v1/relay/{channel}?side={side}")
    try:
        socket = await dialing.reach(address, within=within)
    except dialing.LOST as error:
        raise NetworkError(
            f"The rendezvous {host} can't be reached, where {what}'s candidates are told: "
            f"{dialing.reason_of(error)}.",
            hint="Is the rendezvous still running?",
        ) from error
    try:
        await _wait(socket, peer, host, what, within)
        yield socket
    finally:
        await socket.close()


async def _wait(socket: dialing.Connection, peer: PeerOffer, host: str, what: str, within: float) -> None:
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
            f"The rendezvous {host} ended the exchange of {what}'s candidates with {peer.name}.",
            hint="It is tried again.",
        ) from error
    if isinstance(answer, Refused):
        refused = dialing.refused(answer)
        raise NetworkError(refused.message, hint=refused.hint)
