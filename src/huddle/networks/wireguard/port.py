"""A UDP port before WireGuard has it: how it looks from outside, and which way leads from it to a peer.

What routers open is for this very port, so WireGuard takes it over as soon as a way is found. It is
bound for IPv4 and IPv6, as WireGuard's own is. What the packets say is in `path_checks` and
`huddle.rendezvous.stun`.
"""

import asyncio
import errno
import socket
import sys
from collections.abc import Callable
from contextlib import suppress

from huddle.errors import NetworkError
from huddle.networks.reach import udp
from huddle.networks.wireguard.path_checks import EVERY, ChosenPath, PathChecks, Where
from huddle.networks.wireguard.signals import Chosen
from huddle.rendezvous import stun
from huddle.tasks import joined

_ATTEMPTS = 8  # at a port that is free in IPv4 and IPv6
_TIMES = (0.0, 0.25, 0.5, 1.0)  # of a request to STUN: any of them, or an answer, may be lost
_PATIENCE = 2.0  # seconds for STUN to answer
_TRANSACTION = 12

# linux/in.h and in6.h: never cut a packet, and believe nobody about what fits through.
_DISCOVER = {socket.AF_INET: (socket.IPPROTO_IP, 10, 3), socket.AF_INET6: (socket.IPPROTO_IPV6, 23, 3)}


class Port:
    """One UDP port; `close` before WireGuard binds it."""

    def __init__(self, random: Callable[[int], bytes]) -> None:
        self._random = random
        self._loop = asyncio.get_running_loop()
        self._ends: dict[socket.AddressFamily, _End] = {}
        self._questions: dict[bytes, asyncio.Future[Where]] = {}
        self._checks: PathChecks | None = None
        self.number = 0

    async def open(self, number: int = 0) -> None:
        """Bind this port, 0: a free one; raises NetworkError."""
        sockets = bound(number)
        self.number = sockets[0].getsockname()[1]
        self._ends = {sock.family: _End(self._take) for sock in sockets}
        await udp.endpoints([(self._ends[sock.family], sock) for sock in sockets])

    async def close(self) -> None:
        """Let go of the port: when this returns, another may bind it."""
        ends = list(self._ends.values())
        self._ends.clear()
        await asyncio.gather(*(end.close() for end in ends))

    async def seen(self, host: str, port: int) -> list[Where]:
        """How that STUN server sees this port, by IPv4 and IPv6; nothing where it does not answer."""
        try:
            found = await self._loop.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
        except OSError:
            return []
        servers = {family: (str(where[0]), int(where[1])) for family, _, _, _, where in reversed(found)}
        asked = [self._ask(server) for family, server in servers.items() if family in self._ends]
        return [where for where in await asyncio.gather(*asked) if where is not None]

    async def way(
        self, checks: PathChecks, told: "asyncio.Future[Chosen]"
    ) -> tuple[Chosen | None, ChosenPath]:
        """Run these checks until a way is chosen: here, or by the peer, as `told`; for ever if need be."""
        self._checks = checks
        while True:
            now = self._loop.time()
            for packet, where in checks.rounds(now):
                self._send(packet, where)
            mine = checks.chosen(now)
            if mine is not None and not told.done():
                return mine
            with suppress(TimeoutError):
                chosen = await asyncio.wait_for(joined(told), EVERY / 4)
                way = checks.told(chosen)
                if way is None:
                    raise NetworkError("The peer has chosen a way that it never came.")
                return None, way

    async def _ask(self, server: Where) -> Where | None:
        transaction = self._random(_TRANSACTION)
        answer = self._questions[transaction] = self._loop.create_future()
        timers = [
            self._loop.call_later(delay, self._send, stun.request(transaction), server) for delay in _TIMES
        ]
        try:
            return await asyncio.wait_for(answer, _PATIENCE)
        except TimeoutError:
            return None
        finally:
            del self._questions[transaction]
            for timer in timers:
                timer.cancel()

    def _send(self, packet: bytes, where: Where) -> None:
        end = self._ends.get(socket.AF_INET6 if ":" in where[0] else socket.AF_INET)
        if end is not None:
            end.send(packet, where)

    def _take(self, packet: bytes, source: Where) -> None:
        answer = self._questions.get(packet[8 : 8 + _TRANSACTION])
        if answer is not None:
            where = stun.mapped(packet, packet[8 : 8 + _TRANSACTION])
            if where is not None and not answer.done():
                answer.set_result(where)
        elif self._checks is not None:
            for answered, where in self._checks.receive(packet, source, self._loop.time()):
                self._send(answered, where)


class _End(asyncio.DatagramProtocol):
    """The port in one of the two families."""

    def __init__(self, take: Callable[[bytes, Where], None]) -> None:
        self._take = take
        self._transport: asyncio.DatagramTransport | None = None
        self._gone = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # uvloop's is none by its type

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._take(data, (addr[0], addr[1]))

    def error_received(self, exc: Exception) -> None:
        """A packet that does not fit, or has no route: the next candidate may do better."""

    def send(self, packet: bytes, where: Where) -> None:
        if self._transport is not None:
            with suppress(OSError):
                self._transport.sendto(packet, where)

    def connection_lost(self, exc: Exception | None) -> None:
        self._gone.set()

    async def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()
            await self._gone.wait()


def bound(number: int) -> list[socket.socket]:
    """Sockets on that port, 0: a free one: IPv4, and IPv6 where this machine has it."""
    for _ in range(1 if number else _ATTEMPTS):
        sockets: list[socket.socket] = []
        try:
            for family, host in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):  # noqa: S104
                try:
                    sock = socket.socket(family, socket.SOCK_DGRAM)
                except OSError:
                    continue  # this machine knows no such family
                sockets.append(sock)
                _prepare(sock)
                sock.bind((host, sockets[0].getsockname()[1] if len(sockets) > 1 else number))
        except OSError as error:
            for sock in sockets:
                sock.close()
            if error.errno != errno.EADDRINUSE:
                raise NetworkError(f"This machine gives no UDP port: {error.strerror}.") from error
        else:
            return sockets
    if number:
        raise NetworkError(f"UDP port {number} is not free here.", hint="Choose another --port.")
    raise NetworkError("No UDP port is free in IPv4 and IPv6.", hint="It is tried again.")


def _prepare(sock: socket.socket) -> None:
    sock.setblocking(False)
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    if sys.platform == "linux":
        sock.setsockopt(*_DISCOVER[sock.family])
