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

from starlette.websockets import WebSocket, WebSocketDisconnect

from huddle.codec import DecodeError
from huddle.rendezvous.limits import Bucket, ClientRefused, Limits, address_of
from huddle.rendezvous.messages import MAX_MESSAGE, Message, Refused, pack, unpack
from huddle.rendezvous.server.metrics import Metrics

log = logging.getLogger("huddle.rendezvous")


class Close(IntEnum):
    """Codes with which the rendezvous closes a WebSocket."""

    DONE = 1000
    REFUSED = 4000
    GONE = 4001
    PEER_LEFT = 4002
    REPLACED = 4003
    IDLE = 4004


class ClientQuota:
    """What one address uses: its connections, relay channels and rooms, and how fast."""

    def __init__(self, name: str, limits: Limits, now: float) -> None:
        self.name = name
        self.connections = 0
        self.channels = 0
        self.rooms: dict[bytes, int] = {}  # bytes in each room that it made
        self.opens = Bucket(limits.opens_per_minute, now)
        self.messages = Bucket(limits.messages_per_minute, now)
        self.lookups = Bucket(limits.lookups_per_minute, now)
        self.bytes = Bucket(limits.bytes_per_minute, now)
        self.passwords = Bucket(limits.turn_per_minute, now)

    def idle(self, now: float) -> bool:
        """Whether it may be forgotten."""
        buckets = (self.opens, self.messages, self.lookups, self.bytes, self.passwords)
        return not (self.connections or self.rooms) and all(bucket.full(now) for bucket in buckets)


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
        if wait := self.address.messages.take(1, door.clock()):
            self.address.messages.put_back(1)
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
        await self._socket.send_bytes(pack(message))

    async def send_raw(self, data: bytes) -> None:
        """Send bytes as they are, once the socket can take them."""
        await self._socket.send_bytes(data)

    async def pace(self, size: int) -> None:
        """Wait where this client's address has used up its bytes a minute."""
        if wait := self.address.bytes.take(size, self._door.clock()):
            self._door.metrics.slowed.inc(wait)
            await asyncio.sleep(wait)

    async def refuse(self, refused: Refused) -> None:
        """Tell the client why, and close."""
        self._door.metrics.refused.labels(refused.code).inc()
        log.info("refused%s: %s", self._door.shown(self.address), refused.code)
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            await self.send(refused)
        await self.close(Close.REFUSED, refused.code)

    async def close(self, code: int = Close.DONE, reason: str = "") -> None:
        """Close, unless it is closed."""
        # Starlette raises RuntimeError on a socket that is already closed from either end.
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            await self._socket.close(code, reason)


class ConnectionGuard:
    """Lets clients in by the limits, and knows what each address uses."""

    def __init__(
        self, limits: Limits, clock: Callable[[], float], metrics: Metrics, log_addresses: bool = False
    ) -> None:
        self.limits = limits
        self.clock = clock
        self.metrics = metrics
        self._log_addresses = log_addresses
        self._addresses: dict[str, ClientQuota] = {}
        self._open: Counter[str] = Counter()

    def shown(self, address: ClientQuota) -> str:
        """An address for the log, where it belongs there."""
        return f" {address.name}" if self._log_addresses else ""

    def sweep(self) -> None:
        """Forget the addresses that use nothing."""
        now = self.clock()
        for name in [name for name, address in self._addresses.items() if address.idle(now)]:
            del self._addresses[name]

    @contextlib.asynccontextmanager
    async def visit(self, socket: WebSocket, kind: str) -> AsyncIterator[ClientConnection]:
        """A visit for as long as the block runs, which may raise whatever it wants."""
        name = address_of(socket.client.host if socket.client else "")
        address = self._addresses.get(name)
        if address is None:
            address = self._addresses[name] = ClientQuota(name, self.limits, self.clock())
        visit = ClientConnection(self, socket, address)
        address.connections += 1
        self._open[kind] += 1
        self.metrics.connections.labels(kind).set(self._open[kind])
        try:
            await socket.accept()
            self._admit(address)
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
            address.connections -= 1
            self._open[kind] -= 1
            self.metrics.connections.labels(kind).set(self._open[kind])

    def _admit(self, address: ClientQuota) -> None:
        limits = self.limits
        if address.connections > limits.connections_per_address:
            raise ClientRefused(
                "connections-per-address",
                f"Your address has {limits.connections_per_address} connections open, the most it may have.",
                "Close sessions that are over, or use a rendezvous of your own: huddle serve.",
                5,
            )
        if self._open.total() > limits.connections:
            raise ClientRefused(
                "connections",
                f"The rendezvous is full: it serves {limits.connections} connections at a time.",
                "Try again later, or use a rendezvous of your own: huddle serve.",
                10,
            )
        if wait := address.opens.take(1, self.clock()):
            address.opens.put_back(1)
            raise ClientRefused(
                "opens-per-minute",
                f"Your address connected more than {limits.opens_per_minute} times in a minute.",
                "Wait, and look for a client that connects in a loop.",
                wait,
            )
