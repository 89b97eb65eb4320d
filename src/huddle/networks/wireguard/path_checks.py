"""Which way gets through between two UDP ports: small packets there and back, until one pair is chosen.

Both ask each of the other's candidates again and again, which opens the routers between; an answer that
comes from where it was asked shows a way in both directions. Who asks from an address that nobody named
(a router that takes another port for each destination) is asked there too. The lower pid chooses and
says so elsewhere; the larger packets say what fits through.

    packet = "hwg1" ‖ kind U8: 1 ask, 2 answer ‖ check (8 bytes) ‖ zeros ‖ mac (16 bytes)
    mac    = the first 16 bytes of mac_fields(key, "huddle/1 wireguard check", sender's side, all before)

No socket, clock or random source: packets and `now` come in, packets go out.
"""

import ipaddress
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from huddle.identity.kdf import mac_fields, same
from huddle.networks.wireguard.signals import CHECK, Chosen, UdpCandidate

Where = tuple[str, int]
Send = tuple[bytes, Where]

SIZES = (1500, 1400)  # of packets that are tried, with IP's header; what fails all of them has 1280
LEAST = 1280  # what every IPv6 path carries (RFC 8200)
EVERY = 0.1  # seconds between two rounds
SETTLE = 0.3  # seconds from the first way found until one is chosen: a nearer one may still come

_MAGIC = b"hwg1"
_ASK, _ANSWER = 1, 2
_MAC = 16
_SMALL = len(_MAGIC) + 1 + CHECK + _MAC
_LABEL = b"huddle/1 wireguard check"
_MOST_WHERE = 32  # candidates, and addresses that ask from elsewhere
_MOST_ASKED = 8192  # packets of one attempt, more than its rounds make


@dataclass(frozen=True, slots=True)
class ChosenPath:
    """Where the peer is reached, and the largest packet that got there and back."""

    where: Where
    size: int


@dataclass(slots=True)
class _Found:
    rank: int
    check: bytes
    size: int


def headers(host: str) -> int:
    """The bytes of IP's and UDP's headers towards that address."""
    return 48 if ":" in host else 28


class PathChecks:
    """One attempt's checks, at one end; `lower`: this party's pid is the lower one."""

    def __init__(
        self, key: bytes, lower: bool, candidates: Sequence[UdpCandidate], random: Callable[[int], bytes]
    ) -> None:
        self._key = key
        self._sides = (b"a", b"b") if lower else (b"b", b"a")
        self._random = random
        # In the order of preference: the peer's own addresses first.
        self._where = [(one.host, one.port) for one in sorted(candidates, key=lambda one: one.kind)]
        self._asked: dict[bytes, tuple[Where, int]] = {}
        self._heard: dict[bytes, Where] = {}
        self._found: dict[Where, _Found] = {}
        self._first: float | None = None
        self._next = 0.0

    def rounds(self, now: float) -> list[Send]:
        """What to send now; empty until the next round is due."""
        if now < self._next:
            return []
        self._next = now + EVERY
        sent = [self._ask(where, _SMALL) for where in self._where]
        for where in self._found:
            sent += [self._ask(where, size - headers(where[0])) for size in SIZES]
        return sent

    def receive(self, packet: bytes, source: Where, now: float) -> list[Send]:
        """Take a packet; what to answer. One that is not the peer's of this attempt is nothing."""
        mac = packet[-_MAC:]
        if (
            len(packet) < _SMALL
            or not packet.startswith(_MAGIC)
            or not same(mac, self._mac(self._sides[1], packet[:-_MAC]))
        ):
            return []
        kind, check = packet[4], packet[5 : 5 + CHECK]
        if kind == _ASK:
            return self._was_asked(check, source, len(packet))
        if kind == _ANSWER:
            self._was_answered(check, source, now)
        return []

    def chosen(self, now: float) -> tuple[Chosen, ChosenPath] | None:
        """At the lower pid: what to tell the peer, and the way, once it is time."""
        if self._first is None or now < self._first + SETTLE:
            return None
        where, best = min(self._found.items(), key=lambda item: item[1].rank)
        size = max(best.size, LEAST)
        return Chosen(best.check, size), ChosenPath(where, size)

    def told(self, chosen: Chosen) -> ChosenPath | None:
        """At the higher pid: the way that the peer has chosen; None where its check never came here."""
        where = self._heard.get(chosen.check)
        return None if where is None else ChosenPath(where, max(LEAST, min(chosen.size, max(SIZES))))

    def _ask(self, where: Where, size: int) -> Send:
        check = self._random(CHECK)
        if len(self._asked) < _MOST_ASKED:
            self._asked[check] = (where, size)
        return self._packet(_ASK, check, size), where

    def _was_asked(self, check: bytes, source: Where, size: int) -> list[Send]:
        if len(self._heard) < _MOST_ASKED:
            self._heard[check] = source
        if source not in self._where and len(self._where) < _MOST_WHERE:
            self._where.append(source)
        return [(self._packet(_ANSWER, check, size), source)]

    def _was_answered(self, check: bytes, source: Where, now: float) -> None:
        where, size = self._asked.get(check, (None, 0))
        if where is None or _plain(source) != _plain(where):
            return
        found = self._found.get(where)
        if found is None:
            found = self._found[where] = _Found(self._where.index(where), check, 0)
        if size > _SMALL:
            found.size = max(found.size, size + headers(where[0]))
        if self._first is None:
            self._first = now
            self._next = now  # the larger packets at once

    def _packet(self, kind: int, check: bytes, size: int) -> bytes:
        before = _MAGIC + bytes([kind]) + check + bytes(size - _SMALL)
        return before + self._mac(self._sides[0], before)

    def _mac(self, side: bytes, before: bytes) -> bytes:
        return mac_fields(self._key, _LABEL, side, before)[:_MAC]


def _plain(where: Where) -> Where:
    return str(ipaddress.ip_address(where[0].partition("%")[0])), where[1]
