"""A run whose program somebody starts by hand: the session's links as TCP ports of this machine.

For every peer with a higher pid a port on 127.0.0.1 is opened, to which MPyC connects; for peers with a
lower pid a connection is made to MPyC's own port as soon as the peer's MPyC says something, and tried again
until MPyC listens. `arguments` are what MPyC
has to be given. Several `mpc.start()` follow one another, as in a run: each connection ends with one EOF
frame from either side (see running/runner/loop.py).

What comes from MPyC is cut as it is read, not as it was written, and its depth is one more than the
largest that was passed on by then: message counts and rounds are approximations here.

Any process of this machine may connect to the ports, and MPyC itself listens on all of this machine's
addresses while it starts: this is for notebooks and debuggers, on a machine that one has to oneself. A page
in a browser may connect as well, but can't begin with a pid: what does not is dropped and concerns nobody.
"""

import asyncio
import errno
import os
import secrets
import socket
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Protocol

from huddle.errors import HuddleError, LocalError, NetworkError, PeerError, ProgramError
from huddle.links import frames
from huddle.links.link import Link
from huddle.links.wire import WireInfo
from huddle.running.port_connection import PortConnection
from huddle.running.runner.loop import DEEPEST
from huddle.running.spec import RunnerExit

HOST = "127.0.0.1"
_PORTS = range(20_000, 32_000)  # below those that Linux and macOS give to connections: MPyC listens later
# An MPyC closes all connections while others go on:
PAUSE = 5.0  # seconds until that is said
HUNG_UP = 300.0  # seconds from then for it to come again
RETRY = 0.1  # seconds between attempts to connect to an MPyC that does not listen yet, as in MPyC

OpenLink = Callable[["ProxyChannel"], Link]


class ProxyObserver(Protocol):
    """Whoever watches. All calls come from the event loop and must not wait."""

    def run_link(self, pid: int, info: WireInfo | None, reason: str) -> None:
        """The link to that peer has a new wire, or (`info` is None) lost the last for this reason."""
        ...

    def run_peer_ended(self, pid: int) -> None:
        """That peer's program is over, and all that it sent has arrived."""
        ...

    def proxy_connection(self, pid: int, there: bool) -> None:
        """The MPyC here is connected to that peer, or no longer."""
        ...

    def proxy_hung_up(self, seconds: float | None) -> None:
        """The MPyC here has closed all connections; the run ends in so many seconds unless it comes again.

        None: it may come again at any time.
        """
        ...


