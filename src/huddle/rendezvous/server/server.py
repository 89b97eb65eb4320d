"""`RendezvousServer`: the rendezvous on sockets of this machine, inside the caller's event loop.

`huddle serve` runs one by itself; `huddle host` embeds one. It sets no signal handlers, prints
nothing, and configures no logging but for silencing uvicorn's, whose lines hold paths and addresses.
"""

import asyncio
import contextlib
import errno
import socket
import ssl
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from pathlib import Path

import uvicorn

from huddle.errors import LocalError
from huddle.rendezvous.ice import Turn
from huddle.rendezvous.limits import ServerLimits
from huddle.rendezvous.messages import MAX_MESSAGE
from huddle.rendezvous.server.app import create_app
from huddle.rendezvous.server.packages import Packages
from huddle.rendezvous.server.site import BuiltPage, find_site
from huddle.rendezvous.server.socket_guard import SocketGuard
from huddle.rendezvous.server.sockets import protocols
from huddle.rendezvous.server.store import Store
from huddle.rendezvous.server.stun import StunServer

_TRIES = 16  # to find one port, chosen by the system, that is free on every host address
_STOP = 1.0  # seconds for open connections to end by themselves

type _SockAddress = tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """How to run a rendezvous.

    `hosts` are addresses or names to listen on, "" for every IPv4 and IPv6 address; port 0 is any free one.
    `names` are those by which browsers may know it, beside its addresses and the machine's name: see
    `huddle.rendezvous.server.origins`. `pages` are the addresses of pages for browsers that others serve.
    `certificate` and `key` are PEM files. `trusted_proxies` are the
    addresses or networks whose X-Forwarded-For is believed. `database` is an SQLite file, None for memory.
    STUN is served on the UDP port of the same number where it is free, on `stun_hosts`, or on the same
    hosts if there are none; `turn` are the TURN servers that parties may use. `site` is the built page for
    browsers; None where there is none. `packages` is a directory of what programs in browsers may import,
    `package_source` the address where they may have all else.
    """

    hosts: tuple[str, ...] = ("127.0.0.1",)
    port: int = 0
    names: tuple[str, ...] = ()
    pages: tuple[str, ...] = ()
    certificate: Path | None = None
    key: Path | None = None
    trusted_proxies: tuple[str, ...] = ()
    database: Path | None = None
    stun_hosts: tuple[str, ...] = ()
    turn: Turn | None = None
    site: Path | None = field(default_factory=find_site)
    packages: Path | None = None
    package_source: str = ""
    log_addresses: bool = False
    limits: ServerLimits = field(default_factory=ServerLimits)
    clock: Callable[[], float] = time.time


