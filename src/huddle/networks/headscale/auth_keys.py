"""How the host hands each guest its auth key: a relay channel for a moment, sealed for that guest.

    channel = 16 bytes of HKDF(the pair's secret, "huddle/1 headscale channel")
    message = nonce (12 bytes) ‖ AES-256-GCM(key, nonce, `AuthKeyGrant`)
    key     = HKDF(the pair's secret, "huddle/1 headscale grant")

One message goes from the host to the guest, who closes the channel when it has it. Whoever passes it on can
repeat it to the same guest at most: it says the same then, and an auth key is good once.
"""

import asyncio
import re
from dataclasses import dataclass
from typing import Annotated

from huddle.codec import DecodeError, Limit, decode, encode
from huddle.errors import NetworkError
from huddle.identity.crypto import Crypto, InvalidSeal
from huddle.identity.kdf import hkdf
from huddle.networks.base import PeerOffer
from huddle.networks.pairing import paired
from huddle.rendezvous.client import dialing

_CHANNEL = b"huddle/1 headscale channel"
_KEY = b"huddle/1 headscale grant"
MAX_CERTIFICATE = 8_192  # bytes; more than any with its chain
_NONCE = 12
_URL = re.compile(r"https?://[A-Za-z0-9.\-_\[\]:]+(/[A-Za-z0-9.\-_/~%]*)?")
_TAG = re.compile(r"[0-9a-f]{12}")
_MEET = 20.0  # seconds for the other one to come, in one attempt
_TAKEN = 10.0  # seconds for the guest to have it
_AGAIN = 1.0


@dataclass(frozen=True, slots=True)
class AuthKeyGrant:
    """What a guest comes in with, or why it can't: `tag` is the session's in that Headscale.

    `certificate` (PEM) is its server's, where no authority vouches for it; else empty.
    """

    url: Annotated[str, Limit(1024)]
    key: Annotated[str, Limit(512)]
    tag: Annotated[str, Limit(32)]
    refused: Annotated[str, Limit(512)]
    certificate: Annotated[str, Limit(MAX_CERTIFICATE)] = ""


async def give(url: str, peer: PeerOffer, crypto: Crypto, grant: AuthKeyGrant) -> None:
    """Hand it to that guest, however long that one takes to come; cancelled, it leaves nothing."""
    nonce = crypto.random(_NONCE)
    message = nonce + crypto.seal(hkdf(peer.secret, _KEY), nonce, encode(grant), b"")
    while True:
        try:
            async with paired(url, peer, _CHANNEL, within=_MEET) as socket:
                await socket.send(message)
                async with asyncio.timeout(_TAKEN):
                    await socket.wait_closed()
                return
        except (NetworkError, TimeoutError, *dialing.LOST):
            await asyncio.sleep(_AGAIN)


async def take(url: str, peer: PeerOffer, crypto: Crypto) -> AuthKeyGrant:
    """The grant of the host `peer`, however long it takes; NetworkError where it is none."""
    while True:
        try:
            async with paired(url, peer, _CHANNEL, within=_MEET) as socket:
                async with asyncio.timeout(_TAKEN):
                    message = await socket.recv(decode=False)
                break
        except (NetworkError, TimeoutError, *dialing.LOST):
            await asyncio.sleep(_AGAIN)
    try:
        plain = crypto.open(hkdf(peer.secret, _KEY), message[:_NONCE], message[_NONCE:], b"")
        grant = decode(AuthKeyGrant, plain)
        # Both end up among the arguments of a process.
        if not grant.refused and not (_URL.fullmatch(grant.url) and _TAG.fullmatch(grant.tag)):
            raise DecodeError("a server or a session that is none")
        return grant
    except (InvalidSeal, DecodeError) as error:
        raise NetworkError(
            f"What came in {peer.name}'s name for headscale can't be meant: {error}.",
            hint="Let all parties use the same version of Huddle, or another rendezvous.",
        ) from error
