"""The part of an end: a key made here, and what the person's WireGuard app needs to know.

There are no sockets: the app has them. The private key is made here and leaves only in the configuration
that the person takes. Works in a browser.
"""

from collections.abc import Sequence
from ipaddress import IPv6Address

from huddle.errors import NetworkError
from huddle.networks import outsiders
from huddle.networks.base import PeerOffer
from huddle.networks.outsiders import Ports, Roles, Tell
from huddle.networks.plain import config as plain_config
from huddle.networks.plain import offers
from huddle.networks.plain.forwarded_ports import ForwardedPorts
from huddle.networks.plain.offers import PlainPeer
from huddle.networks.wireguard.keys import Key, address


class PlainOutsider:
    """See `huddle.networks.outsiders.OutsiderPart`."""

    network = offers.NETWORK
    role = outsiders.END

    def __init__(self, key: Key) -> None:
        self._key = key
        self._own = -1
        self._peers: dict[int, PlainPeer] = {}
        self._roles: Roles = {}
        self._ports = ForwardedPorts()

    async def open(self) -> None:
        """There is nothing to open."""

    def offer(self) -> bytes:
        """This party's key."""
        return offers.encoded(True, self._key.public, None)

    async def start(self, own: int, peers: Sequence[PeerOffer], roles: Roles, tell: Tell) -> None:
        """Take the peers' keys, and wait for the ports of who forwards."""
        self._own, self._roles = own, roles
        self._peers = offers.all_known(self._key.public, peers, roles)
        by = outsiders.forwarder(roles)
        if by is None or not any(outsiders.through(roles, own, pid) for pid in self._peers):
            return
        await self._ports.wait_for(by, self._peers[by].name)

    def forwarded(self, pid: int, ports: Ports) -> None:
        """That peer says by which of its ports it forwards."""
        self._ports.tell(pid, ports)

    def configuration(self) -> str:
        """The file for the app; raises NetworkError where a peer is reached by nothing."""
        reached = [
            plain_config.ReachablePeer(peer, self._endpoint(pid)) for pid, peer in sorted(self._peers.items())
        ]
        return plain_config.configuration(self._own, self._key.private, self._key.public, reached)

    @property
    def addresses(self) -> dict[int, IPv6Address]:
        """All parties' addresses, by pid."""
        keys = {pid: peer.public for pid, peer in self._peers.items()} | {self._own: self._key.public}
        return {pid: address(key) for pid, key in keys.items()}

    async def close(self) -> None:
        """Forget the key."""
        self._key = Key(b"", self._key.public)

    def _endpoint(self, pid: int) -> tuple[str, int]:
        where = self._peers[pid].where
        by = outsiders.forwarder(self._roles)
        if where is None and by is not None:
            there, port = self._peers[by].where, self._ports.of(by).get(pid)
            where = (there[0], port) if there is not None and port else None
        if where is None:
            name = self._peers[pid].name
            raise NetworkError(f"Nothing leads to {name}: whoever forwards named no port.", hint="Try again.")
        return where