class _Uvicorn(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        # Ctrl-C is the business of whoever owns the loop.
        yield


class RendezvousServer:
    """A rendezvous that runs between `start` and `stop`, or as an asynchronous context manager."""

    def __init__(self, config: ServerConfig) -> None:
        self.config = config
        self.port = 0
        self._server: _Uvicorn | None = None
        self._serving: asyncio.Task[None] | None = None
        self._stun: list[asyncio.DatagramTransport] = []

    def __repr__(self) -> str:
        return f"<RendezvousServer {', '.join(self.config.hosts)} port {self.port}>"

    @property
    def scheme(self) -> str:
        """`https` with a certificate, else `http`."""
        return "https" if self.config.certificate else "http"

    async def start(self) -> None:
        """Listen; returns once clients are served. Raises LocalError where that is not possible."""
        config = self.config
        context = self._tls()
        packages = Packages(config.packages, config.package_source)
        sockets = await self._listen()
        try:
            app = create_app(
                config.limits,
                Store(config.database),
                config.clock,
                log_addresses=config.log_addresses,
                turn=config.turn,
                site=BuiltPage(config.site, packages.source) if config.site else None,
                packages=packages,
                names=self._names(),
                pages=config.pages,
            )
        except BaseException:
            for sock in sockets:
                sock.close()
            raise
        limits = config.limits
        rendezvous = app.state.rendezvous
        self.guard = SocketGuard(limits, rendezvous.door.quotas, config.clock, config.trusted_proxies)
        http, websocket = protocols(limits, self.guard, context, rendezvous.metrics.stalled.inc)
        self._server = _Uvicorn(
            uvicorn.Config(
                app,
                http=http,
                ws=websocket,
                ws_max_size=max(MAX_MESSAGE, limits.relayed_message),
                ws_per_message_deflate=False,  # all is ciphertext
                ws_ping_interval=limits.ping,
                ws_ping_timeout=limits.pong,
                lifespan="on",
                log_config=None,
                log_level="critical",  # its lines hold paths and addresses; `Door` logs failures
                access_log=False,
                server_header=False,
                proxy_headers=bool(config.trusted_proxies),
                forwarded_allow_ips=list(config.trusted_proxies),
                timeout_graceful_shutdown=_STOP,  # type: ignore[arg-type]  # it is passed to wait_for
            )
        )
        self._serving = asyncio.create_task(self._server.serve(sockets))
        try:
            app.state.rendezvous.stun_port = await self._serve_stun(app.state.rendezvous.stun)
            while not self._server.started:
                await asyncio.wait((self._serving,), timeout=0.01)
                if self._serving.done():
                    self._serving.result()
                    raise LocalError("The rendezvous did not start.")
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Close every connection and the store; takes at most two seconds."""
        server, serving = self._server, self._serving
        if not server or not serving:
            return
        self._server = self._serving = None
        for transport in self._stun:
            transport.close()
        self._stun.clear()
        server.should_exit = True
        try:
            await serving
        finally:
            # What is left takes nothing and would linger until the kernel gave it up.
            for connection in list(server.server_state.connections):
                connection.transport.abort()

    async def __aenter__(self) -> "RendezvousServer":
        await self.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.stop()

    async def _serve_stun(self, make: Callable[[], StunServer]) -> int:
        """STUN on each address; the port, or 0 where another program has it already."""
        loop = asyncio.get_running_loop()
        addresses = await self._addresses(self.config.stun_hosts or self.config.hosts)
        for address, family in addresses.items():
            udp = socket.socket(family, socket.SOCK_DGRAM)
            try:
                udp.setblocking(False)
                if family == socket.AF_INET6:
                    udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                udp.bind((address[0], self.port, *address[2:]))
            except OSError:
                udp.close()
                continue
            transport, _ = await loop.create_datagram_endpoint(make, sock=udp)
            self._stun.append(transport)
        return self.port if self._stun else 0

    def _names(self) -> set[str] | None:
        """The names that it goes by, beside its addresses; None where any may be right.

        A certificate tells a browser that a name is wrong, and a proxy passes on what is its own.
        """
        config = self.config
        if not config.names and (config.certificate or config.trusted_proxies):
            return None
        own = socket.gethostname()
        return {*config.names, *filter(None, config.hosts), own, f"{own}.local"}

    def _tls(self) -> ssl.SSLContext | None:
        config = self.config
        if not config.certificate:
            return None
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        try:
            context.load_cert_chain(config.certificate, config.key)
        except (OSError, ssl.SSLError) as error:
            raise LocalError(
                f"The certificate {config.certificate} with its key can't be used: {error}.",
                hint="Both are PEM files; the certificate comes with its chain.",
            ) from error
        return context

    async def _addresses(self, hosts: tuple[str, ...]) -> dict[_SockAddress, socket.AddressFamily]:
        """The addresses of these hosts, with port 0."""
        loop = asyncio.get_running_loop()
        addresses: dict[_SockAddress, socket.AddressFamily] = {}
        for host in hosts:
            try:
                found = await loop.getaddrinfo(
                    host or None, 0, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
                )
            except OSError as error:
                raise LocalError(
                    f"The rendezvous can't listen on {host}: {error}.",
                    hint="Name an address of this machine.",
                ) from error
            for family, _, _, _, address in found:
                # Of "every address", IPv6 may be missing on this machine; an address that was named may not.
                if host or family == socket.AF_INET or _has_ipv6():
                    addresses[address] = family
        return addresses

    async def _listen(self) -> list[socket.socket]:
        config = self.config
        addresses = await self._addresses(config.hosts)
        for attempt in range(_TRIES):
            try:
                return self._bind(addresses)
            except OSError as error:
                if error.errno == errno.EADDRINUSE and not config.port and attempt < _TRIES - 1:
                    continue
                raise LocalError(
                    f"The rendezvous can't listen on port {config.port}: {error.strerror or error}.",
                    hint="Stop what uses it, or choose another port.",
                ) from error
        raise AssertionError("the loop returns or raises")

    def _bind(self, addresses: dict[_SockAddress, socket.AddressFamily]) -> list[socket.socket]:
        sockets: list[socket.socket] = []
        port = self.config.port
        try:
            for address, family in addresses.items():
                sock = socket.socket(family, socket.SOCK_STREAM)
                sockets.append(sock)
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if family == socket.AF_INET6:
                    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                sock.bind((address[0], port, *address[2:]))
                port = sock.getsockname()[1]
        except OSError:
            for sock in sockets:
                sock.close()
            raise
        self.port = port
        return sockets


def _has_ipv6() -> bool:
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as sock:
        sock.bind(("::1", 0))
        return True
    return False