class ProxyChannel(asyncio.Protocol):
    """One peer: its link, and the TCP connection to the MPyC here, while there is one."""

    def __init__(self, proxy: "Proxy", pid: int, open_link: OpenLink) -> None:
        self.pid = pid
        self.peer_ended = False
        self._proxy = proxy
        self._loop = asyncio.get_running_loop()
        self._door: PortConnection | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._opened = self._finished = 0  # connections of this side; connections that the peer has ended
        self._early: deque[bytes | None] = deque()  # for a connection to come; None is the end of one
        self._held = 0  # bytes of frames in it
        self._received = self._told = 0
        self._said_end = False
        self.link = open_link(self)

    @property
    def connected(self) -> bool:
        """Whether the MPyC here is connected for this peer, or has something left to take."""
        return self._door is not None or bool(self._early)

    @property
    def open(self) -> bool:
        """Whether the MPyC here is connected for this peer now."""
        return self._door is not None

    # --- the MPyC here

    def door(self) -> PortConnection:
        """What takes the next connection of the MPyC here."""
        return PortConnection(self, claims=self._proxy.pid if self.pid > self._proxy.pid else None)

    def opened(self, door: PortConnection) -> None:
        """MPyC is connected: give it what has come for it already."""
        if self._door:
            self._door.close()
            self.closed(self._door)
        self._door = door
        self._connecting = None
        if self.pid > self._proxy.pid:
            self._opened += 1
        self._proxy.came()
        self._proxy.observer.proxy_connection(self.pid, True)
        if not self.link.writable:
            door.pause(True)
        while self._early:
            data = self._early.popleft()
            if data is None:
                self._peer_closed()
                return
            self._held -= len(data) + frames.HEADER.size
            door.write(data)
        self.tell_delivered()

    def read(self, data: bytes) -> None:
        """MPyC wrote this."""
        self.link.write(frames.data_frames(data, self._proxy.depth + 1))
        if self._door and not self.link.writable:
            self._door.pause(True)

    def closed(self, door: PortConnection) -> None:
        """MPyC, or the peer before it, ended the connection."""
        if door is self._door:
            self._door = None
            if not self._said_end:
                self.link.write(frames.control(frames.EOF))
            self._proxy.observer.proxy_connection(self.pid, False)
            self.tell_delivered()
            self._connect()
            self._proxy.look()

    def tell_delivered(self) -> None:
        """Tell the peer's link how much has reached MPyC."""
        unread = self._door.unwritten() if self._door else 0
        self._told = max(self._told, self._received - self._held - unread)
        self.link.delivered(self._told)

    def _peer_closed(self) -> None:
        if self._door:
            self._door.close()
            self.closed(self._door)

    def _connect(self) -> None:
        """Where a lower peer has begun the next connection, make it here too."""
        if self.pid < self._proxy.pid and self._early and not self._door and not self._connecting:
            self._opened += 1
            self._connecting = self._loop.create_task(self._keep_connecting())

    async def _keep_connecting(self) -> None:
        while not self._door:
            with suppress(OSError):
                await self._loop.create_connection(self.door, HOST, self._proxy.port)
                return
            await asyncio.sleep(RETRY)

    # --- the peer

    def link_frames(self, data: frames.Slice) -> None:
        """Whole stream frames from the peer."""
        self._received += len(data)
        for kind, depth, payload in frames.frames_in(data)[0]:
            if kind == frames.DATA:
                self._proxy.depth = min(max(self._proxy.depth, depth), DEEPEST)
                self._take(payload)
            elif kind == frames.EOF:
                if self._finished >= self._opened or self._connecting:
                    self._early.append(None)
                elif self._finished == self._opened - 1:
                    self._peer_closed()
                self._finished += 1
            else:
                self.peer_ended = True
                self._proxy.peer_ended(self.pid)
        self._connect()
        self.tell_delivered()

    def _take(self, payload: bytes) -> None:
        if self._finished >= self._opened or self._connecting:
            self._early.append(payload)
            self._held += len(payload) + frames.HEADER.size
        elif self._door and self._finished == self._opened - 1:
            self._door.write(payload)

    def link_taken(self, total: int) -> None:
        """There may be room again."""
        if self._door and self.link.writable:
            self._door.pause(False)

    def link_lost(self, reason: str) -> None:
        """The wire is gone; the keeper looks for another."""
        self._proxy.observer.run_link(self.pid, None, reason)

    def link_restored(self, info: WireInfo) -> None:
        """The link has a wire, the first or a new one."""
        self._proxy.observer.run_link(self.pid, info, "")

    def link_failed(self, error: HuddleError) -> None:
        """The link is over without an END."""
        if not self.peer_ended:
            self._proxy.fail(error, self.pid)

    def fail_claim(self, claimed: int) -> None:
        """The first two bytes of a connection, its maker's pid, are not what they must be."""
        if self.pid < self._proxy.pid:
            name = self._proxy.names[self.pid]
            self._proxy.fail(PeerError(f"{name} claimed to be party {claimed}", peer=name), self.pid)
        else:
            self._proxy.fail(
                LocalError(
                    f"the MPyC that was started here says that it is party {claimed}",
                    hint=f"start it with -I {self._proxy.pid}",
                )
            )

    def end(self) -> None:
        """Say END, and drop MPyC's connection."""
        if not self._said_end:
            self._said_end = True
            self.link.write(frames.control(frames.END))
        if self._connecting:
            self._connecting.cancel()
            self._connecting = None
        self._early.clear()
        self._held = 0
        self._peer_closed()


def _free_port() -> int:
    for port in secrets.SystemRandom().sample(_PORTS, 100):
        with suppress(OSError), socket.create_server((HOST, port)):
            return port
    raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))


