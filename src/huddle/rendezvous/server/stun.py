"""The STUN server, on one UDP socket: it answers who asks, and is silent towards everything else.

Nothing is kept but a rate for each address: a sender's address may be forged, so nobody is sent many
answers. It knows nothing of rooms or sessions.
"""

import asyncio
from collections.abc import Callable
from typing import Any, cast

from huddle.rendezvous.limits import Bucket, ServerLimits
from huddle.rendezvous.server.metrics import Metrics
from huddle.rendezvous.server.quotas import networks_of
from huddle.rendezvous.stun import answer

_MAX_ADDRESSES = 65_536  # whose rates are kept: some megabytes


class StunServer(asyncio.DatagramProtocol):
    """Answers requests, so many of an address a minute, and of all together."""

    def __init__(self, limits: ServerLimits, clock: Callable[[], float], metrics: Metrics) -> None:
        self._limits = limits
        self._clock = clock
        self._metrics = metrics
        self._all = Bucket(limits.stun_per_minute, clock())
        self._rates: dict[str, Bucket] = {}
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """There is a socket."""
        self._transport = cast(asyncio.DatagramTransport, transport)  # uvloop's is none by its type

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        """Answer, unless its address, or all together, ask too often."""
        host, port = addr[:2]
        sent = answer(data, host, port) if self._allowed(host) else None
        self._metrics.stun.labels("answered" if sent else "dropped").inc()
        if sent and self._transport is not None:
            self._transport.sendto(sent, addr)

    def _allowed(self, host: str) -> bool:
        now = self._clock()
        networks = networks_of(host)
        if len(self._rates) + len(networks) > _MAX_ADDRESSES:
            self._rates = {known: one for known, one in self._rates.items() if not one.full(now)}
        if len(self._rates) + len(networks) > _MAX_ADDRESSES:
            return False
        buckets = [self._all]
        for name, factor in networks:
            bucket = self._rates.get(name)
            if bucket is None:
                bucket = self._rates[name] = Bucket(self._limits.stun_per_address * factor, now)
            buckets.append(bucket)
        waits = [bucket.take(1, now) for bucket in buckets]
        if any(waits):
            for bucket in buckets:
                bucket.put_back(1)
        return not any(waits)
