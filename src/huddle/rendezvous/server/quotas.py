"""What each network uses of a rendezvous: its connections, rooms and channels, and how fast.

An IPv4 address is a network by itself. An IPv6 address counts in three, each within the next: one machine has
a /64 to choose from, a household a /56 and a site a /48, and whoever has the larger one has all the smaller
ones in it. The larger may use twice and four times what a /64 may, so that neighbours are not one client.

It must not know about sockets, messages or what a refusal says.
"""

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from huddle.rendezvous.limits import Bucket, ServerLimits

Rate = Literal["opens", "requests", "messages", "lookups", "bytes", "passwords"]
Thing = Literal["sockets", "pending", "connections", "channels"]
_PREFIXES = ((64, 1), (56, 2), (48, 4))


def networks_of(host: str) -> tuple[tuple[str, int], ...]:
    """The networks that a client counts in, with their factors; text that is no address stands for itself."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return ((host[:64], 1),)
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return ((str(address.ipv4_mapped), 1),)
        bits = int(address)
        return tuple(
            (str(ipaddress.ip_network((bits >> (128 - length) << (128 - length), length))), factor)
            for length, factor in _PREFIXES
        )
    return ((str(address), 1),)


def _rates(limits: ServerLimits, factor: int, now: float) -> dict[Rate, Bucket]:
    per_minute: dict[Rate, int] = {
        "opens": limits.opens_per_minute,
        "requests": limits.requests_per_minute,
        "messages": limits.messages_per_minute,
        "lookups": limits.lookups_per_minute,
        "bytes": limits.bytes_per_minute,
        "passwords": limits.turn_per_minute,
    }
    return {rate: Bucket(most * factor, now) for rate, most in per_minute.items()}


@dataclass(slots=True)
class NetworkUsage:
    """What one network uses."""

    name: str
    factor: int
    rates: dict[Rate, Bucket]
    counts: dict[Thing, int] = field(default_factory=dict)
    rooms: dict[bytes, int] = field(default_factory=dict)  # bytes in each room that it made
    room_bytes: int = 0

    def idle(self, now: float) -> bool:
        """Whether it may be forgotten."""
        in_use = self.rooms or any(self.counts.values())
        return not in_use and all(bucket.full(now) for bucket in self.rates.values())


class ClientQuota:
    """One client's share, counted in each of its networks."""

    def __init__(self, usages: tuple[NetworkUsage, ...]) -> None:
        self.usages = usages

    def __iter__(self) -> Iterator[NetworkUsage]:
        return iter(self.usages)

    @property
    def name(self) -> str:
        """The smallest of its networks."""
        return self.usages[0].name

    def has(self, thing: Thing) -> int:
        """How many its smallest network has."""
        return self.usages[0].counts.get(thing, 0)

    def fits(self, thing: Thing, most: int) -> bool:
        """Whether each network has fewer than its factor times `most`."""
        return all(one.counts.get(thing, 0) < most * one.factor for one in self)

    def add(self, thing: Thing, count: int) -> None:
        """Count so many more, or fewer."""
        for one in self:
            one.counts[thing] = one.counts.get(thing, 0) + count

    def take(self, rate: Rate, amount: float, now: float) -> float:
        """Take tokens, into debt if need be; the seconds until no network is in debt."""
        return max(one.rates[rate].take(amount, now) for one in self)

    def spend(self, rate: Rate, now: float) -> float:
        """Take one token, or none where there is none; then the seconds until there is one."""
        wait = self.take(rate, 1, now)
        if wait:
            for one in self:
                one.rates[rate].put_back(1)
        return wait

    # Rooms that it made

    def may_make_room(self, most: int) -> bool:
        """Whether each network has room for one more."""
        return all(len(one.rooms) < most * one.factor for one in self)

    def may_add_bytes(self, size: int, most: int) -> bool:
        """Whether so many more bytes fit into the rooms of each network."""
        return all(one.room_bytes + size <= most * one.factor for one in self)

    def set_room(self, room: bytes, size: int) -> None:
        """The room, which it made, holds so many bytes."""
        for one in self:
            one.room_bytes += size - one.rooms.get(room, 0)
            one.rooms[room] = size

    def drop_room(self, room: bytes) -> None:
        """The room is no more."""
        for one in self:
            one.room_bytes -= one.rooms.pop(room, 0)


class Quotas:
    """All networks that use anything."""

    def __init__(self, limits: ServerLimits) -> None:
        self._limits = limits
        self._usages: dict[str, NetworkUsage] = {}

    def __len__(self) -> int:
        return len(self._usages)

    def of(self, host: str, now: float) -> ClientQuota:
        """The quota of a client at this address."""
        return ClientQuota(tuple(self._usage(name, factor, now) for name, factor in networks_of(host)))

    def sweep(self, now: float) -> None:
        """Forget the networks that use nothing."""
        for name in [name for name, usage in self._usages.items() if usage.idle(now)]:
            del self._usages[name]

    def _usage(self, name: str, factor: int, now: float) -> NetworkUsage:
        usage = self._usages.get(name)
        if usage is None:
            usage = self._usages[name] = NetworkUsage(name, factor, _rates(self._limits, factor, now))
        return usage
