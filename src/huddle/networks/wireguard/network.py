"""The network `wireguard`: a tunnel to each peer that nobody configures, and TCP through it.

Each party makes a WireGuard key for the session; the sealed offer carries it, and the addresses in the
tunnels follow from the keys (`keys`). When the two dial, each takes a UDP port, asks the
rendezvous's STUN server how it looks from outside, and tells the peer through a channel of the
rendezvous, sealed with the pair's secret; small packets find a way through the routers between
(`path_checks`), and WireGuard takes over that very port. Its preshared key comes from the pair's
secret too. The wire's keys are the two WireGuard keys, which the link proof binds.

    offer = version U8 | public key (32 bytes)      (`Offer`)

Who makes the interfaces is said in `maker`.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Annotated

from huddle.codec import U8, DecodeError, Fixed, decode, encode
from huddle.errors import HuddleError, NetworkError, PeerError
from huddle.identity.crypto import Crypto
from huddle.identity.kdf import hkdf
from huddle.links.wire import Wire
from huddle.networks.base import Accepted, PeerOffer
from huddle.networks.wireguard.keys import KEY, Key
from huddle.networks.wireguard.maker import InterfaceMaker, LocalMaker
from huddle.networks.wireguard.peer import WireGuardPeer
from huddle.networks.wireguard.tunnel import Accepted as TunnelAccepted
from huddle.networks.wireguard.tunnel import Tunnel
from huddle.rendezvous.client import dialing
from huddle.rendezvous.ice import ask

VERSION = 1
_ASK = 5.0  # seconds for the rendezvous to name its STUN server
_FAREWELL = 1.0  # seconds that closed wires have to hand over their last bytes when the network closes
_SHARED_LABEL = b"huddle/1 wireguard shared key"


@dataclass(frozen=True, slots=True)
class Offer:
    """This party's WireGuard key; `version` is that of the signals."""

    version: U8
    public: Annotated[bytes, Fixed(KEY)]


class WireGuardNetwork:
    """One party's part in the network; see `huddle.networks.base.Network`.

    `url` is the rendezvous's. `loopback` offers loopback addresses too. `notice` is told of what a killed
    session had left here. `maker` makes the interfaces.
    """

    name = "wireguard"

    def __init__(
        self,
        url: str,
        crypto: Crypto,
        *,
        loopback: bool = False,
        notice: Callable[[str], None] = lambda _: None,
        maker: InterfaceMaker | None = None,
    ) -> None:
        self._url = url
        self._crypto = crypto
        self._loopback = loopback
        self._notice = notice
        self._key = Key.fresh()
        self._maker = maker or LocalMaker()
        self._peers: dict[int, WireGuardPeer] = {}
        self._stun_port: int | None = None
        self._asking = asyncio.Lock()
        self._closed = False

    def __repr__(self) -> str:
        return f"<WireGuardNetwork {dialing.host_of(self._url)}, {list(self._peers.values())!r}>"

    async def open(self) -> None:
        """See which WireGuard there is, and remove what dead sessions left; raises NetworkError."""
        removed = await self._maker.open()
        if removed:
            self._notice(removed)

    def offer(self) -> bytes:
        """This party's key."""
        return encode(Offer(VERSION, self._key.public))

    def begin(self, peers: tuple[PeerOffer, ...], accepted: Accepted) -> None:
        """Take the peers' keys; tunnels are made when somebody dials.

        Raises PeerError for an offer that is none.
        """
        taken = {self._key.public}
        for peer in peers:
            public = _public_key(peer)
            if public in taken:
                raise PeerError(
                    f"{peer.name} offers a WireGuard key that is another party's",
                    peer=peer.name,
                    hint="Start a new session without them.",
                )
            taken.add(public)
            self._peers[peer.pid] = WireGuardPeer(
                self._url,
                peer,
                self._crypto,
                self._stun,
                partial(self._tunnel, peer, public),
                accepted,
                loopback=self._loopback,
            )

    async def dial(self, pid: int, run: int) -> Wire:
        """One attempt: through the tunnel that there is, or a new one, to which the peer must come too."""
        peer = self._peers.get(pid)
        if peer is None or self._closed:
            raise NetworkError(
                f"Party {pid} has no WireGuard.",
                hint="Choose --network wireguard at all parties, or auto at all.",
            )
        return await peer.wire(run)

    async def close(self) -> None:
        """Take all tunnels down; what closed wires have still to send gets a moment."""
        self._closed = True
        await asyncio.gather(*(peer.close(_FAREWELL) for peer in self._peers.values()))

    def _tunnel(self, peer: PeerOffer, public: bytes, take: TunnelAccepted) -> Tunnel:
        shared = hkdf(peer.secret, _SHARED_LABEL)
        return Tunnel(self._maker, self._key, shared, peer, public, take)

    async def _stun(self) -> tuple[str, int] | None:
        """Where STUN is, as the rendezvous says; None where it does not."""
        async with self._asking:
            if self._stun_port is None:
                try:
                    self._stun_port = (await ask(self._url, within=_ASK)).stun
                except HuddleError:
                    return None
        return (dialing.hostname_of(self._url), self._stun_port) if self._stun_port else None


def _public_key(peer: PeerOffer) -> bytes:
    try:
        offer = decode(Offer, peer.offer)
        if offer.version != VERSION:
            raise DecodeError(f"version {offer.version}")
    except DecodeError as error:
        raise peer.refused("the network wireguard", error) from error
    return offer.public
