"""One peer of the network `wireguard`: its tunnel, made when a wire is wanted, and made anew when it is dead.

All dials of one time share an attempt and its tunnel. A tunnel lasts until the session ends or nothing
comes through it any more; each attempt has an interface and a UDP port of its own.
"""

import asyncio
from collections.abc import Awaitable, Callable

from huddle.errors import NetworkError
from huddle.identity.crypto import Crypto
from huddle.links.wire import Wire
from huddle.networks.attempts import SharedAttempt
from huddle.networks.base import PeerOffer
from huddle.networks.wireguard.attempt import TunnelAttempt
from huddle.networks.wireguard.tunnel import Accepted, Tunnel

REVERSAL = 0.1  # seconds by which the lower pid is ahead in dialling

Stun = Callable[[], Awaitable[tuple[str, int] | None]]
MakeTunnel = Callable[[Accepted], Tunnel]


class WireGuardPeer:
    """The tunnels to one peer; `make` makes one that is still to be brought up."""

    def __init__(
        self,
        url: str,
        peer: PeerOffer,
        crypto: Crypto,
        stun: Stun,
        make: MakeTunnel,
        accepted: Callable[[int, int, Wire], None],
        *,
        loopback: bool,
    ) -> None:
        self._url = url
        self._peer = peer
        self._crypto = crypto
        self._stun = stun
        self._make = make
        self._accepted = accepted
        self._loopback = loopback
        self._tunnel: Tunnel | None = None
        self._coming: Tunnel | None = None  # of the attempt that is under way
        self._attempt = SharedAttempt(self._connect, wanted=self._wanted)

    def __repr__(self) -> str:
        state = repr(self._tunnel) if self._tunnel else "connecting" if self._attempt.running else "apart"
        return f"<WireGuardPeer {self._peer.name}: {state}>"

    async def wire(self, run: int) -> Wire:
        """A wire for that run, through the tunnel that there is or a new one; raises NetworkError."""
        tunnel = self._tunnel
        if tunnel is not None:
            try:
                return await tunnel.dial(run)
            except ConnectionError:
                await self._drop(tunnel)
        tunnel = await self._attempt.outcome()
        if not self._peer.lower:
            await asyncio.sleep(REVERSAL)
        try:
            return await tunnel.dial(run)
        except ConnectionError as error:
            await self._drop(tunnel)
            raise NetworkError(
                f"The tunnel to {self._peer.name} was lost at once: {error}.", hint="It is tried again."
            ) from error

    async def close(self, within: float) -> None:
        """Take the tunnel down; what closed wires have still to send gets so many seconds."""
        await self._attempt.cancel()
        tunnel, self._tunnel = self._tunnel, None
        if tunnel is not None:
            await tunnel.close(within)

    async def _drop(self, tunnel: Tunnel) -> None:
        if self._tunnel is tunnel:
            self._tunnel = None
            await tunnel.close()

    async def _connect(self) -> Tunnel:
        self._coming = tunnel = self._make(lambda run, wire: self._accepted(self._peer.pid, run, wire))
        try:
            attempt = TunnelAttempt(self._peer, self._crypto, await self._stun(), loopback=self._loopback)
            await attempt.run(self._url, tunnel)
        finally:
            self._coming = None
        self._tunnel = tunnel
        return tunnel

    def _wanted(self) -> bool:
        """The peer, who may be ahead, uses it already: then its wire is what nobody waits for any more."""
        return self._coming is not None and self._coming.used
