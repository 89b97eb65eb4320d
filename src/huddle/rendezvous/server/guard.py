"""Guards the connections of a rendezvous: lets WebSockets in, meters them by address, and shows them out.

Whatever a client does ends in an answer and a closed connection: `ClientConnection` parses strictly, and
`ConnectionGuard` turns every refusal, every mistake in the bytes and every failure of this server into one
`Refused`.
Neither rooms nor the relay know about addresses, rates or WebSockets' closing.

The log names no room, no channel, no record, and an address only where that was asked for.
"""

import asyncio
import contextlib
import logging
import traceback
from collections import Counter
from collections.abc import AsyncIterator, Callable
from enum import IntEnum
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketDisconnected

from huddle.codec import DecodeError
from huddle.rendezvous.limits import ClientRefused, ServerLimits
from huddle.rendezvous.messages import MAX_MESSAGE, Message, Refused, pack, unpack
from huddle.rendezvous.server.metrics import Metrics
from huddle.rendezvous.server.quotas import ClientQuota, Quotas

log = logging.getLogger("huddle.rendezvous")


class CloseCode(IntEnum):
    """Codes with which the rendezvous closes a WebSocket."""

    DONE = 1000
    REFUSED = 4000
    GONE = 4001
    PEER_LEFT = 4002
    REPLACED = 4003
    IDLE = 4004


class ClientConnection:
    """One WebSocket that was let in."""

    def __init__(self, door: "ConnectionGuard", socket: WebSocket, address: ClientQuota) -> None:
        self.address = address
        self._door = door
        self._socket = socket
        self._refused = False

    async def receive_raw(self, most: int) -> bytes | None:
        """The next binary message, None once the client has gone."""
        event = await self._socket.receive()
        if event["type"] != "websocket.receive":
            return None
        data: bytes | None = event.get("bytes")
        if data is None:
            raise DecodeError("a text message")
        if len(data) > most:
            raise DecodeError(f"a message of {len(data)} bytes; at most {most} may be sent here")
        return data

    async def receive(self, *kinds: type[Message]) -> Any:
        """The next message, of one of these kinds; None once the client has gone."""
        data = await self.receive_raw(MAX_MESSAGE)
        if data is None:
            return None
        door = self._door
        if wait := self.address.spend("messages", door.clock()):
            raise ClientRefused(
                "messages-per-minute",
                f"Your address sent more than {door.limits.messages_per_minute} messages in a minute.",
                "Wait, and look for a client that sends in a loop.",
                wait,
            )
        return unpack(data, *kinds)

    async def receive_first(self, *kinds: type[Message]) -> Any:
        """As `receive`, for the message with which a client says what it wants."""
        try:
            async with asyncio.timeout(self._door.limits.first_message):
                return await self.receive(*kinds)
        except TimeoutError:
            raise ClientRefused(
                "silent", "This client connected and said nothing.", "Try again.", 1
            ) from None

    async def send(self, message: Message) -> None:
        """Send once the socket can take it."""
        await self.send_raw(pack(message))

    async def send_raw(self, data: bytes) -> None:
        """Send bytes as they are, once the socket can take them."""
        try:
            await self._socket.send_bytes(data)
        except WebSocketDisconnected:  # another task noticed first that the client has gone
            raise WebSocketDisconnect(1006) from None

    async def pace(self, size: int) -> None:
        """Wait where this client's address has used up its bytes a minute."""
        if wait := self.address.take("bytes", size, self._door.clock()):
            self._door.metrics.slowed.inc(wait)
            await asyncio.sleep(wait)

    async def refuse(self, refused: Refused) -> None:
        """Tell the client why, and close."""
        self._door.metrics.refused.labels(refused.code).inc()
        log.info("refused%s: %s", self._door.shown(self.address), refused.code)
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            await self.send(refused)
        await self.close(CloseCode.REFUSED, refused.code)

    async def close(self, code: int = CloseCode.DONE, reason: str = "") -> None:
        """Close, unless it is closed."""
        # Starlette raises RuntimeError on a socket that is already closed from either end.
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            await self._socket.close(code, reason)


class ConnectionGuard:
    """Lets clients in by the limits, and knows what each address uses."""

    def __init__(
        self, limits: ServerLimits, clock: Callable[[], float], metrics: Metrics, log_addresses: bool = False
    ) -> None:
        self.limits = limits
        self.clock = clock
        self.metrics = metrics
        self._log_addresses = log_addresses
        self.quotas = Quotas(limits)
        self._open: Counter[str] = Counter()

    def shown(self, address: ClientQuota) -> str:
        """An address for the log, where it belongs there."""
        return f" {address.name}" if self._log_addresses else ""

    def sweep(self) -> None:
        """Forget the addresses that use nothing."""
        self.quotas.sweep(self.clock())

    @contextlib.asynccontextmanager
    async def visit(self, socket: WebSocket, kind: str) -> AsyncIterator[ClientConnection]:
        """A visit for as long as the block runs, which may raise whatever it wants."""
        address = self.quotas.of(socket.client.host if socket.client else "", self.clock())
        visit = ClientConnection(self, socket, address)
        refusal = self._refusal(address)
        address.add("connections", 1)
        self._open[kind] += 1
        self.metrics.connections.labels(kind).set(self._open[kind])
        try:
            await socket.accept()
            if refusal is not None:
                raise refusal
            yield visit
            await visit.close()
        except ClientRefused as refusal:
            await visit.refuse(refusal.answer)
        except DecodeError as error:
            await visit.refuse(
                Refused(
                    "malformed",
                    f"This client sent what the protocol does not allow: {error}."[:1000],
                    "Update Huddle; a rendezvous and its clients speak the same version.",
                    0,
                )
            )
        except (WebSocketDisconnect, OSError):
            pass
        except Exception as error:
            self.metrics.failures.inc()
            # Not its message or a traceback with values: they may hold what a log must not.
            frame = traceback.extract_tb(error.__traceback__)[-1]
            log.error("internal error: %s in %s line %s", type(error).__name__, frame.name, frame.lineno)
            await visit.refuse(
                Refused("internal", "The rendezvous made a mistake; it is not yours.", "Try again.", 1)
            )
        finally:
            address.add("connections", -1)
            self._open[kind] -= 1
            self.metrics.connections.labels(kind).set(self._open[kind])

    def _refusal(self, address: ClientQuota) -> ClientRefused | None:
        limits = self.limits
        if not address.fits("connections", limits.connections_per_address):
            return ClientRefused(
                "connections-per-address",
                f"Your address has {limits.connections_per_address} connections open, the most it may have.",
                "Close sessions that are over, or use a rendezvous of your own: huddle serve.",
                5,
            )
        if self._open.total() >= limits.connections:
            return ClientRefused(
                "connections",
                f"The rendezvous is full: it serves {limits.connections} connections at a time.",
                "Try again later, or use a rendezvous of your own: huddle serve.",
                10,
            )
        if wait := address.spend("opens", self.clock()):
            return ClientRefused(
                "opens-per-minute",
                f"Your address connected more than {limits.opens_per_minute} times in a minute.",
                "Wait, and look for a client that connects in a loop.",
                wait,
            )
        return None
