"""One attempt at a tunnel to a peer: a fresh UDP port, a way from it, WireGuard on it, a handshake.

Both come to a channel of the rendezvous, tell each other where the port may be reached, and try
(`path_checks`); then WireGuard takes the port over at both ends. It ends with a tunnel that stands,
or with a NetworkError that says what was tried. Cancelled, it leaves nothing.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from huddle.codec import DecodeError
from huddle.errors import NetworkError
from huddle.identity.crypto import Crypto
from huddle.networks.base import PeerOffer
from huddle.networks.pairing import paired
from huddle.networks.reach import addresses
from huddle.networks.wireguard.keys import owner_of
from huddle.networks.wireguard.path_checks import ChosenPath, PathChecks
from huddle.networks.wireguard.port import Port
from huddle.networks.wireguard.signals import (
    ATTEMPT,
    MAX_CANDIDATES,
    Chosen,
    TunnelSignal,
    TunnelSignals,
    UdpCandidate,
    checks_key,
)
from huddle.networks.wireguard.tunnel import Tunnel
from huddle.rendezvous.client import dialing

MEET = 15.0  # seconds for the peer to come, and then to say where it is
CHECKS = 5.0  # seconds for a way to be found: fifty packets in each direction
READY = 8.0  # seconds for the peer's end of the tunnel to stand

_LABEL = b"huddle/1 wireguard channel"


class TunnelAttempt:
    """One attempt; `stun` is the STUN server's host and port, if there is one."""

    def __init__(
        self, peer: PeerOffer, crypto: Crypto, stun: tuple[str, int] | None, *, loopback: bool
    ) -> None:
        self._peer = peer
        self._crypto = crypto
        self._stun = stun
        self._loopback = loopback
        self._mine: Sequence[UdpCandidate] = ()
        self._theirs: Sequence[UdpCandidate] = ()

    async def run(self, url: str, tunnel: Tunnel) -> None:
        """Bring that tunnel up, by way of the rendezvous `url`; it is closed where that fails."""
        port = Port(self._crypto.random)
        preparing = asyncio.create_task(tunnel.prepare())
        try:
            try:
                await port.open()
                self._mine = await self._candidates(port)
                async with paired(url, self._peer, _LABEL, within=MEET) as socket:
                    talk = _Talk(socket, TunnelSignals(self._crypto, self._peer), self._peer.name)
                    way = await self._way(talk, port)
                    await port.close()
                    await preparing
                    await talk.tell(TunnelSignal(ready=await tunnel.open(port.number, way)))
                    ready = await talk.ready()
                    await tunnel.shake_hands(ready, begin=self._peer.lower)
            finally:
                await port.close()
        except BaseException:
            # An interface that is being made can't be given up in the middle.
            await asyncio.gather(preparing, return_exceptions=True)
            await tunnel.close()
            raise

    async def _candidates(self, port: Port) -> Sequence[UdpCandidate]:
        """Where the port is: this machine's addresses, and how STUN sees it where that is another one."""
        local = [one for one in addresses.local_addresses() if owner_of(one.interface) is None]
        own = [
            UdpCandidate(host, port.number, 0) for host in addresses.offerable(local, loopback=self._loopback)
        ]
        seen = await port.seen(*self._stun) if self._stun else []
        here = {(one.host, one.port) for one in own}
        outside = [UdpCandidate(host, number, 1) for host, number in seen if (host, number) not in here]
        return [*own[: MAX_CANDIDATES - len(outside)], *outside]

    async def _way(self, talk: "_Talk", port: Port) -> ChosenPath:
        """Tell and hear candidates, and find the way."""
        attempt = self._crypto.random(ATTEMPT)
        await talk.tell(TunnelSignal(attempt, tuple(self._mine)))
        first = await talk.first()
        self._theirs = first.candidates
        key = checks_key(self._peer, attempt, first.attempt)
        checks = PathChecks(key, self._peer.lower, self._theirs, self._crypto.random)
        try:
            async with asyncio.timeout(CHECKS):
                chosen, way = await port.way(checks, talk.chosen)
        except TimeoutError:
            raise self._failed() from None
        if chosen is not None:
            await talk.tell(TunnelSignal(chosen=chosen))
        return way

    def _failed(self) -> NetworkError:
        stun = [any(one.kind == 1 for one in side) for side in (self._mine, self._theirs)]
        if all(stun):
            hint = (
                "Both of you are behind routers, and no hole can be punched through them: they take "
                "another port for each destination, or pass no UDP. Use --network relay, or webrtc with "
                "a TURN server."
            )
        elif any(stun):
            hint = "One of you lets no UDP in: open it there, or use the network relay."
        else:
            hint = "No STUN server answered, or UDP is blocked; the network relay works without."
        return NetworkError(
            f"{self._peer.name} can't be reached by WireGuard: nothing came through. "
            f"Tried from {_listed(self._mine)}; to {_listed(self._theirs)}.",
            hint=hint,
        )


class _Talk:
    """The channel's messages, read as they come."""

    def __init__(self, socket: dialing.RendezvousConnection, signals: TunnelSignals, name: str) -> None:
        self._socket = socket
        self._signals = signals
        self._name = name
        self.chosen: asyncio.Future[Chosen] = asyncio.get_running_loop().create_future()
        self._heard: asyncio.Queue[TunnelSignal | NetworkError] = asyncio.Queue()
        self._reading = asyncio.create_task(self._read())

    async def tell(self, signal: TunnelSignal) -> None:
        with suppress(*dialing.LOST):  # its end is heard
            await self._socket.send(self._signals.seal(signal))

    async def first(self) -> TunnelSignal:
        signal = await self._next(MEET)
        if not signal.attempt:
            raise self._strange("it does not begin as it must")
        return signal

    async def ready(self) -> int:
        return (await self._next(READY)).ready

    async def _next(self, within: float) -> TunnelSignal:
        try:
            async with asyncio.timeout(within):
                heard = await self._heard.get()
        except TimeoutError:
            raise NetworkError(
                f"{self._name} came to the rendezvous and said nothing more.", hint="It is tried again."
            ) from None
        if isinstance(heard, NetworkError):
            raise heard
        return heard

    async def _read(self) -> None:
        try:
            while True:
                signal = self._signals.open(await self._socket.recv(decode=False))
                if signal.chosen is None:
                    self._heard.put_nowait(signal)
                elif not self.chosen.done():
                    self.chosen.set_result(signal.chosen)
        except DecodeError as error:
            self._end(self._strange(str(error)))
        except dialing.LOST:
            self._end(NetworkError(f"{self._name} has given this attempt up.", hint="It is tried again."))

    def _end(self, error: NetworkError) -> None:
        self._heard.put_nowait(error)
        if not self.chosen.done():
            self.chosen.set_exception(error)
            self.chosen.exception()  # nobody need ask for it

    def _strange(self, why: str) -> NetworkError:
        return NetworkError(
            f"What came in {self._name}'s name for WireGuard can't be meant: {why}.",
            hint="Let all parties use the same version of Huddle, or another rendezvous.",
        )


def _listed(candidates: Sequence[UdpCandidate]) -> str:
    return ", ".join(map(str, candidates)) or "no address"
