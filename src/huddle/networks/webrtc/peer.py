"""One peer of the network `webrtc`: its connection, made when a wire is wanted, and the wires on it.

    channel 0                 the first wire of the control link: both ends make it, and neither announces it
    channel "huddle <run>"    every other wire: the end that dials makes it, the other one is told

All dials of one time share an attempt and its connection. A connection on which nothing is heard is
replaced, one that carries no wire is closed after some seconds.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

from huddle.errors import NetworkError
from huddle.identity.crypto import Crypto
from huddle.links.wire import Wire, WireInfo
from huddle.networks.attempts import SharedAttempt
from huddle.networks.base import Accepted, PeerOffer
from huddle.networks.open_wires import OpenWires
from huddle.networks.webrtc.attempt import RtcAttempt
from huddle.networks.webrtc.library import Channel, Connection
from huddle.networks.webrtc.signals import where
from huddle.networks.webrtc.wire import RtcWire
from huddle.rendezvous.messages import TurnServer

SILENT = 4.5  # a connection with a living link on it is never so long without a PING
IDLE = 10.0  # seconds without a wire after which a connection is closed
CLAIM = 0.2  # seconds for this end to want channel 0, before it counts as dialled by the peer
REVERSAL = 0.1  # seconds by which the lower pid is ahead in making a channel

_LABEL = "huddle "
_DIGITS = 10  # of the largest run, a U32


class RtcPeer:
    """The connections to one peer; `servers` gives the STUN and TURN servers."""

    def __init__(
        self,
        url: str,
        peer: PeerOffer,
        crypto: Crypto,
        servers: Callable[[], Awaitable[tuple[TurnServer, ...]]],
        accepted: Accepted,
    ) -> None:
        self._url = url
        self._peer = peer
        self._crypto = crypto
        self._servers = servers
        self._accepted = accepted
        self._loop = asyncio.get_running_loop()
        self._attempt = SharedAttempt(self._connect)
        self._connection: Connection | None = None
        self._info = WireInfo("webrtc", "", b"", b"", sealed=True)
        self._pair = ("", "")
        self._first_free = False
        self._wires = OpenWires[RtcWire](lambda wire: wire.over, RtcWire.abort)
        self._idle: asyncio.TimerHandle | None = None
        self._closing: set[asyncio.Task[None]] = set()

    def __repr__(self) -> str:
        state = "connected" if self._connection else "connecting" if self._attempt.running else "apart"
        return f"<RtcPeer {self._peer.name} {state}, {len(self._wires)} wires>"

    async def wire(self, run: int) -> Wire:
        """A wire for that run, over the connection that there is or a new one; raises NetworkError."""
        connection = self._usable()
        fresh = connection is None
        if connection is None:
            connection = await self._attempt.outcome()
        if run == 0 and self._first_free:
            self._first_free = False
            return self._wire(connection.first)
        if fresh and not self._peer.lower:
            await asyncio.sleep(REVERSAL)
        if self._connection is not connection:
            raise NetworkError(f"The connection to {self._peer.name} was lost at once.")
        return self._wire(connection.channel(f"{_LABEL}{run}"))

    async def close(self, within: float) -> None:
        """Drop wires and connection; what closed wires have still to send gets so many seconds."""
        await self._attempt.cancel()
        # A closed wire is one until the peer has closed its channel too, and so has all.
        await self._wires.end(within)
        self._drop("the network was closed")
        await asyncio.gather(*self._closing)

    # --- the connection

    def _usable(self) -> Connection | None:
        connection = self._connection
        if connection is not None and self._loop.time() - connection.heard > SILENT:
            self._drop("nothing was heard on it")
            return None
        return connection

    async def _connect(self) -> Connection:
        early: list[Channel] = []  # made by a peer who knows before this party that there is a connection

        def came(channel: Channel) -> None:
            self._came(channel) if self._connection is attempt.connection else early.append(channel)

        attempt = RtcAttempt(
            self._peer,
            await self._servers(),
            self._crypto,
            on_channel=came,
            on_pair=self._settled,
            on_over=lambda reason: self._lost(attempt.connection, reason),
        )
        mine, theirs = await attempt.run(self._url)
        if attempt.connection.over:
            await attempt.connection.close()
            raise NetworkError(f"The connection to {self._peer.name} was lost at once.")
        self._connection = attempt.connection
        self._first_free = True
        keys = (mine.fingerprint, theirs.fingerprint)
        self._info = WireInfo("webrtc", _path(self._pair), *keys, sealed=True)
        self._loop.call_later(CLAIM, self._unclaimed, attempt.connection)
        for channel in early:
            self._came(channel)
        self._rest()
        return attempt.connection

    def _settled(self, local: str, remote: str) -> None:
        """ICE has chosen its pair of candidates, or a better one."""
        self._pair = (local, remote)
        self._info = replace(self._info, path=_path(self._pair))
        for wire in self._wires:
            wire.inform(self._info)

    def _came(self, channel: Channel) -> None:
        """The peer has made a channel."""
        label = channel.label
        run = label.removeprefix(_LABEL)
        digits = run.isascii() and run.isdigit() and len(run) <= _DIGITS
        wire = self._wire(channel)
        if label.startswith(_LABEL) and digits:
            self._accepted(self._peer.pid, int(run), wire)
        else:
            wire.abort()

    def _unclaimed(self, connection: Connection) -> None:
        """Nobody here wanted channel 0: the other end may."""
        if self._connection is connection and self._first_free:
            self._first_free = False
            self._accepted(self._peer.pid, 0, self._wire(connection.first))

    def _lost(self, connection: Connection, reason: str) -> None:
        if self._connection is connection:
            self._drop(reason)

    def _drop(self, reason: str) -> None:
        """This connection is no more; its wires are lost."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        closing = self._loop.create_task(connection.close())
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)
        for wire in self._wires:
            wire.lost(reason)
        self._stir()

    # --- the wires

    def _wire(self, channel: Channel) -> RtcWire:
        wire = RtcWire(channel, self._info, self._ended)
        self._wires.add(wire)
        self._stir()
        return wire

    def _ended(self, wire: RtcWire) -> None:
        self._wires.discard(wire)
        if self._connection is not None:
            self._connection.forget(wire.channel)
        self._rest()

    def _rest(self) -> None:
        """Close a connection that nobody needs, after a while."""
        if self._connection is not None and not self._wires and self._idle is None:
            self._idle = self._loop.call_later(IDLE, self._drop, "nobody needs it")

    def _stir(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None


def _path(pair: tuple[str, str]) -> str:
    (local, _, how), (remote, port, other) = where(pair[0]), where(pair[1])
    if how == "relay":
        return f"relayed by TURN {local}"
    if other == "relay":
        return f"relayed by TURN {remote}"
    return f"direct, {remote} port {port}" if remote else "direct"