class Proxy:
    """A run of a program that is started by hand. `open_links` maps each peer's pid to what opens its link.

    It has the surface of `huddle.running.run.Run`, but that nothing here knows when the program ends: the
    run is over when it is stopped, when it fails, when all peers' programs are over and MPyC has hung up, or
    when it has hung up and does not come again. With `stays` it may come and go until `finish`.
    """

    def __init__(
        self,
        pid: int,
        names: tuple[str, ...],
        open_links: Mapping[int, OpenLink],
        observer: ProxyObserver,
        *,
        stays: bool = False,
    ) -> None:
        self.pid = pid
        self.names = names
        self.observer = observer
        self.hung_up = False  # the MPyC here has closed its connections, which was told
        self.port = 0  # on which the MPyC here must listen
        self.depth = 0  # the largest received from any peer
        self.channels: dict[int, ProxyChannel] = {}
        self.error: HuddleError | None = None
        self._open_links = open_links
        self._stays = stays
        self._servers: dict[int, asyncio.Server] = {}
        self._over = asyncio.Event()
        self._exit = RunnerExit(0)
        self._ended = asyncio.Event()
        self._waiting: asyncio.TimerHandle | None = None  # for an MPyC that has hung up

    @property
    def status(self) -> str:
        """What the program does, as far as can be seen from here."""
        if self._over.is_set():
            return "gone"
        return "computing" if self._waiting is None else "idle"

    @property
    def arguments(self) -> tuple[str, ...]:
        """What MPyC must be given, before or after the program's own arguments."""
        line: list[str] = []
        for pid in range(len(self.names)):
            port = self._servers[pid].sockets[0].getsockname()[1] if pid in self._servers else self.port
            line += ["-P", f"{HOST}:{port}"]
        return (*line, "-I", str(self.pid))

    def stats(self) -> dict[int, Any]:
        """The counters of each link, by the peer's pid."""
        return {pid: channel.link.stats for pid, channel in self.channels.items()}

    async def start(self) -> None:
        """Open the ports and the links; `arguments` are known then."""
        try:
            self.port = _free_port()
            for pid in range(self.pid + 1, len(self.names)):
                self._servers[pid] = await self._serve(pid)
        except OSError as error:
            self._close_servers()
            raise NetworkError(f"no port can be opened on {HOST}: {error.strerror}") from None
        for pid, open_link in self._open_links.items():
            self.channels[pid] = ProxyChannel(self, pid, open_link)
        for server in self._servers.values():
            await server.start_serving()

    async def _serve(self, pid: int) -> asyncio.Server:
        loop = asyncio.get_running_loop()
        return await loop.create_server(lambda: self.channels[pid].door(), HOST, 0, start_serving=False)

    def finish(self) -> None:
        """What was started by hand is over, and well."""
        if not self._over.is_set():
            self._finish()

    def stop(self, reason: str, culprit: int | None = None) -> None:
        """End the run: MPyC's connections are closed and the peers are told."""
        if not self._over.is_set():
            self._exit = RunnerExit(None, None, reason, culprit, stopped=True)
            self._finish()

    def fail(self, error: HuddleError, culprit: int | None = None) -> None:
        """End the run because of this."""
        if not self._over.is_set():
            self.error = error
            self.stop(error.message, culprit if isinstance(error, PeerError) else None)

    def peer_ended(self, pid: int) -> None:
        """That peer sends no more."""
        self.observer.run_peer_ended(pid)
        if all(channel.peer_ended for channel in self.channels.values()):
            self._ended.set()
            self.look()

    def look(self) -> None:
        """See whether the run is over: nobody has anything to say any more."""
        if self._ended.is_set() and not any(channel.connected for channel in self.channels.values()):
            self._over.set()
        elif not (self._over.is_set() or self._waiting or any(one.open for one in self.channels.values())):
            self._waiting = asyncio.get_running_loop().call_later(PAUSE, self._hung_up)

    def came(self) -> None:
        """The MPyC here has made a connection."""
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None
        self.hung_up = False

    def _hung_up(self) -> None:
        self.hung_up = True
        if not self._stays:
            self._waiting = asyncio.get_running_loop().call_later(HUNG_UP, self._gone)
        self.observer.proxy_hung_up(None if self._stays else HUNG_UP)

    def _gone(self) -> None:
        self._waiting = None
        self.fail(
            ProgramError(
                "the MPyC that was started by hand has closed its connections",
                hint="Start it again in time, or let it end when all programs do.",
            )
        )

    async def wait(self) -> RunnerExit:
        """Wait until the run is over."""
        await self._over.wait()
        self._finish()
        return self._exit

    async def wait_for_peers(self) -> None:
        """Wait until every peer's program has ended."""
        if self.channels:
            await self._ended.wait()

    def close(self) -> None:
        """Forget everything."""
        self._finish()

    def _finish(self) -> None:
        self._over.set()
        self.came()
        self._close_servers()
        for channel in self.channels.values():
            channel.end()

    def _close_servers(self) -> None:
        for server in self._servers.values():
            server.close()
