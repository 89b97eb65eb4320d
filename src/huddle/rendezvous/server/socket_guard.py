"""Which TCP sockets a rendezvous keeps: counted from the moment they are accepted, before TLS and HTTP.

A socket is *pending* until it is a WebSocket. Pending ones are cheap to open and to hold, so that each
network may have few, and where all together are many a new one ends the oldest: an honest client is a
WebSocket within moments. It must not know what is said on a socket.
"""

import ipaddress
from asyncio import Transport
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from huddle.rendezvous.limits import ServerLimits
from huddle.rendezvous.server.quotas import ClientQuota, Quotas


class Proxies:
    """The proxies whose word on a client's address is believed: addresses, networks, or `*` for all."""

    def __init__(self, trusted: Iterable[str]) -> None:
        self._all = "*" in trusted
        self._networks = [network for text in trusted if (network := _network(text)) is not None]

    def trusts(self, host: str) -> bool:
        """Whether this address is one of them."""
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return self._all
        return self._all or any(address in network for network in self._networks)


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None


@dataclass(slots=True)
class _Socket:
    quota: ClientQuota | None  # None for a proxy's, whose clients count by themselves
    pending: bool = True


class SocketGuard:
    """All sockets of one rendezvous."""

    def __init__(
        self, limits: ServerLimits, quotas: Quotas, clock: Callable[[], float], trusted: Iterable[str]
    ) -> None:
        self._limits = limits
        self._quotas = quotas
        self._clock = clock
        self._proxies = Proxies(tuple(trusted))
        self._sockets: dict[Transport, _Socket] = {}
        self._pending: dict[Transport, None] = {}  # the oldest first

    def __repr__(self) -> str:
        return f"<SocketGuard {len(self._sockets)} sockets, {len(self._pending)} pending>"

    @property
    def counts(self) -> tuple[int, int]:
        """How many sockets there are, and how many of them are pending."""
        return len(self._sockets), len(self._pending)

    def enter(self, transport: Transport) -> bool:
        """Count a socket that was accepted; False where it must be dropped."""
        peer = transport.get_extra_info("peername")
        host = str(peer[0]) if isinstance(peer, tuple) and peer else ""
        quota = None if self._proxies.trusts(host) else self._quotas.of(host, self._clock())
        limits = self._limits
        if quota is not None:
            fits = quota.fits("sockets", limits.sockets_per_address)
            if not fits or not quota.fits("pending", limits.pending_per_address):
                return False
        if len(self._pending) >= limits.pending or len(self._sockets) >= limits.sockets:
            if not self._pending:
                return False
            oldest = next(iter(self._pending))
            self.leave(oldest)
            oldest.abort()
        self._sockets[transport] = _Socket(quota)
        self._pending[transport] = None
        if quota is not None:
            quota.add("sockets", 1)
            quota.add("pending", 1)
        return True

    def replace(self, old: Transport, new: Transport) -> bool:
        """A socket speaks TLS now, and has another transport; False where it was dropped meanwhile."""
        if old not in self._sockets:
            return False
        self._sockets[new] = self._sockets.pop(old)
        if self._pending.pop(old, 0) is None:
            self._pending[new] = None
        return True

    def became_websocket(self, transport: Transport) -> None:
        """The socket is no longer pending."""
        socket = self._sockets.get(transport)
        if socket is not None and socket.pending:
            self._settle(transport, socket)

    def leave(self, transport: Transport) -> None:
        """The socket is gone; a second time does nothing."""
        socket = self._sockets.pop(transport, None)
        if socket is None:
            return
        if socket.pending:
            self._settle(transport, socket)
        if socket.quota is not None:
            socket.quota.add("sockets", -1)

    def _settle(self, transport: Transport, socket: _Socket) -> None:
        socket.pending = False
        self._pending.pop(transport, None)
        if socket.quota is not None:
            socket.quota.add("pending", -1)
